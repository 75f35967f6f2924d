"""Classes of the face-parsing map: what part of the portrait a pixel shows."""

from __future__ import annotations

from enum import IntEnum


class Part(IntEnum):
    """Class ids of a parsing map; left and right are the picture's, as the viewer sees it."""

    BACKGROUND = 0
    SKIN = 1
    NECK = 2
    CLOTHES = 3
    EARS = 4
    BROWS = 5
    LEFT_EYE = 6
    RIGHT_EYE = 7
    NOSE = 8
    UPPER_LIP = 9
    INNER_MOUTH = 10
    LOWER_LIP = 11
    HAIR = 12
    GLASSES = 13
