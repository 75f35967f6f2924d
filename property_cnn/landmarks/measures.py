"""Properties of a face from its 468 landmarks in three dimensions.

Points are (x to the picture's right, y down, z away from the viewer), in one unit, whatever it is.
Lengths are taken in space and in units of others of the same face, so that scale, roll and, as
far as the depths are right, yaw leave all but themselves alone. Left and right are the picture's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from property_cnn.properties import LANDMARK_PROPERTIES

POINTS = 468

VERSION = 1
"""Raised when the same points get other scores, so that stored scores grow stale."""

LEFT_EYE = (33, 160, 158, 133, 153, 144)
RIGHT_EYE = (362, 385, 387, 263, 373, 380)
"""Corner, two points of the upper lid, corner, two of the lower lid from there back."""

EYE_CORNERS = (33, 263)
"""The outer ones; their distance is the unit of the face's lengths."""

LIPS = (13, 14)
"""Inner edges of the upper and the lower lip."""

MOUTH_CORNERS = (61, 291)

LEFT_BROW = (70, 63, 105, 66, 107)
RIGHT_BROW = (300, 293, 334, 296, 336)

LEFT_SIDE = (33, 133, 127, 234)
RIGHT_SIDE = (263, 362, 356, 454)
"""Corners of the eyes and edges of the face, each opposite to one of the other side."""

TOP, BOTTOM = 10, 2
"""Of what moves with the skull alone: the forehead at the hair, the foot of the nose."""

READ_FROM = {
    "eyes": (*LEFT_EYE, *RIGHT_EYE),
    "left_eye": LEFT_EYE,
    "right_eye": RIGHT_EYE,
    "mouth": (*LIPS, *MOUTH_CORNERS),
    "smile": (*MOUTH_CORNERS, *EYE_CORNERS),
    "brows": (*LEFT_BROW, *RIGHT_BROW, *LEFT_EYE, *RIGHT_EYE),
}
"""Property -> the points that it is read from; the others are read from all of the face."""


def measures(points: Tensor) -> Tensor:
    """The properties of faces; differentiable.

    Args:
        points: (N, 468, 3).

    Returns:
        (N, P), columns as in `LANDMARK_PROPERTIES`. eyes, left_eye and right_eye are heights of
        the eye's opening by its width, eyes the mean of both; mouth is the height of the opening
        by the mouth's width; smile is the mouth's width, brows the height of the brows above the
        corners of the eyes, both by the distance of the eyes' outer corners. yaw, pitch and roll
        are degrees: the angle of the line through the eyes out of the picture's plane, that of
        the face about this line, and that of the line in the plane.
    """
    left, right = eye_opening(points[:, LEFT_EYE]), eye_opening(points[:, RIGHT_EYE])
    width, eyes = distance(points, *MOUTH_CORNERS), distance(points, *EYE_CORNERS)
    across, down = head_axes(points)
    yaw, pitch, roll = angles(across, down)
    columns = {
        "eyes": (left + right) / 2,
        "left_eye": left,
        "right_eye": right,
        "mouth": distance(points, *LIPS) / width,
        "smile": width / eyes,
        "yaw": yaw,
        "pitch": pitch,
        "roll": roll,
        "brows": _brow_height(points, down) / eyes,
        "pose": yaw,
    }
    return torch.stack([columns[name] for name in LANDMARK_PROPERTIES], dim=1)


def eye_opening(contour: Tensor) -> Tensor:
    """(N,) mean height of eyes by their width, of (N, 6, D) points in the order of `LEFT_EYE`."""
    height = _length(contour[:, 1] - contour[:, 5]) + _length(contour[:, 2] - contour[:, 4])
    return height / (2 * _length(contour[:, 0] - contour[:, 3]))


def head_axes(points: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors (N, 3) of the head: to its side at the picture's right, and to its chin."""
    across = _unit(points[:, RIGHT_SIDE].mean(1) - points[:, LEFT_SIDE].mean(1))
    down = points[:, BOTTOM] - points[:, TOP]
    return across, _unit(down - (down * across).sum(1, keepdim=True) * across)


def angles(across: Tensor, down: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Yaw, pitch and roll in degrees, (N,) each, of a head with these axes.

    The head is pitched first, about its own axis across, then turned, then rolled in the picture.
    """
    away = torch.linalg.cross(across, down)
    yaw = torch.asin(across[:, 2].clamp(-1, 1))
    pitch = torch.atan2(-down[:, 2], away[:, 2])
    roll = torch.atan2(across[:, 1], across[:, 0])
    return torch.rad2deg(yaw), torch.rad2deg(pitch), torch.rad2deg(roll)


def _brow_height(points: Tensor, down: Tensor) -> Tensor:
    """(N,) mean height of the brows above the corners of their eyes, along the head's axis."""
    brows = points[:, LEFT_BROW + RIGHT_BROW].mean(1)
    corners = points[:, (LEFT_EYE[0], LEFT_EYE[3], RIGHT_EYE[0], RIGHT_EYE[3])].mean(1)
    return ((corners - brows) * down).sum(1)


def distance(points: Tensor, one: int, other: int) -> Tensor:
    """(N,) distances of two of the points (N, K, D), by their indices."""
    return _length(points[:, one] - points[:, other])


def _length(vectors: Tensor) -> Tensor:
    return torch.linalg.vector_norm(vectors, dim=-1)


def _unit(vectors: Tensor) -> Tensor:
    return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
