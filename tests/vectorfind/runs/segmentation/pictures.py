"""Tiny labelled pictures: three classes that differ in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vectorfind.runs.segmentation.settings import LabelledData

CLASSES = ("sky", "road", "car")
_COLOURS = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])


def write_pictures(folder: Path, count: int = 8, cars: int | None = None) -> LabelledData:
    """Pictures of 40 × 32 and their label maps; the first `cars` of them show a car.

    Args:
        folder: gets `images` and `labels`.
        count: of the pictures.
        cars: all of them if not given.
    """
    stream = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        labels = np.zeros((32, 40), np.uint8)
        labels[16:] = 1
        if cars is None or number < cars:
            left = int(stream.integers(0, 24))
            labels[8:20, left : left + 14] = 2
        noise = stream.integers(-20, 20, (32, 40, 3))
        pixels = (_COLOURS[labels] + noise).clip(0, 255).astype(np.uint8)
        labels[:2] = 255
        Image.fromarray(pixels).save(folder / "images" / f"f{number:02d}.png")
        Image.fromarray(labels).save(folder / "labels" / f"f{number:02d}.png")
    return LabelledData(folder / "images", folder / "labels", CLASSES)
