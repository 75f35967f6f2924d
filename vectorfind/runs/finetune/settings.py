"""Settings of the filter, of rendered faces and of measuring in the filter, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from property_cnn.common.checks import Batch, Samples, Seed, Settings, Whole
from property_cnn.common.errors import InputError
from stylegan_ft.concept.settings import Thresholds


@dataclass(frozen=True)
class FilterSettings(Settings):
    """What is generated and what of it is kept.

    Args:
        n: images to generate.
        seed: of their latents, which are those of `vectorfind sample` with this seed.
        batch_size: images a batch.
        keep_all: keep every image, whatever its probabilities.
        thresholds: what an image needs to be kept.

    Raises:
        InputError: a number is too small.
    """

    n: Samples = 20_000
    seed: Seed = 0
    batch_size: Batch = 64
    keep_all: bool = False
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True)
class FaceSettings(Settings):
    """Which faces are rendered.

    Args:
        n: number of faces.
        seed: of their population.
        size: side of the images in pixels.

    Raises:
        InputError: a number is too small.
    """

    n: Samples = 2000
    seed: Seed = 0
    size: Annotated[int, Whole(16, 2048)] = 64


@dataclass(frozen=True)
class MeasureSettings(Settings):
    """What is drawn and with what it is judged.

    Args:
        n: samples of each generator; 0 measures nothing.
        seed: of their latents.
        batch_size: images a batch.
        classifiers: of the four attributes; "default" or a file.
        scorer: of the properties; "default" or a file.
        device: where the networks run.
    """

    n: Annotated[int, Whole(0, 10_000_000)] = 4096
    seed: Seed = 0
    batch_size: Batch = 64
    classifiers: str = "default"
    scorer: str = "default"
    device: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n == 1:
            raise InputError("n is 1; give at least 2 samples, or 0 to measure nothing")
