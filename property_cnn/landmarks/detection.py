"""Faces in pictures: boxes, and the eyes that tell how a head is rolled, by MediaPipe's detector.

The detector is a BlazeFace (Bazarevsky et al. 2019, "BlazeFace: sub-millisecond neural face
detection on mobile GPUs"): at each anchor, a point of a grid, it gives a box, six points and the
logit that there is a face. Lengths are in sides of a square picture, (0, 0) its upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from property_cnn.landmarks.files import DETECTOR
from property_cnn.landmarks.graph import GraphNetwork
from property_cnn.landmarks.scorer import resized

GRIDS = ((16, 2), (8, 6))
"""Points of a grid's side, and anchors at each, in the order of the network's rows."""

LEAST_SCORE = 0.5
"""Least probability of a face, as MediaPipe has it."""

SAME_FACE = 0.3
"""Least overlap, intersection by union, of boxes of one face."""

MOST_FACES = 32
"""Faces of one picture that are told apart; those of the highest scores come first."""


@dataclass(frozen=True)
class Faces:
    """The faces of N pictures, K at most in each, by falling score.

    Attributes:
        scores: (N, K) probabilities of a face; 0 where there are no more.
        boxes: (N, K, 4) left, top, right, bottom.
        points: (N, K, 6, 2) x, y of eyes, nose, mouth and ears.
    """

    scores: Tensor
    boxes: Tensor
    points: Tensor

    @property
    def counts(self) -> Tensor:
        """(N,) how many faces each picture has."""
        return (self.scores > 0).sum(1)

    def largest(self, rank: int = 0) -> tuple[Tensor, Tensor]:
        """(N, 4) boxes and (N, 6, 2) points of the faces whose boxes have the largest area.

        Args:
            rank: 1 for the second largest, and so on, below K; the largest where there are fewer.
        """
        size = self.boxes[..., 2:] - self.boxes[..., :2]
        area = size.prod(-1).where(self.scores > 0, -1.0)
        order = area.argsort(dim=1, descending=True, stable=True)
        place = order[:, min(rank, order.shape[1] - 1)]
        place = place.where(self.counts > rank, area.argmax(1))
        at = (torch.arange(len(area), device=area.device), place)
        return self.boxes[at], self.points[at]


def find_faces(network: GraphNetwork, images: Tensor) -> Faces:
    """The faces of pictures.

    Args:
        network: of the kind `DETECTOR`.
        images: (N, 3, R, R) in [-1, 1], on the network's device.
    """
    small = resized(images, DETECTOR.side).clamp(-1, 1).nan_to_num()
    raw, logits = network(small.contiguous(memory_format=torch.channels_last))
    boxes, points = decoded(raw.float().unflatten(1, (-1, 16)))
    return suppressed(boxes, points, logits.float().sigmoid())


def anchors(device: torch.device | None = None) -> Tensor:
    """(A, 2) x, y of the anchors, in the order of the network's rows."""
    grids = []
    for side, many in GRIDS:
        middle = (torch.arange(side, device=device) + 0.5) / side
        y, x = torch.meshgrid(middle, middle, indexing="ij")
        grids.append(torch.stack([x, y], dim=-1).reshape(-1, 1, 2).expand(-1, many, -1))
    return torch.cat([grid.reshape(-1, 2) for grid in grids])


def decoded(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (N, A, 4) and points (N, A, 6, 2) of the network's rows.

    Args:
        raw: (N, A, 16) middle, width and height of boxes, then points, in pixels of the network's
            images; middle and points count from the anchors.
    """
    places = (raw / DETECTOR.side).unflatten(2, (8, 2))
    at = anchors(raw.device)[:, None]
    middle, size, points = places[:, :, 0] + at[:, 0], places[:, :, 1], places[:, :, 2:] + at
    return torch.cat([middle - size / 2, middle + size / 2], dim=2), points


def suppressed(boxes: Tensor, points: Tensor, scores: Tensor) -> Faces:
    """The faces that boxes stand for: of those that overlap, the mean, weighted by their scores.

    Args:
        boxes: (N, A, 4); those of a face overlap the one with the highest score by `SAME_FACE`.
        points: (N, A, 6, 2).
        scores: (N, A) probabilities of a face; from `LEAST_SCORE` on they count.
    """
    left = scores.where(scores >= LEAST_SCORE, 0.0)  # scores of boxes not yet taken
    values = torch.cat([boxes, points.flatten(2)], dim=2)  # (N, A, 16)
    found, rows = [], torch.arange(len(boxes), device=boxes.device)
    for _ in range(MOST_FACES):
        best, place = left.max(dim=1)
        if found and not best.any():
            break
        same = overlaps(boxes, boxes[rows, place]) >= SAME_FACE
        same[rows, place] = True
        weights = left * same
        total = weights.sum(1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
        mean = torch.einsum("na,nak->nk", weights / total, values)
        found.append(torch.cat([best[:, None], mean], dim=1))
        left = left * ~same
    faces = torch.stack(found, dim=1)  # (N, K, 17)
    return Faces(faces[..., 0], faces[..., 1:5], faces[..., 5:].unflatten(2, (6, 2)))


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection by union (N, A) of boxes (N, A, 4) and one other (N, 4) for each N."""
    low = torch.maximum(boxes[..., :2], others[:, None, :2])
    high = torch.minimum(boxes[..., 2:], others[:, None, 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    areas, other = ((b[..., 2:] - b[..., :2]).clamp_min(0).prod(-1) for b in (boxes, others))
    union = areas + other[:, None] - shared
    return shared / union.clamp_min(torch.finfo(union.dtype).tiny)
