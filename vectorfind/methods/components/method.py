"""What the methods that choose among components have in common: the field, and the choice.

A component is a direction that a generator's vectors or weights single out, whatever a scorer
reads. On samples each has an effect on each score: standard deviations of the score that go with
one of the coordinate along the component, the other components' coordinates staying as they are;
those of SeFa vary together, so that a plain correlation would take one for another. Each property
takes the component of the largest effect, signed so that moving along it raises the property, and
no component serves two.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.config import FindSettings
from vectorfind.methods.base import SCORES, DirectionField, Fit, FitTask, Method
from vectorfind.methods.components.principal import readable_rows
from vectorfind.methods.fields import GroupField
from vectorfind.sampling.groups import WHOLE

LEAST = 50
"""Least number of readable samples that effects are measured on."""


@dataclass(frozen=True, eq=False)
class ComponentField(GroupField):
    """One direction for all images: a component, or some of style space's channels.

    Attributes:
        components: (C,) int, which components of the method's it is, counted from 0.
        share: of the variance of the layer's vectors that they hold.
        effect: standard deviations of the score for one of the coordinate along the direction.
    """

    components: np.ndarray
    share: float
    effect: float

    kind = "component"

    def fits(self) -> tuple[Fit, ...]:
        """The components, their share of variance, and the effect."""
        return (
            *(Fit(WHOLE, "component", float(number)) for number in self.components),
            Fit(WHOLE, "share of variance", self.share),
            Fit(WHOLE, "effect", self.effect),
        )

    def summary(self) -> str:
        """The same in a few words."""
        numbers = ", ".join(map(str, self.components))
        share = f"{100 * self.share:.2g} % of the variance"
        return f"component {numbers} ({share}), effect {self.effect:.3f} on the score"

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """`groups`, `directions` and `components`; share and effect."""
        arrays, metadata = super().pack()
        more = {"share": self.share, "effect": self.effect}
        return arrays | {"components": self.components}, metadata | more

    @classmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: DirectionField | None = None,
    ) -> ComponentField:
        """The field from what `pack` gave."""
        return cls(**arrays, share=float(metadata["share"]), effect=float(metadata["effect"]))


@dataclass(frozen=True, eq=False)
class Components:
    """Components of a layer, by number.

    Attributes:
        numbers: (K,) int, each one's, counted from 0.
        axes: (K, d) float32 of unit norm.
        spreads: (K,) standard deviations of the samples' coordinates.
        shares: (K,) of the variance of the layer's vectors along each.
    """

    numbers: np.ndarray
    axes: np.ndarray
    spreads: np.ndarray
    shares: np.ndarray


class ComponentMethod(Method):
    """A method that chooses among components; a subclass says which there are."""

    needs = (SCORES,)
    fields = (ComponentField,)
    layer = "w"

    @abstractmethod
    def axes(self, task: FitTask, vectors: np.ndarray) -> np.ndarray:
        """The components (K, d) of unit norm, of the layer of these samples' vectors (n, d)."""

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError for fewer than 50 samples, or fewer components than properties."""
        count = sum(sizes.values())
        if count < LEAST:
            raise InputError(
                f"{count} readable samples are too few to choose components by; give {LEAST}"
            )
        if settings.components.count < len(properties):
            raise InputError(
                f"{settings.components.count} components are too few for {len(properties)} "
                "properties; give more, or find fewer properties"
            )

    def components(self, task: FitTask) -> Components:
        """All that there are to choose among, with how the samples vary along them."""
        vectors = task.samples.vectors(task.settings.layer, readable_rows(task))
        return measured(vectors, self.axes(task, vectors))

    def fit(self, task: FitTask) -> dict[str, ComponentField]:
        """A field a property, of the component of the largest effect."""
        rows = readable_rows(task)
        vectors = task.samples.vectors(task.settings.layer, rows)
        found = measured(vectors, self.axes(task, vectors))
        coordinates = centred(vectors) @ found.axes.T
        effects = partial_slopes(coordinates, _scores(task, rows))  # (K, P)
        places = assigned(np.abs(effects), task.properties)
        fields = {}
        for column, (name, [place]) in enumerate(zip(task.properties, places, strict=True)):
            effect = float(effects[place, column])
            fields[name] = ComponentField(
                np.array([WHOLE]),
                (found.axes[place] * (np.sign(effect) or 1.0))[None],
                found.numbers[[place]],
                float(found.shares[place]),
                abs(effect),
            )
        return fields


def measured(vectors: np.ndarray, axes: np.ndarray) -> Components:
    """Components (K, d), with how vectors (n, d) vary along them."""
    offsets = centred(vectors)
    axes = axes.astype(np.float32)
    variances = (offsets @ axes.T).var(axis=0, dtype=np.float64)
    total = offsets.var(axis=0, dtype=np.float64).sum()
    return Components(np.arange(len(axes)), axes, np.sqrt(variances), variances / (total or 1.0))


def centred(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) less their mean, float32."""
    return vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)


def correlations(coordinates: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Of each coordinate (n, K) with each score (n, P): (K, P); 0 where one does not vary."""
    first, second = _normalised(coordinates), _normalised(scores)
    return first.T @ second / len(first)


def partial_slopes(coordinates: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Of each score (n, P) along each coordinate (n, K), the others fixed: (K, P), all in standard
    deviations, by least squares; the correlations where the coordinates do not vary together.
    """
    return np.linalg.lstsq(_normalised(coordinates), _normalised(scores), rcond=None)[0]


def assigned(values: np.ndarray, properties: Sequence[str], count: int = 1) -> np.ndarray:
    """Components for each property, so that the sum of their values is largest, none twice.

    Args:
        values: (K, P) of each component for each property.
        properties: P names.
        count: components of each property.

    Returns:
        Places (P, count) among the K.

    Raises:
        InputError: there are too few.
    """
    from scipy.optimize import linear_sum_assignment  # takes a second to load

    size, needed = len(values), count * len(properties)
    if size < needed:
        raise InputError(
            f"{size} components are too few for {len(properties)} properties, which take {needed}; "
            "give more, or find fewer properties"
        )
    _, places = linear_sum_assignment(np.repeat(values, count, axis=1).T, maximize=True)
    return places.reshape(len(properties), count)


def _scores(task: FitTask, rows: np.ndarray) -> np.ndarray:
    return np.stack([task.scores(name)[rows] for name in task.properties], axis=1)


def _normalised(columns: np.ndarray) -> np.ndarray:
    columns = columns - columns.mean(axis=0, dtype=np.float64)
    spread = columns.std(axis=0)
    return columns / np.where(spread > 0, spread, 1.0)
