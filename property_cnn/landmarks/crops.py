"""Rolled squares in pictures, and what they show."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import ScorerError
from property_cnn.landmarks.measures import EYE_CORNERS

CROP = 1.5
"""Side of a face's crop, in the longer sides of its box, as MediaPipe has it."""

OUTSIDE = -1.0
"""What is beyond a picture: black."""

_LEAST = 1e-12


def squared(images: Tensor) -> Tensor:
    """Images (N, 3, H, W) with black at their right or below, so that they are square.

    Raises:
        ScorerError: the images have another shape.
    """
    if images.ndim != 4 or images.shape[1] != 3 or not images.shape[2] * images.shape[3]:
        raise ScorerError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
    height, width = images.shape[2:]
    side = max(height, width)
    return F.pad(images, (0, side - width, 0, side - height), value=OUTSIDE)


@dataclass(frozen=True)
class Squares:
    """Rolled squares in N pictures.

    Attributes:
        middle: (N, 2) x, y of their middles, in sides of the picture.
        along: (N, 2) from the middle of their left edge to that of their right.
    """

    middle: Tensor
    along: Tensor

    @property
    def down(self) -> Tensor:
        """(N, 2) from the middle of their upper edge to that of their lower."""
        return torch.stack([-self.along[:, 1], self.along[:, 0]], dim=1)


def face_squares(boxes: Tensor, points: Tensor) -> Squares:
    """Squares around the boxes of faces, level with their eyes.

    Args:
        boxes: (N, 4) left, top, right, bottom.
        points: (N, 6, 2), the eyes at the picture's left and right first.
    """
    side = CROP * (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True)
    return Squares((boxes[:, :2] + boxes[:, 2:]) / 2, side * _level(points[:, 1] - points[:, 0]))


def landmark_squares(points: Tensor) -> Squares:
    """Squares around landmarks, level with the eyes.

    Args:
        points: (N, 468, 3) or (N, 468, 2).
    """
    places = points[..., :2]
    level = _level(places[:, EYE_CORNERS[1]] - places[:, EYE_CORNERS[0]])
    axes = torch.stack([level, Squares(level, level).down], dim=1)  # (N, 2, 2)
    along_axes = places @ axes.transpose(1, 2)
    low, high = along_axes.amin(1), along_axes.amax(1)  # (N, 2) of the box that is level
    middle = ((low + high) / 2)[:, None] @ axes
    return Squares(middle[:, 0], CROP * (high - low).amax(1, keepdim=True) * level)


def _level(eyes: Tensor) -> Tensor:
    """Unit vectors (N, 2) along the lines from eye to eye; to the right where there is none."""
    length = torch.linalg.vector_norm(eyes, dim=1, keepdim=True)
    right = torch.tensor([1.0, 0.0], device=eyes.device).expand_as(eyes)
    return torch.where(length > 0, eyes / length.clamp_min(_LEAST), right)


def cut(images: Tensor, squares: Squares, side: int) -> Tensor:
    """What the squares show, (N, 3, side, side), bilinear; black beyond the pictures.

    A pixel is the mean of as many samples as keep them less than a pixel of the picture apart.

    Args:
        images: (N, 3, R, R) in [-1, 1].
        squares: N.
        side: of the crops, in pixels.
    """
    pixels = torch.linalg.vector_norm(squares.along, dim=1) * images.shape[-1]
    finest = -(-images.shape[-1] // side) + 1
    fine = (pixels / side).nan_to_num(1.0).ceil().clamp(1, finest).long()
    affine = torch.stack([squares.along, squares.down, 2 * squares.middle - 1], dim=2)
    crops = images.new_empty(len(images), 3, side, side)
    for samples in fine.unique().tolist():
        for these in (fine == samples).nonzero()[:, 0].split(max(1, 8 // samples)):
            crops[these] = _sampled(images[these], affine[these], side, samples)
    return crops


def _sampled(images: Tensor, affine: Tensor, side: int, samples: int) -> Tensor:
    shape = [len(images), 3, side * samples, side * samples]
    grid = F.affine_grid(affine, shape, align_corners=False).to(images.dtype)
    found = F.grid_sample(images - OUTSIDE, grid, align_corners=False) + OUTSIDE
    return F.avg_pool2d(found, samples)


def in_picture(points: Tensor, squares: Squares) -> Tensor:
    """Points of crops in the pictures that they are from; differentiable.

    Args:
        points: (N, P, 3) x, y, z in sides of the crops.
        squares: that the crops show.

    Returns:
        (N, P, 3) in sides of the pictures; z is in the unit of x and y.
    """
    x, y, z = points.unbind(2)
    across = (x - 0.5)[..., None] * squares.along[:, None]
    down = (y - 0.5)[..., None] * squares.down[:, None]
    depth = z * torch.linalg.vector_norm(squares.along, dim=1, keepdim=True)
    return torch.cat([squares.middle[:, None] + across + down, depth[..., None]], dim=2)
