"""Compositions: each property by a method of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from property_cnn.common.errors import InputError
from vectorfind.config import FindSettings
from vectorfind.methods.base import DirectionField, FitTask, Method
from vectorfind.methods.gradient.method import GRADIENT
from vectorfind.methods.svm import SVM

if TYPE_CHECKING:
    from vectorfind.models.pair import Models  # loads PyTorch


class Composition(Method):
    """Each property by a method of its own.

    Args:
        name: that it is asked for by.
        methods: property -> method.
        others: of the other properties; None if there must be none.
    """

    def __init__(self, name: str, methods: Mapping[str, Method], others: Method | None = None):
        self.name, self.others = name, others
        self.methods = MappingProxyType(dict(methods))
        words = [f"{prop.replace('_', ' ')} by {method.label}" for prop, method in methods.items()]
        words += [] if others is None else [f"rest by {others.label}"]
        self.label = ", ".join(words)
        self.title = self.label[:1].upper() + self.label[1:]
        self.sentence = f"Each property by a method of its own: {self.label}."
        used = [*methods.values(), *([] if others is None else [others])]
        self.needs = tuple(dict.fromkeys(need for method in used for need in method.needs))

    def of(self, name: str) -> Method:
        """The method of one property."""
        method = self.methods.get(name, self.others)
        if method is None:
            raise InputError(f"method {self.name!r} names none for {name}; add {name}=METHOD to it")
        return method

    def check_properties(self, properties: Sequence[str]) -> None:
        """Raises InputError where a property is not named, or one is named that is none."""
        lacking = [name for name in properties if name not in self.methods]
        if lacking and self.others is None:
            more = ",".join(f"{name}=METHOD" for name in lacking)
            raise InputError(
                f"method {self.name!r} names none for {', '.join(lacking)}; add {more} to it"
            )
        foreign = [name for name in self.methods if name not in properties]
        if foreign and self.others is None:
            raise InputError(
                f"method {self.name!r} names {', '.join(foreign)}, but directions are found for "
                f"{', '.join(properties)}; give only these, or other properties"
            )

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError where the samples are too few for one of the methods."""
        for method, names in self._by_method(properties):
            method.check_groups(sizes, settings, names)

    def check_models(
        self, models: Models, settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError where the networks lack what one of the methods needs."""
        for method, names in self._by_method(properties):
            method.check_models(models, settings, names)

    def parts(
        self, settings: FindSettings, properties: Sequence[str]
    ) -> tuple[tuple[str, ...], ...]:
        """The parts of all its methods."""
        shares = [m.parts(settings, names) for m, names in self._by_method(properties)]
        return tuple(part for parts in shares for part in parts)

    def fit_part(self, task: FitTask) -> None:
        """Fits a part by its method."""
        [(method, names)] = self._by_method(task.properties)
        method.fit_part(_share(task, method, names))

    def fit(self, task: FitTask) -> dict[str, DirectionField]:
        """The fields of all its methods."""
        fields: dict[str, DirectionField] = {}
        for method, names in self._by_method(task.properties):
            fields |= method.fit(_share(task, method, names))
        return {name: fields[name] for name in task.properties}

    def _by_method(self, properties: Sequence[str]) -> list[tuple[Method, tuple[str, ...]]]:
        """Its methods with those of the properties that each finds."""
        methods = {self.of(name).name: self.of(name) for name in properties}
        return [
            (method, tuple(name for name in properties if self.of(name) is method))
            for method in methods.values()
        ]


def _share(task: FitTask, method: Method, names: tuple[str, ...]) -> FitTask:
    """What of a task is one method's; its checkpoints lie apart."""
    folder = task.checkpoint and task.checkpoint / method.name
    return replace(task, properties=names, checkpoint=folder)


class Mixed(Composition):
    """The reference system's composition, at the layer at which that measured it."""

    layer = "mapping_split1"

    def __init__(self) -> None:
        super().__init__("mixed", {"eyes": GRADIENT}, SVM)
        self.title, self.label = f"Mixed ({self.label})", "mixed"


MIXED = Mixed()
