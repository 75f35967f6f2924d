"""Settings of the filter, of rendered faces and of measuring in the filter, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field

from property_cnn.common.checks import check_count, check_seed
from property_cnn.common.errors import InputError
from stylegan_ft.concept.settings import Thresholds


@dataclass(frozen=True)
class FilterSettings:
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

    n: int = 20_000
    seed: int = 0
    batch_size: int = 64
    keep_all: bool = False
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self):
        check_count("n", self.n)
        check_count("batch_size", self.batch_size)
        check_seed(self.seed)


@dataclass(frozen=True)
class FaceSettings:
    """Which faces are rendered.

    Args:
        n: number of faces.
        seed: of their population.
        size: side of the images in pixels.

    Raises:
        InputError: a number is too small.
    """

    n: int = 2000
    seed: int = 0
    size: int = 64

    def __post_init__(self):
        check_count("n", self.n)
        check_seed(self.seed)
        check_count("size", self.size, 16)


@dataclass(frozen=True)
class MeasureSettings:
    """What is drawn and with what it is judged.

    Args:
        n: samples of each generator; 0 measures nothing.
        seed: of their latents.
        batch_size: images a batch.
        classifiers: of the four attributes; "default" or a file.
        scorer: of the properties; "default" or a file.
        device: where the networks run.
    """

    n: int = 4096
    seed: int = 0
    batch_size: int = 64
    classifiers: str = "default"
    scorer: str = "default"
    device: str | None = None

    def validate(self) -> None:
        """Raises InputError for what is not allowed."""
        if self.n == 1:
            raise InputError("n is 1; give at least 2 samples, or 0 to measure nothing")
        check_count("n", self.n, 0)
        check_seed(self.seed)
        check_count("batch_size", self.batch_size)
