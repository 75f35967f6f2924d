"""What editing does unless told otherwise, and names of the dye's parameters; without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from property_cnn.common.checks import Number, Seed, Settings, Whole
from vectorfind.config import Size

OMBRE = {
    "ombre-color": "color",
    "ombre-height": "ombre_height",
    "ombre-grad-height": "ombre_grad_height",
}
"""Names of the dye's parameters on the command line, and in `property_cnn.hair.ombre.ombre`."""

OMBRE_DEFAULTS = {"ombre-color": 0.5, "ombre-height": 0.6, "ombre-grad-height": 0.5}
"""A sky-blue dye of the lower 60 % of the hair, half of it gradient."""

FASTEST = 50.0
"""Most frames a second: GIF counts in hundredths, and viewers slow down delays of one."""

SLOWEST = 0.1
"""Least frames a second: a GIF has no delay of more than eleven minutes."""

RATE = 25.0
"""Frames a second of a character's film, unless told otherwise."""

LINEAR, EASED, ROWS = BETWEEN = ("linear", "eased", "rows")
"""What is between two rows of a script: straight on; slowly away and slowly in; nothing, a row is
a frame."""

MOST_BYTES = 2 * 2**30
"""Most memory that the images of one edit may take."""


@dataclass(frozen=True)
class EditSettings(Settings):
    """Which images are edited, and how an animation of them runs.

    Attributes:
        count: how many images.
        seed: of their latents, which are those of the test's cases under the same seed.
        frames: of an animation's way out; as many lead back, but for the two ends.
        rate: frames a second.
        size: side of the images in pixels, of a generator that makes several; None for that which
            the directions were found at.
        steps: of each edit, see `Directions.edit`; None for one, or four to a target.
        target: edit until the scorer sees the strengths.
    """

    count: Annotated[int, Whole(1, 10_000)] = 4
    seed: Seed = 0
    frames: Annotated[int, Whole(2, 1_000)] = 24
    rate: Annotated[float, Number(SLOWEST, FASTEST)] = 12.0
    size: Size | None = None
    steps: Annotated[int, Whole(1, 100)] | None = None
    target: bool = False


@dataclass(frozen=True)
class CharacterSettings(Settings):
    """How a face's answer to its directions is measured.

    Attributes:
        points: strengths a property, from one end to the other, each an image.
        reach: the ends, as a multiple of the largest strengths of the directions' test.
        checks: sliders a property, evenly from -1 to 1, that the curve is then tested at; 0 for
            none.
        steps: of each edit along a curve, see `Directions.edit`.
    """

    points: Annotated[int, Whole(5, 201)] = 17
    reach: Annotated[float, Number(0.1, 10)] = 1.25
    checks: Annotated[int, Whole(0, 201)] = 9
    steps: Annotated[int, Whole(1, 100)] = 4
