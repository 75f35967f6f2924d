"""Directions without networks, as other projects keep them: from their files, or for them.

InterFaceGAN calls a direction by its boundary, the hyperplane that it is the normal of.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError
from vectorfind.config import IMPORTED, FindSettings
from vectorfind.directions.conditions import project_off
from vectorfind.sampling.groups import WHOLE, all_groups, grouped

if TYPE_CHECKING:
    from vectorfind.directions.directions import Directions
    from vectorfind.models.protocols import Generator, Scorer


@dataclass(frozen=True, eq=False)
class Boundaries:
    """G groups' directions of P properties at one layer; moving along one raises its property.

    Attributes:
        layer: where they live.
        properties: P names.
        groups: (G,) names; ("all",) where there is but one.
        vectors: (G, P, d) float32, brought to unit norm; d numbers of the layer, or of the part
            of its vectors that directions may move.

    Raises:
        InputError: the shape is another, or a vector is zero or not finite.
    """

    layer: str
    properties: tuple[str, ...]
    groups: tuple[str, ...]
    vectors: np.ndarray

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors, dtype=np.float64)
        if vectors.shape[:2] != (len(self.groups), len(self.properties)) or vectors.ndim != 3:
            raise InputError(
                f"directions of shape {vectors.shape}; expected ({len(self.groups)} groups, "
                f"{len(self.properties)} properties, numbers of the layer)"
            )
        norms = np.linalg.norm(vectors, axis=2, keepdims=True)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            raise InputError("a direction is zero or not finite; give such as have a norm")
        object.__setattr__(self, "vectors", (vectors / norms).astype(np.float32))

    def renamed(self, names: Mapping[str, str]) -> Boundaries:
        """The properties that are named, and none else, under new names.

            components.renamed({"component_3": "pose"})

        Raises:
            InputError: there is no such property, or two would have one name.
        """
        check_names("property to rename", tuple(names), self.properties)
        check_names("new name", tuple(names.values()), tuple(names.values()))
        columns = [self.properties.index(name) for name in names]
        return replace(self, properties=tuple(names.values()), vectors=self.vectors[:, columns])

    def bind(
        self,
        generator: str | os.PathLike | Generator = "default",
        scorer: str | os.PathLike | Scorer = "default",
        *,
        n: int = 2000,
        seed: int = FindSettings.seed,
        group_by: Sequence[str] | None = None,
        quantiles: int = FindSettings.quantiles,
        strengths: Mapping[str, Sequence[float]] | None = None,
        device: str | None = None,
        dtype: str = FindSettings.dtype,
        batch_size: int = FindSettings.batch_size,
        workers: int | None = None,
        quiet: bool = False,
    ) -> Directions:
        """The directions with networks, to be evaluated, used to edit and saved as those found.

        Samples tell how the scores vary and, where there are groups, what parts them. Images of
        groups that have no direction of their own move along the mean direction.

        Args:
            generator, scorer: as for `find_directions`.
            n: number of samples.
            seed: of their latents.
            group_by: what the letters of the groups' names stand for; None for the
                default four. Without groups it does not matter.
            quantiles: parts of each of those.
            strengths, device, dtype, batch_size, workers, quiet: as for `find_directions`.

        Raises:
            InputError: the generator has no such layer or one of another size, or the groups
                are not those of `group_by`.
        """
        from vectorfind.directions.directions import Directions
        from vectorfind.directions.finding import draw, measured
        from vectorfind.models.pair import load_models

        settings = FindSettings(
            n=n,
            layer=self.layer,
            method=IMPORTED,
            properties=self.properties,
            group_by=() if self.groups == (WHOLE,) else group_by,
            quantiles=quantiles,
            seed=seed,
            batch_size=batch_size,
            device=device,
            dtype=dtype,
            workers=workers,
            strengths=strengths,
        )
        models = load_models(generator, scorer, device, dtype).with_layer(self.layer)
        settings.validate(models.generator.layers, models.scored, imported=True)
        known = all_groups(len(settings.group_by), quantiles)
        foreign = sorted(set(self.groups) - set(known))
        if foreign:
            raise InputError(
                f"there are directions for {', '.join(foreign)}, but {len(settings.group_by)} "
                f"grouping properties in {quantiles} parts make {known[0]} to {known[-1]}; give "
                "what the directions were grouped by"
            )
        vectors = padded(
            self.vectors, models.editable(self.layer), models.generator.layers[self.layer]
        )
        samples = draw(models, settings, quiet=quiet)
        cuts, members = grouped(samples, settings.group_by, quantiles)
        order = np.argsort(self.groups)
        groups = np.array(self.groups)[order]
        columns = dict(zip(self.properties, vectors[order].swapaxes(0, 1), strict=True))
        return Directions(
            **measured(models, samples),
            settings=settings,
            cuts=cuts,
            groups=groups,
            group_sizes=np.array([len(members[name]) for name in groups]),
            svm=columns,
            accuracy={name: np.full(len(groups), np.nan) for name in self.properties},
            networks=(),
            metrics={},
        )


def padded(vectors: np.ndarray, part: tuple[int, int], size: int) -> np.ndarray:
    """Vectors (..., d) of a layer, or of its editable part, as such of the whole layer (..., size).

    Raises:
        InputError: d is the size of neither.
    """
    given, (start, stop) = vectors.shape[-1], part
    if given == size:
        return vectors
    if given != stop - start:
        raise InputError(
            f"the directions have {given} numbers; the layer's vectors have {size}"
            + (f", of which {stop - start} may move" if stop - start < size else "")
        )
    around = [(0, 0)] * (vectors.ndim - 1) + [(start, size - stop)]
    return np.pad(vectors, around)


def boundaries_of(
    vectors: Mapping[str, np.ndarray],
    groups: Sequence[str],
    layer: str,
    part: tuple[int, int],
    conditions: Mapping[str, Sequence[str]],
) -> Boundaries:
    """Boundaries of the properties whose directions are the same for a whole group.

    Args:
        vectors: property -> (G, d) at the whole layer.
        groups: (G,) names.
        layer: its name.
        part: start and stop of what directions may move; only this is kept.
        conditions: property -> others that it shall leave alone.

    Raises:
        InputError: there are none.
    """
    names = [name for name in vectors if set(conditions.get(name, ())) <= set(vectors)]
    if not names:
        raise InputError(
            "directions by gradient differ from image to image, and other projects' files hold "
            "one a property; find directions by svm"
        )
    every = np.stack([*vectors.values()], axis=1)  # (G, P, d)
    kept = {name: conditions[name] for name in names if name in conditions}
    found = project_off(every, [*vectors], kept)[:, [[*vectors].index(name) for name in names]]
    texts = tuple(str(group) for group in groups)
    return Boundaries(layer, tuple(names), texts, found[..., slice(*part)])
