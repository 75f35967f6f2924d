"""Directions by gradient: a small network learns vector -> scores, its slopes are the directions.

Unlike an SVM's, the direction differs from vector to vector. `training` trains them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

METRICS = ("mse", "mae", "rmse", "corr")
"""What is measured on a test split, in the order in which it is shown."""

WEIGHTS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")

_CHUNK = 2048
"""Slopes worked on at a time: memory stays small however many vectors are given."""


@dataclass(frozen=True, eq=False)
class GradientNetwork:
    """A trained network d -> 768 + d/4 -> 128 + d/8 -> P with tanh between, as arrays.

    Inputs are centred and divided by one number, which turns no gradient.

    Attributes:
        properties: P names, one a head.
        centre: (d,) mean of the vectors it was trained on.
        scale: root-mean-square entry of those, centred.
        weights: `weight1` (h1, d), `bias1` (h1,), ..., `weight3` (P, h2), `bias3` (P,), float32.
    """

    properties: tuple[str, ...]
    centre: np.ndarray
    scale: float
    weights: Mapping[str, np.ndarray]

    def predict(self, latents: np.ndarray) -> np.ndarray:
        """Vectors (N, d) -> z-normalised scores (N, P)."""
        heads, bias = self.weights["weight3"], self.weights["bias3"]
        scores = np.empty((len(latents), len(heads)), np.float32)
        for rows in self._chunks(len(latents)):
            scores[rows] = self._hidden(latents[rows])[1] @ heads.T + bias
        return scores

    def slopes(self, latents: np.ndarray) -> np.ndarray:
        """Vectors (N, d) -> (N, P, d) derivatives of each z-normalised score by the vectors."""
        slopes = np.empty((len(latents), len(self.properties), latents.shape[1]), np.float32)
        for rows in self._chunks(len(latents)):
            slopes[rows] = self._slopes(latents[rows]).reshape(slopes[rows].shape) / self.scale
        return slopes

    def directions(self, latents: np.ndarray) -> np.ndarray:
        """Vectors (N, d) -> (N, P, d) unit gradients of each score with respect to the vectors."""
        units = np.empty((len(latents), len(self.properties), latents.shape[1]), np.float32)
        for rows in self._chunks(len(latents)):
            slope = self._slopes(latents[rows])
            norm = np.sqrt(np.einsum("nd,nd->n", slope, slope))[:, None]
            slope /= np.maximum(norm, np.finfo(np.float32).tiny)
            units[rows] = slope.reshape(units[rows].shape)
        return units

    def arrays(self) -> dict[str, np.ndarray]:
        """`centre` and the weights, as files hold them."""
        return {"centre": self.centre} | {key: self.weights[key] for key in WEIGHTS}

    @classmethod
    def of_arrays(
        cls, properties: Sequence[str], scale: float, arrays: Mapping[str, np.ndarray]
    ) -> GradientNetwork:
        """The network of what `arrays` gave, among other arrays.

        Raises:
            KeyError: one of them is missing.
        """
        weights = {key: arrays[key] for key in WEIGHTS}
        return cls(tuple(properties), arrays["centre"], float(scale), weights)

    def _slopes(self, latents: np.ndarray) -> np.ndarray:
        """(B P, d) derivatives by the centred and divided vectors of a chunk (B, d)."""
        w, heads = self.weights, self.weights["weight3"]
        first, second = self._hidden(latents)
        slope = (1 - second**2)[:, None] * heads  # (B, P, h2)
        slope = slope.reshape(-1, heads.shape[1]) @ w["weight2"]  # (B P, h1)
        slope *= np.repeat(1 - first**2, len(heads), axis=0)
        return slope @ w["weight1"]

    def _hidden(self, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = self.weights
        first = np.tanh((latents - self.centre) / self.scale @ w["weight1"].T + w["bias1"])
        return first, np.tanh(first @ w["weight2"].T + w["bias2"])

    def _chunks(self, count: int) -> Iterator[slice]:
        size = max(1, _CHUNK // len(self.weights["weight3"]))
        return (slice(start, start + size) for start in range(0, count, size))
