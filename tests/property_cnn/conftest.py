"""Tiny networks, and data whose hair is known."""

from __future__ import annotations

import numpy as np

from property_cnn.segmentation.settings import SegformerSettings, StudentSettings

TINY_STUDENT = StudentSettings(width=0.25, depth=0.2, channels=8)
TINY_SEGFORMER = SegformerSettings(
    hidden_sizes=(8, 8, 8, 8), depths=(1, 1, 1, 1), heads=(1, 1, 1, 1), decoder=8, side=32
)


def bright_discs(n: int = 20, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 images (n, 3, size, size) with a bright disc, and masks (n, size, size) 0 or 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    middle = 0.3 + 0.4 * rng.random((n, 2, 1, 1))
    radius = 0.15 + 0.15 * rng.random((n, 1, 1))
    inside = (rows - middle[:, 0]) ** 2 + (columns - middle[:, 1]) ** 2 < radius**2
    images = np.where(inside[:, None], 200, 60) + rng.integers(-20, 20, (n, 3, size, size))
    return images.astype(np.uint8), inside.astype(np.uint8) * 255
