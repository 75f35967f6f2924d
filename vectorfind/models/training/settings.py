"""How a scorer is trained on a generator's images; loads without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from property_cnn.common.checks import (
    Batch,
    Count,
    Positive,
    Samples,
    Seed,
    Settings,
    Whole,
    Workers,
    refused,
)
from vectorfind.config import FindSettings, Layers, Psi, Size

HELD_OUT = 0.1
"""Share of the images that nothing is learned from."""

LARGEST_SIDE = 256
"""Of the images that a scorer reads, unless it is told."""

GRID = 32
"""Of which that side is a multiple."""

IMAGES = 12_000
"""Images that are made to learn from."""

LEAST = 100
"""Fewest images with scores that a scorer is trained on, those held out included."""


@dataclass(frozen=True)
class ScorerTraining(Settings):
    """How a scorer is trained on a generator's images.

    Attributes:
        n: images to learn from; None for 12,000, or as many as a table of scores names.
        seed: of the latents, the first weights and the order of the images.
        epochs: passes over the images.
        lr: highest learning rate.
        step_images: images a step of the training.
        resolution: side in pixels that images are kept and read at, a multiple of 32; None for
            the images' own, up to 256.
        width: channels of each branch's first convolution.
        features: size of each head's hidden layer.
        mirror: mirror half of the images; None where it is known how every score then changes.
        batch_size: images a batch of the generator and the teacher; changes nothing but rounding.
        device, psi, trunc_layers, size: see `vectorfind.config.FindSettings`.
        workers: shards of images at once; changes nothing.
    """

    n: Samples | None = None
    seed: Seed = 0
    epochs: Count = 14
    lr: Positive = 2e-3
    step_images: Annotated[int, Whole(2, 65_536)] = 64
    resolution: Annotated[int, Whole(32, 1024)] | None = None
    width: Annotated[int, Whole(1, 1024)] = 16
    features: Annotated[int, Whole(1, 65_536)] = 32
    mirror: bool | None = None
    batch_size: Batch = 16
    device: str | None = FindSettings.device
    psi: Psi | None = FindSettings.psi
    trunc_layers: Layers | None = FindSettings.trunc_layers
    size: Size | None = FindSettings.size
    workers: Workers | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resolution is not None and self.resolution % GRID:
            raise refused("resolution", self.resolution, f"a multiple of {GRID}")

    @property
    def loading(self) -> dict:
        """How the generator is loaded."""
        return {name: getattr(self, name) for name in ("device", "psi", "trunc_layers", "size")}
