"""Which w are usual: their mean and covariance, and how far from the mean samples lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from property_cnn.common.streams import INVERSION
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import BLOCK, mapped_latents

LEAST_SHARE = 1e-6
"""Least variance along an axis, as a share of the largest; so no direction is closed."""


@dataclass(frozen=True, eq=False)
class Usual:
    """The distribution of a layer's vectors, as a normal one.

    Attributes:
        mean: (d,) float32.
        axes: (d, d) float32: a row an axis of the covariance, as long as the deviation along it.
        distances: (N,) of other samples from the mean, in deviations (Mahalanobis), sorted.
        latents: (N, d) these samples.
    """

    mean: np.ndarray
    axes: np.ndarray
    distances: np.ndarray
    latents: np.ndarray

    def whitened(self, latents: np.ndarray) -> np.ndarray:
        """Vectors (N, d) as deviations along the axes, each with variance 1."""
        lengths = np.square(self.axes).sum(1)
        return ((latents - self.mean) @ self.axes.T / lengths).astype(np.float32)

    def distance(self, latents: np.ndarray) -> np.ndarray:
        """(N,) Mahalanobis distances of vectors (N, d) from the mean."""
        return np.linalg.norm(self.whitened(latents), axis=1)

    def percentile(self, distance: float) -> float:
        """Per cent of the samples that are nearer to the mean."""
        return 100.0 * float(np.searchsorted(self.distances, distance)) / len(self.distances)


def usual_latents(models: Models, layer: str, samples: int, seed: int) -> Usual:
    """The distribution of a generator's vectors at a layer.

    Args:
        models: the generator.
        layer: one of its layers.
        samples: how many are drawn to learn it; as many as the first half of them tell distances.
        seed: of their latents.
    """
    learned = mapped_latents(models, seed, INVERSION, samples, (layer,))[2][layer]
    blocks = -(-samples // BLOCK)
    others = mapped_latents(models, seed, INVERSION, max(samples // 2, 1), (layer,), blocks)[2]
    mean = learned.mean(0, dtype=np.float64)
    covariance = np.cov(learned.astype(np.float64), rowvar=False).reshape(len(mean), -1)
    variances, axes = np.linalg.eigh(covariance)
    variances = variances.clip(max(LEAST_SHARE * variances[-1], np.finfo(np.float32).tiny))
    scaled = (axes * np.sqrt(variances)).T
    found = Usual(
        mean.astype(np.float32), scaled.astype(np.float32), np.empty(0, np.float32), others[layer]
    )
    distances = np.sort(found.distance(others[layer]))
    return Usual(found.mean, found.axes, distances, others[layer])
