"""Which faces a hair segmenter learns from; loads without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from property_cnn.common.checks import Seed, Settings, Whole
from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import SIDE, Side

LEAST_FACES = 10
"""So many can be split 80/10/10."""

MOST_FACES = 10_000_000
"""Most faces of a kind."""


@dataclass(frozen=True)
class FaceCounts(Settings):
    """Which faces a data set holds.

    Attributes:
        rendered: faces of the renderer, whose true masks are known.
        generated: faces of the generator.
        photographs: faces of MobileStyleGAN at 256 × 256; their masks are of the teacher of
            `property_cnn.hair.photographs`, whatever the others' is.
        seed: of both; faces of other seeds are others.
        side: of rendered images and of all soft masks, in pixels.
    """

    rendered: Annotated[int, Whole(0, MOST_FACES)] = 2000
    generated: Annotated[int, Whole(0, MOST_FACES)] = 3000
    photographs: Annotated[int, Whole(0, MOST_FACES)] = 0
    seed: Seed = 0
    side: Side = SIDE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rendered + self.generated + self.photographs < LEAST_FACES:
            raise InputError(
                f"{self.rendered} rendered and {self.generated} generated faces and "
                f"{self.photographs} photographs; need at least {LEAST_FACES}"
            )
