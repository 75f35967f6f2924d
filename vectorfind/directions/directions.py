"""Directions found in a generator's latent space: applied to latents, saved and loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.checks import Whole, check_names, checked
from property_cnn.common.errors import InputError
from property_cnn.common.prompt import Shown, Thumbnail, table_html
from property_cnn.common.streams import CASES
from property_cnn.common.tasks import one_thread
from vectorfind.config import FindSettings
from vectorfind.directions.boundaries import Boundaries, boundaries_of
from vectorfind.directions.calibration import Calibration
from vectorfind.directions.courses import Course, Driven
from vectorfind.directions.directed import TARGET_STEPS, DirectedFaces, as_array
from vectorfind.directions.packing import (
    ARRAYS,
    KIND,
    check_same,
    check_version,
    directions_file,
    loading,
    pack_fields,
    pack_settings,
    unpack,
)
from vectorfind.directions.thumbnails import thumbnails
from vectorfind.directions.upgrading import VERSION
from vectorfind.methods.base import DirectionField, Method
from vectorfind.methods.conditions import check_conditions, project_off
from vectorfind.methods.registry import default_strengths, method_named
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, named
from vectorfind.sampling.groups import group_names
from vectorfind.sampling.latents import mapped_latents

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_STEPS = 100
"""Most steps of an edit."""

STRIP_COLUMNS = 5
"""Strengths that a strip shows."""


@dataclass(frozen=True, eq=False, repr=False)
class Directions(Shown):
    """Directions of some properties at one layer, with the networks they were found on.

    G groups, S properties of the scorer, vectors of d numbers. `find_directions` makes them.

    Attributes:
        settings: those they were found with.
        models: generator, scorer and precision.
        scored: S names of all of the scorer's properties.
        score_mean, score_std: (S,) population mean and standard deviation of the samples' scores.
        cuts: (K, quantiles - 1) of the grouping properties, see `groups.group_cuts`.
        groups: (G,) names, sorted.
        group_sizes: (G,) readable samples of each.
        fields: property -> its directions, in the part of the layer's vectors that may move.
        unreadable: samples that the scorer could not read.
        generator_digest, scorer_digest: names of the networks' weights; "" for nameless ones.
        conditions: property -> the others that it is made to leave alone, see `conditioned`.
        calibration: property -> what a strength means, where units are standard deviations of the
            score; else a strength is a length at the layer.
        feature_shift: how far the samples' images are from those that the scorer learned from,
            where that is too far; else None.
    """

    settings: FindSettings
    models: Models
    scored: tuple[str, ...]
    score_mean: np.ndarray
    score_std: np.ndarray
    cuts: np.ndarray
    groups: np.ndarray
    group_sizes: np.ndarray
    fields: Mapping[str, DirectionField]
    unreadable: int
    generator_digest: str
    scorer_digest: str
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    feature_shift: float | None = None

    def facts(self) -> dict[str, str]:
        """What they are and what they were found from, to be shown."""
        found, own = self.settings, ", ".join(self.properties)
        sizes = [int(size) for size in self.group_sizes]
        groups = "one" if len(sizes) == 1 else f"{len(sizes)} by {', '.join(found.group_by)}"
        spread = f", {min(sizes):,} to {max(sizes):,} samples each" if len(sizes) > 1 else ""
        unreadable = f", {self.unreadable:,} unreadable" if self.unreadable else ""
        facts = {
            "properties": own,
            "method": self.method,
            "layer": f"{self.layer}, {self.models.generator.layers[self.layer]:,} numbers",
            "generator": named(self.models.generator),
            "scorer": named(self.models.scorer),
            "samples": f"{found.n:,}, seed {found.seed}{unreadable}",
            "groups": groups + spread,
            "units": "standard deviations of the scores" if self.calibration else "lengths",
        }
        if self.conditions:
            facts["conditions"] = "\n".join(
                f"{name} without {', '.join(others)}" for name, others in self.conditions.items()
            )
        if fits := self.curve_columns():
            facts["fits"] = ", ".join(f"{name} {value:.3f}" for name, value in fits.items())
        return facts

    def _repr_html_(self) -> str:
        return table_html(type(self).__name__, self.facts(), self._thumbnails)

    @cached_property
    def _thumbnails(self) -> tuple[Thumbnail, ...]:
        """Of the first case of a test under the same seed; made once."""

        def first() -> DirectedFaces:
            z, label, _ = mapped_latents(self.models, self.settings.seed, CASES, 1, layers=())
            return self.at(z, label)

        return thumbnails(first, self.strengths)

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties that can be changed."""
        return self.settings.properties

    @property
    def layer(self) -> str:
        """Where the directions live."""
        return self.settings.layer

    @property
    def method(self) -> str:
        """How they were found: a name of `vectorfind.methods.registry`."""
        return self.settings.method

    def method_of(self, name: str) -> Method:
        """How the direction of one property was found."""
        return method_named(self.method).of(name)

    @property
    def k(self) -> int:
        """Samples in the top shares of all groups together, ratio times n: the n-curve's k."""
        return round(self.settings.ratio * self.settings.n)

    @property
    def strengths(self) -> dict[str, tuple[float, ...]]:
        """property -> strengths of the grid that these directions are evaluated on by default."""
        given = self.settings.strengths or {}
        table = default_strengths(self.method, self.properties)
        return {name: tuple(given.get(name, values)) for name, values in table.items()}

    def fits(self) -> list[tuple[str, str, str, str, float]]:
        """How well the fields were fitted: property, method, group, measure and value of each."""
        return [
            (name, self.method_of(name).name, fit.group, fit.measure, fit.value)
            for name, field in self.fields.items()
            for fit in field.fits()
        ]

    def curve_columns(self) -> dict[str, float]:
        """The same in short, by column of an n-curve."""
        columns = [field.curve_column(name) for name, field in self.fields.items()]
        return dict(column for column in columns if column is not None)

    def group_of(self, scores: np.ndarray) -> np.ndarray:
        """Scores (N, S) of images -> names of their groups (N,); "?" where one is unreadable."""
        columns = [self.scored.index(name) for name in self.settings.group_by]
        return group_names(scores[:, columns], self.cuts)

    @one_thread()
    def vectors(self, latents: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """The direction of each property for each vector: what a strength of 1 adds.

        Of unit norm, or where there is a calibration as long as that says.

        Args:
            latents: (N, d) vectors at the layer; a gradient is taken there.
            groups: (N,) names; "?" for an image that could not be read.

        Returns:
            (N, P, d) float32.

        Raises:
            InputError: a condition leaves nothing of a direction.
        """
        start, stop = self.models.editable(self.layer)
        part, names = latents[:, start:stop], self.properties
        directions = np.zeros((len(latents), len(names), latents.shape[1]), np.float32)
        for some in _by_source([self.fields[name] for name in names]).values():
            fields = [self.fields[names[index]] for index in some]
            directions[:, some, start:stop] = type(fields[0]).joint(fields, part, groups)
        directions = project_off(directions, names, self.conditions)
        if self.calibration:
            steps = [self.calibration[name].step for name in names]
            directions *= np.array(steps, np.float32)[:, None]
        return directions

    @one_thread()
    def conditioned(self, on: Mapping[str, Sequence[str]]) -> Directions:
        """Directions that leave others alone: each without its part in the span of those.

            directions.conditioned({"eyes": ("mouth", "pose")}).edit(z, label, eyes=1.2)

        This is InterFaceGAN's conditional manipulation, for any number of others. They are
        taken as they were found, whatever they are conditioned on themselves.

        Args:
            on: property -> the others; () takes earlier conditions back.

        Raises:
            InputError: unknown property, one conditioned on itself, or nothing is left of one.
                Where directions differ from image to image this shows only when they are used.
        """
        check_conditions(self.properties, on)
        merged = self.conditions | {name: tuple(others) for name, others in on.items()}
        conditions = {name: others for name, others in merged.items() if others}
        conditioned = replace(self, conditions=conditions)
        if self.along_lines:
            size = self.models.generator.layers[self.layer]
            conditioned.vectors(np.zeros((len(self.groups), size), np.float32), self.groups)
        return conditioned

    def only(self, properties: Sequence[str]) -> Directions:
        """The directions of some of the properties, in the given order.

        Raises:
            InputError: unknown property, or none is given.
        """
        check_names("property", tuple(properties), self.properties)
        if not properties:
            raise InputError(f"no property given; choose some of {', '.join(self.properties)}")
        names = tuple(properties)
        given = self.settings.strengths
        strengths = given and {name: given[name] for name in names if name in given}
        conditions = {name: self.conditions.get(name, ()) for name in names}
        gone = {other for others in conditions.values() for other in others} - set(names)
        if gone:
            raise InputError(
                f"directions are conditioned on {', '.join(sorted(gone))}; take that too"
            )
        return replace(
            self,
            settings=replace(self.settings, properties=names, strengths=strengths or None),
            fields={name: self.fields[name] for name in names},
            conditions={name: others for name, others in conditions.items() if others},
            calibration={k: one for k, one in self.calibration.items() if k in names},
        )

    def boundaries(self) -> Boundaries:
        """The directions of groups without the networks, for other projects' files.

        Raises:
            InputError: every property's direction differs from image to image.
        """
        return boundaries_of(self.fields, self.groups, self.layer, self.conditions)

    def course(self, steps: int = 1, target: bool = False) -> Course | None:
        """How edits move that are not one straight step; None for one.

        Args:
            steps: directions are taken anew before each; with a target, the image is looked at
                after each.
            target: drive scores to where they shall be, see `edit`.

        Raises:
            InputError: a target, but strengths are no standard deviations of scores.
        """
        checked("steps", steps, Annotated[int, Whole(1, MOST_STEPS)])
        if not target and (steps == 1 or self.along_lines):
            return None
        if target and not self.calibration:
            raise InputError(
                "edits to a target need strengths in standard deviations of the scores; find the "
                'directions with units="sigma"'
            )
        columns = np.array([self.scored.index(name) for name in self.properties])
        reach = [self.calibration.get(name) for name in self.properties]
        low, high = (
            np.array([getattr(one, end) for one in reach if one is not None], np.float64)
            for end in ("low", "high")
        )
        return Course(
            self.vectors, steps, target, self.models, self.layer, columns,
            self.score_std[columns].astype(np.float64), low, high, self.settings.batch_size,
        )  # fmt: skip

    @property
    def along_lines(self) -> bool:
        """Whether directions are the same all along an edit."""
        return not any(field.depends_on_vector for field in self.fields.values())

    def at(self, z, label=None) -> DirectedFaces:
        """Faces whose directions are found once, for many edits of the same faces.

            faces = directions.at(z, label)
            images = [faces.edit(mouth=strength) for strength in (-1.8, -0.9, 0.9, 1.8)]

        Args:
            z, label: as in `edit`.

        Raises:
            InputError: an array of another shape.
        """
        by_group = any(field.depends_on_groups for field in self.fields.values())
        return DirectedFaces(
            *self._checked_latents(z, label),
            properties=self.properties,
            models=self.models,
            layer=self.layer,
            batch_size=self.settings.batch_size,
            vectors_at=self.vectors,
            group_of=self.group_of if by_group and len(self.groups) > 1 else None,
            course=self.course,
        )

    def edit(
        self,
        z,
        label=None,
        *,
        steps: int | None = None,
        target: bool = False,
        by: Mapping[str, float | np.ndarray] | None = None,
        to: Mapping[str, float | np.ndarray] | None = None,
        **strengths: float | np.ndarray,
    ) -> torch.Tensor:
        """Images of latents, changed by the given strengths.

        Where directions differ by group, the unedited image is made and scored to find its own;
        `at` does so once for many edits.

        Args:
            z: (N, z_dim) latents, NumPy or PyTorch.
            label: (N, label_dim) labels; None for a generator without labels.
            steps: directions that differ from vector to vector are taken anew before each; None
                for one, or four to a target.
            target: strengths are standard deviations above each face's own scores, and the edit
                goes on, in as many steps, until the scorer sees that. Where it does not, as of a
                closed mouth that shall close, a warning says so; see `drive`.
            by, to: targets in the scorer's units: property -> change of each face's own score, as
                {"yaw": 20} for 20 degrees, or the score that it shall end at.
            strengths: property=number, or property=(N,) numbers; above 0 raises the property,
                and the sizes of the evaluation's grid, up to about 2, are usual.

        Returns:
            (N, 3, H, W) images in [-1, 1] on the generator's device.

        Raises:
            InputError: unknown property, or an array of another shape.
        """
        faces = self.at(z, label)
        return faces.edit(steps=steps, target=target, by=by, to=to, **strengths)

    def drive(
        self,
        z,
        label=None,
        *,
        steps: int = TARGET_STEPS,
        by: Mapping[str, float | np.ndarray] | None = None,
        to: Mapping[str, float | np.ndarray] | None = None,
        **strengths: float | np.ndarray,
    ) -> Driven:
        """Where edits to targets end, and which of them do not reach theirs.

        Args:
            z, label, by, to, strengths: as in `edit`; properties that are not named shall stay.
            steps: images that are looked at on the way.

        Raises:
            InputError: as in `edit`, or a property has two targets.
        """
        return self.at(z, label).drive(steps=steps, by=by, to=to, **strengths)

    def edit_grid(self, z, label, strengths: np.ndarray) -> torch.Tensor:
        """Images of latents, each changed by every row of a grid.

        Args:
            z, label: as in `edit`.
            strengths: (S, P), a column a property in the order of `properties`.

        Returns:
            (N, S, 3, H, W) images in [-1, 1].

        Raises:
            InputError: an array of another shape.
        """
        return self.at(z, label).edit_grid(strengths)

    def plot_strip(
        self, name: str, z, label=None, strengths: Sequence[float] | None = None
    ) -> Figure:
        """Faces while one property's strength rises from left to right, as a run's page shows it.

        Args:
            name: the property.
            z, label: as in `edit`, a row a face; 4 are readable.
            strengths: of the columns; None for 5 from the least to the greatest of `strengths`.

        Returns:
            A matplotlib Figure.

        Raises:
            InputError: unknown property, or an array of another shape.
        """
        from reports.plots.images import image_strip  # loads matplotlib
        from reports.text import ends_of

        check_names("property", (name,), self.properties)
        if strengths is None:
            limit = max(map(abs, self.strengths[name]))
            strengths = np.linspace(-limit, limit, STRIP_COLUMNS)
        grid = np.zeros((len(strengths), len(self.properties)), np.float32)
        grid[:, self.properties.index(name)] = as_array(strengths)
        images = self.edit_grid(z, label, grid).cpu().numpy()
        rows = [f"face {row}" for row in range(len(images))]
        return image_strip(images, grid[:, self.properties.index(name)], name, ends_of(name), rows)

    def plot_extremes(self, z, label=None) -> Figure:
        """Faces unedited, and beside them with the least and the greatest of each property.

        Args:
            z, label: as in `edit`, a row a face.

        Returns:
            A matplotlib Figure.

        Raises:
            InputError: an array of another shape.
        """
        from reports.plots.images import extremes_sheet  # loads matplotlib
        from reports.text import ends_of

        count = len(self.properties)
        grid = np.zeros((1 + 2 * count, count), np.float32)
        for place, strengths in enumerate(self.strengths.values()):
            grid[1 + 2 * place : 3 + 2 * place, place] = min(strengths), max(strengths)
        images = self.edit_grid(z, label, grid).cpu().numpy()
        return extremes_sheet(images, self.properties, [ends_of(name) for name in self.properties])

    def save(self, path: str | os.PathLike) -> None:
        """Writes one .npz, atomically and without pickles; same directions give same bytes."""
        arrays, fields = pack_fields(self.fields)
        arrays |= {name: getattr(self, name) for name in ARRAYS}
        metadata: dict[str, Any] = {
            "version": VERSION,
            "settings": pack_settings(self.settings),
            "scored": self.scored,
            "editable": self.models.editable(self.layer),
            "conditions": self.conditions,
            "fields": fields,
            "unreadable": self.unreadable,
            "generator_digest": self.generator_digest,
            "scorer_digest": self.scorer_digest,
        }
        if self.feature_shift is not None:
            metadata["feature_shift"] = self.feature_shift
        if self.calibration:
            metadata["calibration"] = {name: c.stored() for name, c in self.calibration.items()}
        write_npz(path, KIND, arrays, metadata)

    def _checked_latents(self, z, label) -> tuple[np.ndarray, np.ndarray]:
        """Latents and labels as arrays of the generator's sizes."""
        generator = self.models.generator
        z = as_array(z)
        if label is None and generator.label_dim == 0:
            label = np.empty((len(z), 0), np.float32)
        label = np.empty(0, np.float32) if label is None else as_array(label)
        count = z.shape[0] if z.ndim == 2 and len(z) else "N"
        if z.shape != (count, generator.z_dim) or label.shape != (count, generator.label_dim):
            raise InputError(
                f"z has shape {z.shape} and label {label.shape}; expected "
                f"({count}, {generator.z_dim}) and ({count}, {generator.label_dim})"
            )
        if not (np.isfinite(z).all() and np.isfinite(label).all()):
            raise InputError("z or label holds NaN or infinity; give finite latents")
        return z, label


def load_directions(
    path: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    device: str | None = None,
    dtype: str = FindSettings.dtype,
    size: int | None = None,
) -> Directions:
    """Directions from a file, attached to the networks they were found on.

    Args:
        path: of the .npz that `Directions.save` wrote, or of a run's folder; for other projects'
            files see `vectorfind.directions.interchange`.
        generator, scorer: "default", a checkpoint's path, or an object with the protocol.
        device: where the networks run; None for a GPU if there is one.
        dtype: precision of synthesis and scoring.
        size: side of the images in pixels, where the generator makes several; None for that which
            the directions were found at.

    Raises:
        CheckpointError: no such file, damaged, foreign, or found on other networks.
        InputError: device or dtype cannot be used.
    """
    path = directions_file(path)
    arrays, metadata = read_npz(path, KIND)
    check_version(metadata, path)
    how = loading(metadata) | ({} if size is None else {"size": size})
    models = load_models(generator, scorer, device, dtype, **how)
    check_same(metadata, models, path)
    return Directions(**unpack(arrays, metadata, models, path))


def _by_source(fields: Sequence[DirectionField]) -> dict[int, list[int]]:
    """Places of the fields that have a source in common, by its identity."""
    places: dict[int, list[int]] = {}
    for index, one in enumerate(fields):
        places.setdefault(id(one.source), []).append(index)
    return places
