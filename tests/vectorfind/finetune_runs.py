"""Folders of fine-tuning runs as training leaves them, with tiny generators."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.concept import Thresholds
from stylegan_ft.formats.checkpoint import save_generator
from tests.reports.finetune_logs import PER_EPOCH

TINY = GeneratorConfig(
    resolution=8, z_dim=6, w_dim=5, label_dim=0, split=False, channels=(8, 8), hidden_dim=7
)

BRIGHT = Thresholds(0.5, 0.0, 1.0, 1.0)
"""Bright images pass."""


class BrightnessFilter:
    """In place of the concept's classifiers: how bright images are, for every attribute."""

    loads = 0

    @classmethod
    def load(cls, path: str, device: str | None) -> BrightnessFilter:
        cls.loads += 1
        return cls()

    def __call__(self, images: Tensor) -> Tensor:
        return images.mean(dim=(1, 2, 3))[:, None].sigmoid().expand(-1, 4)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The filter's file of weights, `BrightnessFilter` being what is loaded from it."""
    path = tmp_path / "concept.safetensors"
    path.write_bytes(b"weights")
    monkeypatch.setattr("stylegan_ft.concept.ConceptClassifiers", BrightnessFilter)
    monkeypatch.setattr("stylegan_ft.concept.SHIPPED", path)
    monkeypatch.setattr(BrightnessFilter, "loads", 0)
    return path


def write_generator(path: Path, seed: int) -> Path:
    """A tiny generator with random weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_generator(path, GeneratorNetwork(TINY, seed=seed))
    return path


def write_run(folder: Path, variant: str, log: str, base: Path | str = "none", **settings) -> Path:
    """A run's folder without a generator."""
    folder.mkdir(parents=True)
    values = {"variant": variant, "settings": {"lr": 0.001}, "batches_per_epoch": PER_EPOCH}
    values |= {"base": str(base), "command": f"vectorfind finetune --variant {variant}"}
    values |= {"versions": {"torch": "2.0"}} | settings
    (folder / "settings.json").write_text(json.dumps(values))
    (folder / "train_log.csv").write_text(log)
    (folder / "start.csv").write_text("images,rms_difference,pixel_std\n256,0.0125,0.3\n")
    for step in (0, 50, 100):
        pixels = np.full((4, 4, 3), step, np.uint8)
        Image.fromarray(pixels).save(folder / f"samples-{step:07d}.png")
    return folder
