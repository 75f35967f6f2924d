"""Faces whose directions are found once, so that each edit of them costs its images alone."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from property_cnn.common.checks import MOST_STRENGTH, check_names, refused
from property_cnn.common.errors import InputError
from property_cnn.common.prompt import Shown, brief
from property_cnn.common.tasks import one_thread
from vectorfind.directions.courses import Course, Driven, Vectors
from vectorfind.directions.edits import edited, edited_grid, images_of
from vectorfind.models.pair import Models
from vectorfind.sampling.groups import WHOLE
from vectorfind.sampling.sampler import read_all

TARGET_STEPS = 4
"""Steps of an edit to a target, unless told otherwise."""


@dataclass(frozen=True, eq=False, repr=False)
class DirectedFaces(Shown):
    """N faces that can be edited again and again; `Directions.at` makes them.

    What edits have in common is found when it is first needed, and kept: the vectors, the group
    of each unedited image, and the directions there.

    Attributes:
        z, label: (N, z_dim) and (N, label_dim) float32, the faces.
        properties: P names of what can be changed.
        models, layer, batch_size: networks, where edited vectors re-enter, and images a batch.
        vectors_at: see `Directions.vectors`.
        group_of: see `Directions.group_of`; None where directions do not differ by group.
        course: see `Directions.course`.
    """

    z: np.ndarray
    label: np.ndarray
    properties: tuple[str, ...]
    models: Models
    layer: str
    batch_size: int
    vectors_at: Vectors
    group_of: Callable[[np.ndarray], np.ndarray] | None
    course: Callable[..., Course | None]

    def facts(self) -> dict[str, str]:
        """How many faces, and what can be changed of them where."""
        named = {"faces": f"{len(self):,}", "properties": brief(self.properties)}
        return {**named, "layer": self.layer, **self.models.facts()}

    def __len__(self) -> int:
        return len(self.z)

    @property
    def latents(self) -> np.ndarray:
        """(N, d) vectors at the layer."""
        return self._mapped[self.layer]

    @cached_property
    @one_thread()
    def groups(self) -> np.ndarray:
        """(N,) names of the groups of the unedited images; "all" where directions differ by none.

        Raises:
            ScorerError: the scorer's answer cannot be used.
        """
        if self.group_of is None:
            return np.full(len(self), WHOLE)
        last = self.models.last_layer
        return self.group_of(read_all(self.models, self._mapped[last], last, self.batch_size))

    @cached_property
    @one_thread()
    def vectors(self) -> np.ndarray:
        """(N, P, d) the directions of each, see `Directions.vectors`."""
        return self.vectors_at(self.latents, self.groups)

    @cached_property
    @one_thread()
    def _mapped(self) -> dict[str, np.ndarray]:
        """Vectors at the layer, and at that from which images are made for groups."""
        mapped = self.models.map(self.z, self.label)
        return {name: mapped[name].cpu().numpy() for name in {self.layer, self.models.last_layer}}

    @one_thread()
    def edit(
        self,
        *,
        steps: int | None = None,
        target: bool = False,
        by: Mapping[str, float | np.ndarray] | None = None,
        to: Mapping[str, float | np.ndarray] | None = None,
        **strengths: float | np.ndarray,
    ) -> torch.Tensor:
        """Images (N, 3, H, W) in [-1, 1], changed as `Directions.edit` says."""
        if target or by or to:
            steps = TARGET_STEPS if steps is None else steps
            driven = self.drive(steps=steps, by=by, to=to, **strengths)
            self._tell_missed(driven, {**strengths, **(by or {}), **(to or {})})
            return self._images(driven.latents)
        amounts = self._amounts(strengths)
        course = self.course(1 if steps is None else steps)
        if not amounts.any():  # no direction is needed, nor the group that it would be of
            return self._images(self.latents)
        if course is None:
            return self._images(edited(self.latents, self.vectors, amounts))
        return self._images(course.moved(self.latents, self.groups, amounts))

    @one_thread()
    def drive(
        self,
        *,
        steps: int = TARGET_STEPS,
        by: Mapping[str, float | np.ndarray] | None = None,
        to: Mapping[str, float | np.ndarray] | None = None,
        **strengths: float | np.ndarray,
    ) -> Driven:
        """Where edits to targets end, as `Directions.drive` says."""
        course = self.course(steps, True)
        by, to = by or {}, to or {}
        twice = [
            name
            for name in self.properties
            if (name in by) + (name in to) + (name in strengths) > 1
        ]
        if twice:
            raise InputError(f"{', '.join(twice)} has two targets; give one")
        amounts = self._amounts(strengths) + self._amounts(by) / course.std
        ends = self._amounts(to)
        unasked = [name not in to for name in self.properties]
        ends = np.where(unasked, np.nan, ends)
        return course.driven(self.latents, self.groups, amounts, ends)

    @one_thread()
    def edit_grid(self, strengths: np.ndarray) -> torch.Tensor:
        """Images (N, S, 3, H, W) in [-1, 1], changed as `Directions.edit_grid` says."""
        grid = as_array(strengths)
        if grid.ndim != 2 or grid.shape[1] != len(self.properties):
            raise InputError(
                f"strengths have shape {grid.shape}; expected (S, {len(self.properties)}): "
                f"{', '.join(self.properties)}"
            )
        if not (np.abs(grid) <= MOST_STRENGTH).all():
            raise refused(
                "a strength",
                grid[~(np.abs(grid) <= MOST_STRENGTH)][0],
                f"numbers up to {MOST_STRENGTH:g}",
            )
        moved = edited_grid(self.latents, self.vectors, grid)  # (N, S, d)
        images = self._images(moved.reshape(-1, moved.shape[2]))
        return images.unflatten(0, moved.shape[:2])

    def _amounts(self, strengths: Mapping[str, Any]) -> np.ndarray:
        """Strengths (N, P) of edits."""
        check_names("property to edit", tuple(strengths), self.properties)
        count = len(self)
        amounts = np.zeros((count, len(self.properties)), np.float32)
        for name, value in strengths.items():
            amount = as_array(value)
            if amount.shape not in ((), (count,)) or not (np.abs(amount) <= MOST_STRENGTH).all():
                raise refused(
                    f"strength of {name}",
                    value,
                    f"one number up to {MOST_STRENGTH:g}, or {count}, one a latent",
                )
            amounts[:, self.properties.index(name)] = amount
        return amounts

    def _tell_missed(self, driven: Driven, given: Collection[str]) -> None:
        """Warns of targets of the given properties that were not reached."""
        counts = driven.missed.sum(axis=0)
        told = [
            f"{name} in {counts[k]} of {len(driven.missed)}"
            for k, name in enumerate(self.properties)
            if name in given and counts[k]
        ]
        if told:
            warnings.warn(f"targets not reached: {', '.join(told)}", stacklevel=_outside())

    def _images(self, latents: np.ndarray) -> torch.Tensor:
        return images_of(self.models, latents, self.layer, self.batch_size)


def _outside() -> int:
    """The stack level, as its caller counts, of the first one outside of this folder's modules."""
    level, frame = 1, sys._getframe(1)
    inside = (os.path.dirname(__file__), contextlib.__file__)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inside):
        level, frame = level + 1, frame.f_back
    return level


def as_array(values) -> np.ndarray:
    """NumPy or PyTorch numbers as a float32 array.

    Raises:
        InputError: they are no real numbers.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    try:
        if np.iscomplexobj(values):
            raise TypeError("complex numbers")
        with np.errstate(over="ignore"):  # what is too large is refused as infinite
            return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"a {type(values).__name__} is no array of real numbers") from error
