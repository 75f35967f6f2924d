"""How far images are from a picture: pixels, landmarks, and what a reader's network makes of them.

All are differentiable, and give a number for each of N images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDES = (234, 454)
"""Landmarks at the two ends of the face's width."""

LEAST_SIDE = 8
"""Side in pixels of the smallest level of a pyramid."""

_LEAST = 1e-8


def pyramid(images: Tensor) -> list[Tensor]:
    """Images (N, 3, R, R), and the same halved as often as 8 pixels are left."""
    levels = [images]
    while min(levels[-1].shape[-2:]) >= 2 * LEAST_SIDE:
        levels.append(F.avg_pool2d(levels[-1], 2))
    return levels


def pixel_distance(levels: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """(N,) mean squared difference, the mean over the levels of pyramids; others may be one."""
    each = [(a - b).square().mean(dim=(1, 2, 3)) for a, b in zip(levels, others, strict=True)]
    return torch.stack(each).mean(0)


def perceptual_distance(maps: Sequence[Tensor], others: Sequence[Tensor]) -> Tensor:
    """(N,) squared distance of activations, in the manner of LPIPS (Zhang et al. 2018).

    At each place of a map the channels are scaled to unit length; 0 to 4, the mean over places and
    maps, none of which is weighted.
    """
    each = [
        (_unit(a) - _unit(b)).square().sum(1).mean(dim=(1, 2))
        for a, b in zip(maps, others, strict=True)
    ]
    return torch.stack(each).mean(0)


def face_width(points: Tensor) -> Tensor:
    """(N,) widths of faces (N, 468, 2) in the unit of the points."""
    return torch.linalg.vector_norm(points[:, SIDES[0]] - points[:, SIDES[1]], dim=-1)


def landmark_shifts(points: Tensor, others: Tensor) -> Tensor:
    """(N, 468) distances of landmarks from those of others, in widths of the latter's faces."""
    apart = torch.linalg.vector_norm(points - others + _LEAST, dim=-1)
    return apart / face_width(others).clamp_min(_LEAST)[:, None]


def landmark_distance(points: Tensor, others: Tensor) -> Tensor:
    """(N,) mean squared distance of landmarks in tenths of the face's width."""
    return (10 * landmark_shifts(points, others)).square().mean(1)


def _unit(maps: Tensor) -> Tensor:
    return maps / maps.square().sum(1, keepdim=True).add(_LEAST).sqrt()
