"""Which faces a hair segmenter learns from; loads without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from property_cnn.common.checks import check_count, check_seed
from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import SIDE, SMALLEST

LEAST_FACES = 10
"""So many can be split 80/10/10."""


@dataclass(frozen=True)
class FaceCounts:
    """Which faces a data set holds.

    Attributes:
        rendered: faces of the renderer, whose true masks are known.
        generated: faces of the generator.
        seed: of both; faces of other seeds are others.
        side: of rendered images and of all soft masks, in pixels.
    """

    rendered: int = 2000
    generated: int = 3000
    seed: int = 0
    side: int = SIDE

    def __post_init__(self):
        check_count("rendered", self.rendered, 0)
        check_count("generated", self.generated, 0)
        check_seed(self.seed)
        check_count("side", self.side, SMALLEST)
        if self.rendered + self.generated < LEAST_FACES:
            raise InputError(
                f"{self.rendered} rendered and {self.generated} generated faces; "
                f"need at least {LEAST_FACES}"
            )
