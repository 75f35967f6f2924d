"""Seeded latents that can be addressed by index: sample i is the same whatever is drawn with it.

Latents come in blocks of 256 rows, each from its own generator keyed on (seed, stream, block).
So the batch size never changes them, and the first 1,000 of 2,000 are the 1,000.
"""

from __future__ import annotations

import numpy as np

from property_cnn.common.streams import random_stream
from vectorfind.models.pair import Models

BLOCK = 256
"""Rows a block. Changing it changes every latent."""


def latent_block(
    seed: int, stream: int, block: int, z_dim: int, label_dim: int
) -> tuple[np.ndarray, np.ndarray]:
    """z (256, z_dim) and label (256, label_dim) of one block, float32, all N(0, 1)."""
    rows = random_stream(seed, stream, block).standard_normal(
        (BLOCK, z_dim + label_dim), dtype=np.float32
    )
    return rows[:, :z_dim], rows[:, z_dim:]


def mapped_latents(
    models: Models,
    seed: int,
    stream: int,
    count: int,
    layers: tuple[str, ...] | None = None,
    first_block: int = 0,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """`count` latents of a stream, mapped: z, label, layer -> (count, d) float32.

    The mapping always takes a whole block, so that its rounding, which may depend on the number
    of rows, is the same however many of them are used.

    Args:
        layers: those to keep; None for all that the generator offers.
        first_block: where in the stream to begin.
    """
    generator = models.generator
    layers = tuple(generator.layers) if layers is None else layers
    z = np.empty((count, generator.z_dim), np.float32)
    label = np.empty((count, generator.label_dim), np.float32)
    latents = {name: np.empty((count, generator.layers[name]), np.float32) for name in layers}
    for start in range(0, count, BLOCK):
        rows = slice(start, min(start + BLOCK, count))
        size = rows.stop - start
        block_z, block_label = latent_block(
            seed, stream, first_block + start // BLOCK, generator.z_dim, generator.label_dim
        )
        if getattr(generator, "one_hot_labels", False):  # every class as often
            block_label = np.eye(generator.label_dim, dtype=np.float32)[block_label.argmax(axis=1)]
        mapped = models.map(block_z, block_label)
        z[rows], label[rows] = block_z[:size], block_label[:size]
        for name in layers:
            latents[name][rows] = mapped[name][:size].cpu().numpy()
    return z, label, latents
