"""Direction fields that any method can give: one direction a group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.methods.base import DirectionField, Fit


@dataclass(frozen=True, eq=False)
class GroupField(DirectionField):
    """One direction a group of images.

    Attributes:
        groups: (G,) names; ("all",) where there is but one.
        directions: (G, d) float32 of unit norm; moving along one raises the property.
    """

    groups: np.ndarray
    directions: np.ndarray

    kind = "groups"

    def __post_init__(self) -> None:
        if self.directions.ndim != 2 or len(self.directions) != len(self.groups):
            raise ValueError(f"{len(self.groups)} groups, directions {self.directions.shape}")
        if not np.isfinite(self.directions).all():
            raise InputError("a direction holds NaN or infinity, and moves nothing")

    @property
    def depends_on_groups(self) -> bool:
        """Whether there are several groups."""
        return len(self.groups) > 1

    @property
    def size(self) -> int:
        """d, numbers in a vector."""
        return self.directions.shape[1]

    def at(self, vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Each image's group's direction (N, d); for other groups their mean, of unit norm."""
        place = {name: index for index, name in enumerate(self.groups)}
        mean = self.directions.mean(axis=0)
        table = np.vstack([self.directions, mean / max(np.linalg.norm(mean), 1e-12)])
        return table[np.array([place.get(name, len(place)) for name in groups], dtype=int)]

    def of_groups(self) -> np.ndarray:
        """The direction of each group (G, d)."""
        return self.directions

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """`groups` and `directions`."""
        return {"groups": self.groups, "directions": self.directions}, {}

    @classmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: DirectionField | None = None,
    ) -> GroupField:
        """The field from its arrays, which are named as its attributes are."""
        return cls(**arrays)


@dataclass(frozen=True, eq=False)
class FittedField(GroupField):
    """One direction a group, each of a model of the score.

    Attributes:
        quality: (G,) of each model, on samples held out from its fit.
        measure: what that is, e.g. "accuracy".
    """

    quality: np.ndarray
    measure: str

    kind = "fitted"

    def fits(self) -> tuple[Fit, ...]:
        """The quality of every group's model."""
        pairs = zip(self.groups, self.quality, strict=True)
        return tuple(Fit(str(group), self.measure, float(value)) for group, value in pairs)

    def summary(self) -> str:
        """The mean of those."""
        return f"held-out {self.measure} {self.quality.mean():.3f}"

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """`groups`, `directions` and `quality`; the measure."""
        arrays, metadata = super().pack()
        return arrays | {"quality": self.quality}, metadata | {"measure": self.measure}

    @classmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: DirectionField | None = None,
    ) -> FittedField:
        """The field from what `pack` gave."""
        return cls(**arrays, measure=str(metadata["measure"]))
