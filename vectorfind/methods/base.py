"""What a method of finding directions is, what it is given and what it gives.

A method is one object: subclass `Method`, and `registry.register` it; everything else asks the
registry. What it gives is a direction field a property, which answers with a unit vector for
each vector that is to be edited. Fields of one direction a group are there, `fields.GroupField`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.config import LEAST_READ, FindSettings

if TYPE_CHECKING:  # both load PyTorch, which takes a second
    import torch

    from vectorfind.models.pair import Models
    from vectorfind.sampling.sampler import SampleSource

SCORES, GROUPS, GRADIENTS = "scores", "groups", "gradients"
"""What a method may need: scores that vary, large enough groups, gradients of the networks."""

OTHER_STRENGTHS = (-1.2, 0.0, 1.2)
"""Strengths of a property for which a method has none of its own."""


@dataclass(frozen=True)
class Fit:
    """One figure of how well a field was fitted, on samples held out from the fit.

    Attributes:
        group: that it was measured in; "all" for all samples.
        measure: e.g. "accuracy".
        value: of it.
    """

    group: str
    measure: str
    value: float


class DirectionField(ABC):
    """The directions of one property, in the part of a layer's vectors that may move.

    Attributes:
        kind: names the class in files.
        depends_on_groups: whether `at` looks at the groups; may be a property.
        depends_on_vector: whether `at` looks at the vectors.
    """

    kind: ClassVar[str]
    depends_on_groups: bool = False
    depends_on_vector: ClassVar[bool] = False

    @property
    @abstractmethod
    def size(self) -> int:
        """d, numbers in a vector."""

    @abstractmethod
    def at(self, vectors: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Unit directions (N, d) float32 for vectors (N, d) of images in groups (N,).

        The group of an image that could not be read is "?".
        """

    @property
    def source(self) -> object:
        """What this field has in common with others: computed once, stored once for all."""
        return self

    @classmethod
    def joint(
        cls, fields: Sequence[DirectionField], vectors: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        """`at` of several fields of one source, (N, P, d)."""
        return np.stack([field.at(vectors, groups) for field in fields], axis=1)

    def fits(self) -> tuple[Fit, ...]:
        """How well it was fitted; () where nothing was fitted."""
        return ()

    def summary(self) -> str:
        """The same in a few words; "" where nothing was fitted."""
        return ", ".join(f"{fit.measure} {fit.value:.3f}" for fit in self.fits())

    def curve_column(self, name: str) -> tuple[str, float] | None:
        """Column and value of an n-curve that show the fit of property `name`; None for none."""
        return None

    def of_groups(self) -> np.ndarray | None:
        """The direction of each group (G, d); None if directions differ within a group."""
        return None

    @abstractmethod
    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays, of the source, and what else there is to keep, as JSON can hold it."""

    @classmethod
    @abstractmethod
    def unpack(
        cls,
        arrays: Mapping[str, np.ndarray],
        metadata: Mapping[str, Any],
        sibling: DirectionField | None = None,
    ) -> DirectionField:
        """The field from what `pack` gave.

        Args:
            arrays, metadata: from `pack`.
            sibling: a field of the same source that was unpacked before.

        Raises:
            KeyError, TypeError, ValueError: something is missing or wrong.
        """


@dataclass(frozen=True, eq=False)
class FitTask:
    """What directions are to be fitted to, and for which properties.

    Attributes:
        samples: scores, and vectors at the settings' layer, of which only what may move is seen.
        members: group -> rows of its readable samples, in the order of the groups' names.
        settings: of the fit, complete ones.
        properties: those to fit; all are among the samples' scores.
        models: generator and scorer that the samples are of; None where only the samples are known.
        device: where networks run.
        checkpoint: folder in which long fits leave what they have, to go on from after a stop;
            None for none. The caller removes it when the directions are safe.
        quiet: show no progress.
    """

    samples: SampleSource
    members: Mapping[str, np.ndarray]
    settings: FindSettings
    properties: tuple[str, ...]
    models: Models | None = None
    device: torch.device | str = "cpu"
    checkpoint: Path | None = None
    quiet: bool = True

    def scores(self, name: str) -> np.ndarray:
        """Scores (n,) of a property; NaN where a sample is unreadable."""
        return self.samples.scores[:, self.samples.properties.index(name)]


class Method(ABC):
    """A way of finding directions.

    Attributes:
        name: that it is asked for by.
        sentence: what it does.
        title: as it begins a sentence, e.g. "SVM" in "SVM directions".
        label: the same within a sentence.
        needs: some of SCORES, GROUPS and GRADIENTS.
        fields: classes of the fields that it gives.
        strengths: property -> strengths of the grid that its directions are tested on.
        layer: where its directions live unless another layer is asked for.
        findable: whether directions can be found by it; else they come from elsewhere.
        parts_extremes: whether it parts a group's highest scores from its lowest, so that a map
            of those samples shows what it saw.
        takes_keep: whether its directions leave alone what the settings say shall be kept.
    """

    name: str
    sentence: str
    title: str
    label: str
    needs: tuple[str, ...] = (SCORES,)
    fields: tuple[type[DirectionField], ...] = ()
    strengths: Mapping[str, tuple[float, ...]] = {}
    layer: str = "mapping_split2"
    findable: bool = True
    parts_extremes: bool = False
    takes_keep: bool = False

    @abstractmethod
    def fit(self, task: FitTask) -> dict[str, DirectionField]:
        """A field for each of the task's properties."""

    def of(self, name: str) -> Method:
        """The method that finds the direction of one property: itself, but in a composition."""
        return self

    def check_properties(self, properties: Sequence[str]) -> None:  # noqa: B027 - allows all
        """Raises InputError where directions of these cannot be found."""

    def check_groups(  # noqa: B027 - any number will do
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError where the samples are too few, with what would do.

        Args:
            sizes: group -> readable samples; an empty group counts as one of 0.
            settings: of the fit.
            properties: those to fit.
        """

    def check_models(  # noqa: B027 - any will do
        self, models: Models, settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError where the networks lack what it needs, before there are samples.

        Args:
            models: with the settings' layer.
            settings: of the fit, complete ones.
            properties: those to fit.
        """

    def parts(
        self, settings: FindSettings, properties: Sequence[str]
    ) -> tuple[tuple[str, ...], ...]:
        """Those of the properties whose fits are long, as parts that can be fitted each alone.

        `fit_part` leaves such a part in the checkpoint folder, where `fit` finds it.
        """
        return ()

    def fit_part(self, task: FitTask) -> None:
        """Fits one of `parts`, the task's properties, into the task's checkpoint folder."""
        raise InputError(f"directions by {self.label} are fitted in one go")

    def default_strengths(self, properties: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """The grid's strengths of each property, in the order of `properties`.

        Where one property has two strengths alone, 0 stands between them: of two images there is no
        corr-coef.
        """
        grid = {name: self.of(name).strengths.get(name, OTHER_STRENGTHS) for name in properties}
        if math.prod(map(len, grid.values())) < LEAST_READ:
            grid = {name: tuple(sorted({0.0, *values})) for name, values in grid.items()}
        return grid
