"""Names of the properties that a face is scored by, in the order of the scorer's outputs."""

from __future__ import annotations

from collections.abc import Sequence

PROPERTIES = (
    "eyes",
    "hair_color",
    "hair_length",
    "mouth",
    "pose",
    "background_mean",
    "background_std",
    "hairstyle",
)
"""The eight scores of an image; more means wider eyes, brighter hair, longer hair, a wider open
mouth, a head turned further right, a brighter background, a more varied one, curlier hair."""

CONTROLLED = ("eyes", "mouth", "pose")
"""The properties that directions are sought for by default."""

GROUPING = ("hair_color", "hair_length", "background_mean", "hairstyle")
"""The properties whose medians split the images into groups, in the order of its letters."""

LABELS = PROPERTIES[:7]
"""The properties that the generator's label holds, in its order."""

LANDMARK_PROPERTIES = (
    "eyes",
    "left_eye",
    "right_eye",
    "mouth",
    "smile",
    "yaw",
    "pitch",
    "roll",
    "brows",
    "pose",
)
"""What the landmarks of a face tell; more means wider eyes, the left or the right one as the viewer
sees them, a wider open mouth, a broader one, a head turned to the picture's right, lifted up,
rolled clockwise, higher brows. The last is yaw by the name that directions are sought for."""

MASK_PROPERTIES = ("hair_color", "hair_length", "background_mean", "background_std", "hairstyle")
"""What masks of hair and background tell; see `PROPERTIES`."""

PARSING_PROPERTIES = LANDMARK_PROPERTIES + MASK_PROPERTIES
"""What landmarks and masks tell together."""

IRIS_PROPERTIES = ("eyes", "left_eye", "right_eye")
"""What the contours of the eyes tell."""

DLIB_PROPERTIES = ("eyes", "left_eye", "right_eye", "mouth", "smile", "yaw", "roll")
"""What the 68 points of dlib's predictor tell."""

PHOTO_PROPERTIES = (
    "eyes",
    "left_eye",
    "right_eye",
    "mouth",
    "smile",
    "brows",
    "yaw",
    "pitch",
    "roll",
    "pose",
)
"""What the network tells that learned from the landmarks, in the order of its heads."""

TURNED = ("pose", "yaw", "roll")
"""The properties that change their sign in a mirrored image."""

EXCHANGED = {"left_eye": "right_eye", "right_eye": "left_eye"}
"""The properties that a mirrored image has from one another; all others of the lists stay."""

_AKIN = (("pose", "yaw"), ("eyes", "left_eye", "right_eye"))
"""Names of one property, and of a property and its parts: where one moves, so do the others."""


def akin(one: str, other: str) -> bool:
    """Whether two names are of one property, or of one and a part of it."""
    return one == other or any({one, other} <= {*names} for names in _AKIN)


def read_as(name: str, scored: Sequence[str]) -> str | None:
    """The name under which a scorer reads a property: pose and yaw are one; None if it does not.

    Args:
        name: of the property.
        scored: what the scorer reads.
    """
    names = (name, *({"pose", "yaw"} - {name} if name in ("pose", "yaw") else ()))
    return next((each for each in names if each in scored), None)
