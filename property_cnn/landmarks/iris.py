"""A second reader of the eyes: contours that MediaPipe's iris network finds on crops of them.

The landmarks of the face only say where to cut; how far an eye is open is read by a network that
knows nothing of them.
"""

from __future__ import annotations

import os
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.networks import BatchedNetwork
from property_cnn.landmarks.files import FACE, IRIS, graph_digest, load_network
from property_cnn.landmarks.graph import GraphNetwork
from property_cnn.landmarks.measures import LEFT_EYE, READ_FROM, RIGHT_EYE, eye_opening
from property_cnn.landmarks.scorer import LandmarksScorer, is_face, resized
from property_cnn.properties import IRIS_PROPERTIES

POINTS = 71

CONTOUR = (0, 11, 13, 8, 5, 3)
"""Of the network's points those that stand where `LEFT_EYE` has its six."""

CROP = 2.3
"""Side of a crop, in widths of the eye."""

CUT_SIDE = 256
"""Largest side of the images that are cut, so that a crop's pixels are about the network's."""

VERSION = 1
"""Raised when the same image gets other scores, so that stored scores grow stale."""


class IrisScorer(BatchedNetwork):
    """Reads how far the eyes of one upright face are open, off whole images.

    Args:
        face, iris: networks of the kinds `FACE` and `IRIS`.
        device, batch_size: see `BatchedNetwork`.

    Attributes:
        properties: names of the columns that it answers.
        read_from: property -> the face's points there, as `measures.READ_FROM`.
    """

    properties = IRIS_PROPERTIES
    read_from = MappingProxyType({name: READ_FROM[name] for name in IRIS_PROPERTIES})

    def __init__(
        self,
        face: GraphNetwork,
        iris: GraphNetwork,
        device: str | torch.device | None = None,
        batch_size: int = 8,
    ):
        super().__init__(nn.ModuleDict({FACE.name: face, IRIS.name: iris}), device, batch_size)
        self.face = LandmarksScorer(face, self.device, batch_size)
        self.digest = graph_digest(iris, f"{self.digest}-{self.face.digest}", VERSION)

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Heights of the eyes' openings by their widths, columns as in `properties`.

        Args:
            images: (N, 3, R, R) floats in [-1, 1], any size and device.

        Returns:
            (N, 3) float32 on the scorer's device; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        return self.scores_and_points(images)[0]

    @torch.inference_mode()
    def scores_and_points(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See `LandmarksScorer.scores_and_points`; the points are the face's."""
        points, logits = self.face.landmarks(images)
        left, right = (eye_opening(contour[:, CONTOUR]) for contour in self.eyes(images, points))
        scores = torch.stack([(left + right) / 2, left, right], dim=1)
        scores = torch.where(is_face(logits, scores)[:, None], scores, torch.nan)
        return scores, points[..., :2] / images.shape[-1]

    def eyes(self, images: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Contours of the left and the right eye, (N, 71, 3) each; differentiable.

        Args:
            images: see `__call__`.
            points: (N, 468, 3) landmarks, in pixels of the images.

        Returns:
            x, y, z in pixels of crops of 64 × 64, of which the right eye's is mirrored.
        """
        unit = points[..., :2] / images.shape[-1]
        parts = zip(images.split(self.batch_size), unit.split(self.batch_size), strict=True)
        found = [self._contours(part, at) for part, at in parts if len(part)]
        both = torch.cat([points.new_empty(0, 2, POINTS, 3), *found])
        return both[:, 0], both[:, 1]

    def _contours(self, images: Tensor, unit: Tensor) -> Tensor:
        """(N, 2, 71, 3) of (N, 468, 2) landmarks in sides of the images."""
        images = images.to(self.device, torch.float32)
        small = resized(images, min(CUT_SIDE, images.shape[-1]))
        crops = [
            cut(small, unit[:, outer], unit[:, inner], IRIS.side)
            for outer, inner in ((LEFT_EYE[0], LEFT_EYE[3]), (RIGHT_EYE[3], RIGHT_EYE[0]))
        ]
        shown = torch.stack(crops, dim=1).flatten(0, 1).clamp(-1, 1).add(1).div(2)
        shown = shown.contiguous(memory_format=torch.channels_last)
        contours = self.network[IRIS.name](shown)[0].float()
        return contours.unflatten(0, (len(images), 2)).unflatten(2, (POINTS, 3))


def cut(images: Tensor, outer: Tensor, inner: Tensor, side: int) -> Tensor:
    """Square crops around eyes, turned so that the line from corner to corner is level.

    Args:
        images: (N, 3, R, R) in [-1, 1]; what a crop has beyond them is grey.
        outer, inner: (N, 2) x, y of the corners of an eye, in sides of the images.
        side: of the crops, in pixels.

    Returns:
        (N, 3, side, side), the outer corner at their left: the right eye's are mirrored.
    """
    along = CROP * (inner - outer)  # from the middle of the left edge to that of the right
    mirrored = 1 - 2 * (along[:, 0] < 0).to(along.dtype)
    down = torch.stack([-along[:, 1], along[:, 0]], dim=1) * mirrored[:, None]
    middle = inner + outer - 1  # in [-1, 1] over the image, as grid_sample counts
    affine = torch.stack([along, down, middle], dim=2)  # (N, 2, 3)
    grid = F.affine_grid(affine, [len(images), 3, side, side], align_corners=False)
    return F.grid_sample(images, grid.to(images.dtype), align_corners=False)


def load_iris_scorer(
    path: str | os.PathLike, device: str | torch.device | None = None
) -> IrisScorer:
    """The scorer with both networks of a file of `vectorfind fetch landmarks`.

    Raises:
        CheckpointError: the file is missing, damaged, or lacks one of them.
    """
    return IrisScorer(load_network(path, FACE), load_network(path, IRIS), device)
