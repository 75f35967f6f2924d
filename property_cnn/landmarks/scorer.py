"""The scorer that reads properties off the landmarks of a face."""

from __future__ import annotations

import os

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import ScorerError
from property_cnn.common.networks import BatchedNetwork, differentiable
from property_cnn.landmarks.files import FACE, graph_digest, load_network
from property_cnn.landmarks.graph import GraphNetwork
from property_cnn.landmarks.measures import POINTS, READ_FROM, VERSION, measures
from property_cnn.properties import LANDMARK_PROPERTIES

FACE_LOGIT = 10.0
"""Least logit of a face. Of 300 generated photographs the lowest was 16; half a face, a face on its
head or none at all had 14 at most, mostly far less than 0 (docs/landmarks.md)."""


class LandmarksScorer(BatchedNetwork):
    """Reads properties off whole images of one upright face each, as generators make them.

    Args:
        network: of the kind `FACE`.
        device, batch_size: see `BatchedNetwork`; more images than 8 leave a core's cache.

    Attributes:
        properties: names of the columns that it answers.
        read_from: property -> its points, as `measures.READ_FROM`.
    """

    network: GraphNetwork
    properties = LANDMARK_PROPERTIES
    read_from = READ_FROM

    def __init__(
        self,
        network: GraphNetwork,
        device: str | torch.device | None = None,
        batch_size: int = 8,
    ):
        super().__init__(network, device, batch_size)
        self.digest = graph_digest(network, self.digest, VERSION)

    @differentiable
    def __call__(self, images: Tensor) -> Tensor:
        """Scores, columns as in `properties`; see `property_cnn.landmarks.measures.measures`.

        Differentiable.

        Args:
            images: (N, 3, R, R) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32 on the scorer's device; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        return self.scores_and_points(images)[0]

    @differentiable
    def scores_and_points(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What a call gives, and where the points that it is read from are.

        Args:
            images: see `__call__`.

        Returns:
            (N, P) scores; (N, 468, 2) x, y in sides of the images.

        Raises:
            ScorerError: the images have another shape.
        """
        points, logits = self.landmarks(images)
        scores = measures(points)
        scores = torch.where(is_face(logits, scores)[:, None], scores, torch.nan)
        return scores, points[..., :2] / images.shape[-1]

    def landmarks(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Where the points of each face are; differentiable.

        Args:
            images: see `__call__`.

        Returns:
            (N, 468, 3) float32 x, y, z in pixels of the images, z growing away from the viewer;
            (N,) logits that a face is there.

        Raises:
            ScorerError: the images have another shape.
        """
        check_square(images)
        none = [torch.empty(0, size, device=self.device) for size in FACE.outputs]
        found = [self.network(batch) for batch in self._batches(images)]
        points, logits = (torch.cat(parts).float() for parts in zip(none, *found, strict=True))
        scale = images.shape[-1] / FACE.side
        return points.unflatten(1, (POINTS, 3)) * scale, logits[:, 0]

    def _batches(self, images: Tensor):
        for batch in images.split(self.batch_size) if len(images) else ():
            small = resized(batch.to(self.device, torch.float32), FACE.side)
            unit = small.clamp(-1, 1).add(1).div(2)
            yield unit.contiguous(memory_format=torch.channels_last)


def load_landmarks_scorer(
    path: str | os.PathLike, device: str | torch.device | None = None
) -> LandmarksScorer:
    """The scorer with the network in a file of `vectorfind fetch landmarks`, or in a .tflite.

    Raises:
        CheckpointError: the file is missing, damaged, or holds another network.
        InputError: the package tflite, which a .tflite needs, is missing.
    """
    return LandmarksScorer(load_network(path, FACE), device)


def is_face(logits: Tensor, scores: Tensor) -> Tensor:
    """(N,) bool: whether an image shows a face that has all its scores (N, P)."""
    return (logits >= FACE_LOGIT) & scores.isfinite().all(1)


def check_square(images: Tensor) -> None:
    """Raises ScorerError for what is no batch of square RGB images."""
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3]:
        raise ScorerError(f"images are (N, 3, R, R), square, not {tuple(images.shape)}")


def resized(images: Tensor, side: int) -> Tensor:
    """Images (N, 3, R, R) at (side, side), bilinear, with what is too fine for it filtered out."""
    if images.shape[-1] == side:
        return images
    smaller = side < images.shape[-1]
    return F.interpolate(
        images, (side, side), mode="bilinear", align_corners=False, antialias=smaller
    )
