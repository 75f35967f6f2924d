"""Edits: vectors moved along directions, and the scores or images of what comes of them.

An edited vector re-enters the generator at its layer; the mapping is never run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import torch

from vectorfind.models.pair import Models


def strength_grid(strengths: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Every combination of the properties' strengths (S, P); the first property is the slowest."""
    return np.array(list(product(*strengths.values())), dtype=np.float32)


def edited(latents: np.ndarray, vectors: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Vectors (N, d), each moved along its directions (N, P, d) by its strengths (N, P)."""
    return latents + np.einsum("np,npd->nd", strengths, vectors)


def edited_grid(latents: np.ndarray, vectors: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Vectors (N, d), each moved by every row of the grid (S, P) -> (N, S, d)."""
    return latents[:, None] + grid @ vectors


def grid_scores(
    models: Models,
    latents: np.ndarray,
    vectors: np.ndarray,
    grid: np.ndarray,
    layer: str,
    batch_size: int,
) -> np.ndarray:
    """The scores of all edits of some cases; all of a case's images are in one batch.

    Args:
        models: generator and scorer.
        latents: (C, d) vectors of the cases at `layer`.
        vectors: (C, P, d) directions of each.
        grid: (S, P) strengths.
        layer: where the edited vectors re-enter.
        batch_size: images a batch, rounded down to whole cases, of which there is at least one.

    Returns:
        (C, S, A) float32; a row of NaN where an image could not be read.
    """
    cases, edits = len(latents), len(grid)
    scores = np.empty((cases, edits, len(models.scored)), np.float32)
    together = max(1, batch_size // edits)
    for start in range(0, cases, together):
        batch = slice(start, min(start + together, cases))
        moved = edited_grid(latents[batch], vectors[batch], grid)  # (c, S, d)
        read = models.read(moved.reshape(-1, moved.shape[2]), layer)
        scores[batch] = read.reshape(len(moved), edits, -1)
    return scores


def images_of(models: Models, latents: np.ndarray, layer: str, batch_size: int) -> torch.Tensor:
    """Vectors (N, d) at `layer` -> images (N, 3, H, W) in [-1, 1] on the generator's device."""
    batches = range(0, len(latents), batch_size)
    return torch.cat([models.synthesize(latents[i : i + batch_size], layer) for i in batches])
