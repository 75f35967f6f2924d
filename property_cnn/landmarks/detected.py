"""Properties of the largest face of a picture, wherever it is, by a detector and landmarks."""

from __future__ import annotations

import os
import threading

import torch
from torch import Tensor, nn

from property_cnn.common.networks import BatchedNetwork
from property_cnn.landmarks.crops import (
    Squares,
    cut,
    face_squares,
    in_picture,
    landmark_squares,
    squared,
)
from property_cnn.landmarks.detection import find_faces
from property_cnn.landmarks.files import DETECTOR, FACE, graph_digest, load_network
from property_cnn.landmarks.graph import GraphNetwork
from property_cnn.landmarks.measures import POINTS, measures
from property_cnn.landmarks.scorer import LandmarksScorer, is_face
from property_cnn.properties import LANDMARK_PROPERTIES

READS = 3
"""Readings of a face: each but the first off a crop around the landmarks of the one before."""

SEEN = ("images", "no_face", "several_faces")
"""What is counted."""

VERSION = 1
"""Raised when the same image gets other scores, so that stored scores grow stale."""


class DetectedScorer(BatchedNetwork):
    """Reads properties off the largest face of pictures of any shape.

    Args:
        detector, face: networks of the kinds `DETECTOR` and `FACE`.
        device, batch_size: see `BatchedNetwork`.

    Attributes:
        properties: names of the columns that it answers.
    """

    properties = LANDMARK_PROPERTIES

    def __init__(
        self,
        detector: GraphNetwork,
        face: GraphNetwork,
        device: str | torch.device | None = None,
        batch_size: int = 8,
    ):
        networks = nn.ModuleDict({DETECTOR.name: detector, FACE.name: face})
        super().__init__(networks, device, batch_size)
        self.face = LandmarksScorer(face, self.device, batch_size)
        self.digest = graph_digest(detector, f"{self.digest}-{self.face.digest}", VERSION)
        self._lock, self._seen = threading.Lock(), torch.zeros(len(SEEN), dtype=torch.long)

    @property
    def seen(self) -> dict[str, int]:
        """How many images were scored so far, and of them without a face, and with several."""
        with self._lock:
            return dict(zip(SEEN, self._seen.tolist(), strict=True))

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Scores, columns as in `properties`; see `property_cnn.landmarks.measures.measures`.

        Args:
            images: (N, 3, H, W) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32 on the scorer's device; rows of NaN where no face is found.

        Raises:
            ScorerError: the images have another shape.
        """
        points, logits, counts = self.landmarks(images)
        scores = measures(points)
        read = is_face(logits, scores)
        told = torch.stack([torch.ones_like(read), ~read, read & (counts > 1)]).sum(1).cpu()
        with self._lock:
            self._seen += told
        return torch.where(read[:, None], scores, torch.nan)

    def landmarks(self, images: Tensor, rank: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Where the points of each picture's largest face are.

        Args:
            images: see `__call__`.
            rank: see `Faces.largest`.

        Returns:
            (N, 468, 3) float32 x, y, z in pixels of the images, z growing away from the viewer,
            differentiable where the face is taken to stay; (N,) logits that a face is there, minus
            infinity where the detector has none; (N,) how many faces it has.

        Raises:
            ScorerError: the images have another shape.
        """
        whole = squared(images)
        points, logits = torch.empty(0, POINTS, 3), torch.empty(0)
        found = [(points.to(self.device), logits.to(self.device), logits.long().to(self.device))]
        for batch in whole.split(self.batch_size) if len(whole) else ():
            found.append(self._landmarks(batch.to(self.device, torch.float32), rank))
        points, logits, counts = (torch.cat(parts) for parts in zip(*found, strict=True))
        return points * whole.shape[-1], logits, counts

    def _landmarks(self, images: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
        """As `landmarks` of a batch of squares, with points in sides of them."""
        with torch.no_grad():
            faces = find_faces(self.network[DETECTOR.name], images)
            squares = face_squares(*faces.largest(rank))
            for _ in range(READS - 1):
                squares = landmark_squares(self._read(images, squares)[0])
        points, logits = self._read(images, squares)
        return points, torch.where(faces.counts > 0, logits, -torch.inf), faces.counts

    def _read(self, images: Tensor, squares: Squares) -> tuple[Tensor, Tensor]:
        """Points (N, 468, 3) in sides of the pictures, and logits (N,)."""
        points, logits = self.face.landmarks(cut(images, squares, FACE.side))
        return in_picture(points / FACE.side, squares), logits


def load_detected_scorer(
    path: str | os.PathLike, device: str | torch.device | None = None
) -> DetectedScorer:
    """The scorer with two networks of a file of `vectorfind fetch landmarks`.

    Raises:
        CheckpointError: the file is missing, damaged, or lacks one of them, as files do that were
            fetched before there was this scorer.
    """
    return DetectedScorer(load_network(path, DETECTOR), load_network(path, FACE), device)
