"""Sampling: fresh latents, their vectors at every layer and the scores of their images.

Samples are made in shards of 512, each of which depends on the seed and its index alone: any
process may make any of them, in any order, and more can be added later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch

from property_cnn.common.prompt import Shown
from property_cnn.common.streams import SAMPLES
from property_cnn.common.tasks import run_tasks
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models, check_readable
from vectorfind.sampling.latents import BLOCK, mapped_latents

SHARD = 2 * BLOCK
"""Samples a shard."""


class SampleSource(Protocol):
    """Samples wherever they lie, in memory or in a store.

    Attributes:
        scores: (n, A) of the images; rows of NaN where one could not be read.
        properties: A names of the scores.
        readable: (n,) bool, False where the scores are NaN.
    """

    scores: np.ndarray
    properties: tuple[str, ...]
    readable: np.ndarray

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """Vectors (len(rows), d) float32 at a layer, of the given samples in their order."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Shown):
    """What one pass over n latents yields; all arrays are float32 unless said otherwise.

    Attributes:
        z: (n, z_dim) latents.
        label: (n, label_dim) labels.
        latents: layer -> (n, d) vectors.
        scores: (n, A) scores of the images; rows of NaN where one could not be read.
        properties: A names of the scores.
        readable: (n,) bool, False where the scores are NaN.
    """

    z: np.ndarray
    label: np.ndarray
    latents: dict[str, np.ndarray]
    scores: np.ndarray
    properties: tuple[str, ...]
    readable: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """Vectors (len(rows), d) at a layer, of the given samples in their order."""
        return self.latents[layer][rows]


@dataclass(frozen=True, eq=False)
class SeenSamples:
    """Samples whose vectors are seen otherwise: a part of them, or other coordinates.

    Attributes:
        samples: as they are.
        seen: vectors (n, d) -> what is seen of them (n, k).
    """

    samples: SampleSource
    seen: Callable[[np.ndarray], np.ndarray]

    @property
    def scores(self) -> np.ndarray:
        """(n, A) of the images."""
        return self.samples.scores

    @property
    def properties(self) -> tuple[str, ...]:
        """A names of the scores."""
        return self.samples.properties

    @property
    def readable(self) -> np.ndarray:
        """(n,) bool, False where the scores are NaN."""
        return self.samples.readable

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """What is seen (len(rows), k) at a layer, of the given samples in their order."""
        return self.seen(self.samples.vectors(layer, rows))


def editable_part(samples: SampleSource, models: Models, layer: str) -> SampleSource:
    """The samples, of whose vectors at a layer only what directions may move is seen."""
    start, stop = models.editable(layer)
    if stop - start == models.generator.layers[layer]:
        return samples
    return SeenSamples(samples, partial(_part, start=start, stop=stop))


def _part(vectors: np.ndarray, start: int, stop: int) -> np.ndarray:
    return vectors[:, start:stop]


@dataclass(frozen=True, eq=False)
class Shard:
    """512 consecutive samples; the arrays are those of `Samples`."""

    z: np.ndarray
    label: np.ndarray
    latents: dict[str, np.ndarray]
    scores: np.ndarray


def make_shard(
    models: Models, seed: int, index: int, layers: tuple[str, ...], batch_size: int
) -> Shard:
    """Draws, maps, synthesizes and scores one shard.

    Args:
        models: generator and scorer.
        seed: with the index it fixes the latents.
        index: samples 512 * index and following.
        layers: those to keep vectors of.
        batch_size: images a batch.
    """
    last = models.last_layer
    z, label, latents = map_shard(models, seed, index, tuple(dict.fromkeys([*layers, last])))
    scores = read_all(models, latents[last], last, batch_size)
    return Shard(z, label, {name: latents[name] for name in layers}, scores)


def map_shard(
    models: Models, seed: int, index: int, layers: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """z, label and the vectors of one shard, without its images."""
    first = index * SHARD // BLOCK
    return mapped_latents(models, seed, SAMPLES, SHARD, layers, first)


def shard_count(n: int) -> int:
    """Shards that n samples take; the last one may hold more than are used."""
    return -(-n // SHARD)


def sample(
    models: Models,
    n: int,
    seed: int = 0,
    *,
    batch_size: int = FindSettings.batch_size,
    layers: tuple[str, ...] | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Samples:
    """Draws n latents, maps them once, and synthesizes and scores their images, in memory.

    The batch size changes neither latents nor vectors, and scores by rounding only; the number
    of workers changes nothing; the first rows for a larger n are those for a smaller one.

    Args:
        models: generator and scorer.
        n: number of samples; whole shards of 512 are made of them.
        seed: the latents are fixed by it.
        batch_size: images a batch.
        layers: the layers to keep vectors of; None for all.
        workers: shards at once, see `tasks.run_tasks`.
        progress: called with the number of images done since the last call.

    Raises:
        ScorerError: wrong shape, infinities, or more than half of the images unreadable.
    """
    generator = models.generator
    layers = tuple(generator.layers) if layers is None else layers
    z = np.empty((n, generator.z_dim), np.float32)
    label = np.empty((n, generator.label_dim), np.float32)
    latents = {name: np.empty((n, generator.layers[name]), np.float32) for name in layers}
    scores = np.empty((n, len(models.scored)), np.float32)
    tasks = ((models, seed, index, layers, batch_size) for index in range(shard_count(n)))
    for index, shard in enumerate(run_tasks(make_shard, tasks, workers, models)):
        rows = slice(index * SHARD, min((index + 1) * SHARD, n))
        size = rows.stop - rows.start
        z[rows], label[rows], scores[rows] = shard.z[:size], shard.label[:size], shard.scores[:size]
        for name in layers:
            latents[name][rows] = shard.latents[name][:size]
        if progress is not None:
            progress(size)
    readable = ~np.isnan(scores).any(axis=1)
    check_readable(readable, "samples")
    return Samples(z, label, latents, scores, models.scored, readable)


def read_all(models: Models, latents: np.ndarray, layer: str, batch_size: int) -> np.ndarray:
    """Vectors (N, d) at `layer` -> scores (N, A) of their images, `batch_size` images at a time.

    A batch that a GPU's memory does not hold is halved, and those that follow are as small.
    """
    scores = np.empty((len(latents), len(models.scored)), np.float32)
    start = 0
    while start < len(latents):
        batch = slice(start, min(start + batch_size, len(latents)))
        try:
            scores[batch] = models.read(latents[batch], layer)
        except torch.OutOfMemoryError:
            if batch.stop - start == 1:
                raise
            batch_size = (batch.stop - start) // 2
        else:
            start = batch.stop
    return scores
