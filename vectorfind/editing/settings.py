"""What editing does unless told otherwise, and names of the dye's parameters; without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

OMBRE = {
    "ombre-color": "color",
    "ombre-height": "ombre_height",
    "ombre-grad-height": "ombre_grad_height",
}
"""Names of the dye's parameters on the command line, and in `property_cnn.hair.ombre.ombre`."""

OMBRE_DEFAULTS = {"ombre-color": 0.5, "ombre-height": 0.6, "ombre-grad-height": 0.5}
"""A sky-blue dye of the lower 60 % of the hair, half of it gradient."""


@dataclass(frozen=True)
class EditSettings:
    """Which images are edited, and how an animation of them runs.

    Attributes:
        count: how many images.
        seed: of their latents, which are those of the test's cases under the same seed.
        frames: of an animation's way out; as many lead back, but for the two ends.
        rate: frames a second.
    """

    count: int = 4
    seed: int = 0
    frames: int = 24
    rate: float = 12.0
