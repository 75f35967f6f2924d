"""Decoupled directions at each vector, by the derivatives that a network has there.

Where scores bend, the derivatives at one face are not those at another, and neither is the way
that moves one score and leaves the others. A network that learned all scores together off whitened
vectors, in the way of the method gradient, has derivatives everywhere. It is one network of all
samples: what tells groups apart is in the vectors, so that groups do not matter to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from vectorfind.methods.base import DirectionField, Fit, FitTask
from vectorfind.methods.components.principal import Whitening
from vectorfind.methods.decoupled.columns import decoupled_columns
from vectorfind.methods.gradient.method import GRADIENT
from vectorfind.methods.gradient.network import GradientNetwork
from vectorfind.sampling.groups import WHOLE

CHUNK = 2**22
"""Most numbers of the directions that are worked on at once."""


@dataclass(frozen=True, eq=False)
class LocalDecoupling:
    """What decoupled directions at any vector follow from.

    Attributes:
        white: (d,) mean and (k, d) axes that coordinates are taken by.
        network: coordinates (N, k) -> A standardised scores, those that are moved and kept.
        fixed: (K, k) derivatives of what else is kept, the same everywhere; K may be 0.
        damping: (A + K,), see `decoupled_columns`.
        held: names of those K, for errors.
    """

    white: Whitening
    network: GradientNetwork
    fixed: np.ndarray
    damping: np.ndarray
    held: tuple[str, ...]

    def __post_init__(self) -> None:
        k, d = self.white.axes.shape
        heads = len(self.network.properties)
        shapes = {
            "mean": (self.white.mean, (d,)),
            "centre": (self.network.centre, (k,)),
            "weight1": (self.network.weights["weight1"][:1], (1, k)),
            "weight3": (self.network.weights["weight3"][:, :1], (heads, 1)),
            "fixed": (self.fixed, (len(self.held), k)),
            "damping": (self.damping, (heads + len(self.held),)),
        }
        for name, (array, shape) in shapes.items():
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} of a decoupling is {array.shape}, not {shape}, or NaN")

    def jacobian(self, vectors: np.ndarray) -> np.ndarray:
        """Derivatives (N, A + K, k) by the coordinates at vectors (N, d)."""
        slopes = self.network.slopes(_coordinates(self.white, vectors))
        fixed = np.broadcast_to(self.fixed, (len(vectors), *self.fixed.shape))
        return np.concatenate([slopes, fixed], axis=1)

    def directions(self, vectors: np.ndarray, heads: Sequence[int]) -> np.ndarray:
        """Unit directions (N, P, d) float32 of some of the scores at vectors (N, d).

        Raises:
            InputError: at one of the vectors two of the scores move as one.
        """
        found = np.empty((len(vectors), len(heads), vectors.shape[1]), np.float32)
        names = (*self.network.properties, *self.held)
        factor, size = self.white.factor, max(1, CHUNK // (len(names) * vectors.shape[1]))
        for start in range(0, len(vectors), size):
            rows = slice(start, start + size)
            jacobian = self.jacobian(vectors[rows])
            columns = decoupled_columns(jacobian, factor, self.damping, names)[..., heads]
            columns /= np.linalg.norm(columns, axis=1, keepdims=True)
            found[rows] = columns.swapaxes(1, 2)
        return found


@dataclass(frozen=True, eq=False)
class LocalField(DirectionField):
    """The direction, at each vector, that moves one score and leaves the others there.

    Attributes:
        decoupling: what it follows from, in common with the other properties'.
        head: the score, one of the network's.
        quality: R² of the network's head on samples held out from its training.
    """

    decoupling: LocalDecoupling
    head: str
    quality: float

    kind = "local"
    depends_on_vector = True

    def __post_init__(self) -> None:
        heads = self.decoupling.network.properties
        if self.head not in heads:
            raise ValueError(f"a network of {heads} has no {self.head}")

    @property
    def size(self) -> int:
        """d, numbers in a vector."""
        return len(self.decoupling.white.mean)

    @property
    def source(self) -> LocalDecoupling:
        """The network and what else there is, for all properties."""
        return self.decoupling

    def at(self, vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The unit direction (N, d) at each vector."""
        return self.joint([self], vectors, groups)[:, 0]

    @classmethod
    def joint(
        cls, fields: Sequence[LocalField], vectors: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        """`at` of several properties of one source, (N, P, d)."""
        source = fields[0].decoupling
        heads = [source.network.properties.index(field.head) for field in fields]
        return source.directions(vectors, heads)

    def fits(self) -> tuple[Fit, ...]:
        """R² of the network."""
        return (Fit(WHOLE, "R²", self.quality),)

    def summary(self) -> str:
        """The same in words."""
        return f"held-out R² {self.quality:.3f}"

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """The source's arrays; its names and scale, this score and its quality."""
        source, network = self.decoupling, self.decoupling.network
        arrays = {
            "mean": source.white.mean,
            "axes": source.white.axes,
            "fixed": source.fixed,
            "damping": source.damping,
        }
        return arrays | network.arrays(), {
            "heads": network.properties,
            "scale": network.scale,
            "held": source.held,
            "head": self.head,
            "quality": self.quality,
        }

    @classmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: LocalField | None = None,
    ) -> LocalField:
        """The field; of several of one source, all have the same."""
        if sibling is None:
            source = LocalDecoupling(
                Whitening(arrays["mean"], arrays["axes"]),
                GradientNetwork.of_arrays(metadata["heads"], metadata["scale"], arrays),
                arrays["fixed"],
                arrays["damping"],
                tuple(metadata["held"]),
            )
        else:
            source = sibling.decoupling
        return cls(source, metadata["head"], float(metadata["quality"]))


def trained_network(
    task: FitTask, white: Whitening, names: tuple[str, ...]
) -> tuple[GradientNetwork, np.ndarray]:
    """A network of whitened coordinates with a head a score, and R² (A,) on held-out samples.

    It is trained as gradient networks are: a tenth of the samples chooses the epoch, another tenth
    tests. The task's checkpoint folder keeps its state.
    """
    from sklearn.metrics import r2_score

    from vectorfind.methods.gradient.training import split_rows, targets_of
    from vectorfind.sampling.sampler import SeenSamples

    samples, settings = SeenSamples(task.samples, partial(_coordinates, white)), task.settings
    together = replace(settings, gradient=replace(settings.gradient, shared=True))
    fields = GRADIENT.fit(replace(task, samples=samples, properties=names, settings=together))
    network = fields[names[0]].network
    readable = np.flatnonzero(samples.readable)
    rows = split_rows(readable, settings.seed)[2]
    targets = targets_of(samples, names, readable)[rows].numpy()
    predicted = network.predict(samples.vectors(settings.layer, rows))
    return network, r2_score(targets, predicted, multioutput="raw_values")


def _coordinates(white: Whitening, vectors: np.ndarray) -> np.ndarray:
    return white.coordinates(vectors).astype(np.float32)
