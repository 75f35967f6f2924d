"""Properties of a face from dlib's 68 points in the picture's plane (the order of iBUG 300-W).

The signs are those of `property_cnn.landmarks.measures`: x to the picture's right, y down; left and
right are the picture's. Two dimensions know nothing of depth: lengths shrink where a head turns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from property_cnn.landmarks.measures import distance, eye_opening
from property_cnn.properties import DLIB_PROPERTIES

POINTS = 68

VERSION = 1
"""Raised when the same points get other scores, so that stored scores grow stale."""

LEFT_EYE = (36, 37, 38, 39, 40, 41)
RIGHT_EYE = (42, 43, 44, 45, 46, 47)
"""Corner, two points of the upper lid, corner, two of the lower lid from there back."""

EYE_CORNERS = (36, 45)
NOSE_TIP = 30
LIPS = (62, 66)
MOUTH_CORNERS = (48, 54)


def measures(points: Tensor) -> Tensor:
    """The properties of faces; differentiable.

    Args:
        points: (N, 68, 2).

    Returns:
        (N, P), columns as in `DLIB_PROPERTIES`. eyes, left_eye and right_eye are heights of the
        eye's opening by its width (eye aspect ratio: Soukupová and Čech 2016), eyes the mean of
        both; mouth is the distance of the lips' inner edges by the mouth's width; smile is the
        mouth's width by the distance of the eyes' outer corners; yaw is how far the tip of the nose
        lies to the right of the middle of these corners, along the line through them, by their
        distance (no degrees); roll is the angle of this line,
        clockwise, in degrees.
    """
    left, right = eye_opening(points[:, LEFT_EYE]), eye_opening(points[:, RIGHT_EYE])
    corners = points[:, EYE_CORNERS]
    line, middle = corners[:, 1] - corners[:, 0], corners.mean(1)
    eyes = torch.linalg.vector_norm(line, dim=1)
    width = distance(points, *MOUTH_CORNERS)
    columns = {
        "eyes": (left + right) / 2,
        "left_eye": left,
        "right_eye": right,
        "mouth": distance(points, *LIPS) / width,
        "smile": width / eyes,
        "yaw": ((points[:, NOSE_TIP] - middle) * line).sum(1) / eyes**2,
        "roll": torch.rad2deg(torch.atan2(line[:, 1], line[:, 0])),
    }
    return torch.stack([columns[name] for name in DLIB_PROPERTIES], dim=1)
