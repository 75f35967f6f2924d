"""Sampling: fresh latents, their vectors at every layer and the scores of their images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vectorfind.config import FindSettings
from vectorfind.latents import mapped_latents
from vectorfind.models import Models, check_readable
from vectorfind.streams import SAMPLES


@dataclass(frozen=True, eq=False)
class Samples:
    """What one pass over n latents yields; all arrays are float32 unless said otherwise.

    Attributes:
        z: (n, z_dim) latents.
        label: (n, label_dim) labels.
        mids: layer -> (n, d) vectors.
        scores: (n, A) scores of the images; rows of NaN where one could not be read.
        properties: A names of the scores.
        readable: (n,) bool, False where the scores are NaN.
    """

    z: np.ndarray
    label: np.ndarray
    mids: dict[str, np.ndarray]
    scores: np.ndarray
    properties: tuple[str, ...]
    readable: np.ndarray


def sample(
    models: Models,
    n: int,
    seed: int = 0,
    *,
    batch_size: int = FindSettings.batch_size,
    layers: tuple[str, ...] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Samples:
    """Draws n latents, maps them once, and synthesizes and scores their images.

    The batch size changes neither latents nor vectors, and scores by rounding only; the first
    rows for a larger n are those for a smaller one.

    Args:
        models: generator and scorer.
        n: number of samples.
        seed: the latents are fixed by it.
        batch_size: images a batch.
        layers: the layers to keep vectors of; None for all.
        progress: called with the number of images done since the last call.

    Raises:
        ScorerError: wrong shape, infinities, or more than half of the images unreadable.
    """
    last = models.last_layer
    kept = tuple(models.generator.layers) if layers is None else layers
    z, label, mids = mapped_latents(models, seed, SAMPLES, n, tuple({*kept, last}))
    scores = read_all(models, mids[last], last, batch_size, progress)
    readable = ~np.isnan(scores).any(axis=1)
    check_readable(readable, "samples")
    mids = {name: mids[name] for name in kept}
    return Samples(z, label, mids, scores, models.scored, readable)


def read_all(
    models: Models,
    mids: np.ndarray,
    layer: str,
    batch_size: int,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Vectors (N, d) at `layer` -> scores (N, A) of their images, `batch_size` images at a time."""
    scores = np.empty((len(mids), len(models.scored)), np.float32)
    for start in range(0, len(mids), batch_size):
        batch = slice(start, min(start + batch_size, len(mids)))
        scores[batch] = models.read(mids[batch], layer)
        if progress is not None:
            progress(batch.stop - start)
    return scores
