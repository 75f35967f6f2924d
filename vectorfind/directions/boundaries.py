"""Directions without networks, as other projects keep them: from their files, or for them.

InterFaceGAN calls a direction by its boundary, the hyperplane that it is the normal of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError
from property_cnn.common.prompt import Shown
from vectorfind.methods.base import DirectionField
from vectorfind.methods.conditions import project_off
from vectorfind.sampling.groups import WHOLE


@dataclass(frozen=True, eq=False, repr=False)
class Boundaries(Shown):
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


def movable(vectors: np.ndarray, part: tuple[int, int], size: int) -> np.ndarray:
    """Vectors (..., d) of a layer, or of its part that may move, as such of the part.

    Args:
        vectors: of the layer, zero outside the part, or of the part alone.
        part: its start and stop.
        size: d of the layer.

    Raises:
        InputError: d is the size of neither, or a vector is not zero outside the part.
    """
    given, (start, stop) = vectors.shape[-1], part
    if given == stop - start:
        return vectors
    if given != size:
        raise InputError(
            f"the directions have {given} numbers; the layer's vectors have {size}"
            + (f", of which {stop - start} may move" if stop - start < size else "")
        )
    if np.delete(vectors, slice(start, stop), axis=-1).any():
        raise InputError(
            f"a direction moves numbers outside {start} to {stop} of the layer's {size}, which "
            "stay as they are; set these to zero, or take another layer"
        )
    return vectors[..., start:stop]


def boundaries_of(
    fields: Mapping[str, DirectionField],
    groups: Sequence[str],
    layer: str,
    conditions: Mapping[str, Sequence[str]],
) -> Boundaries:
    """Boundaries of the properties whose directions are the same for a whole group.

    Args:
        fields: of all properties.
        groups: (G,) names.
        layer: its name.
        conditions: property -> others that it shall leave alone.

    Raises:
        InputError: there are none.
    """
    by_group = {name: field.of_groups() for name, field in fields.items()}
    vectors = {name: table for name, table in by_group.items() if table is not None}
    names = [name for name in vectors if set(conditions.get(name, ())) <= set(vectors)]
    if not names:
        raise InputError(
            f"the directions of {', '.join(fields)} differ from image to image, and other "
            "projects' files hold one a group; find them by a method that gives such"
        )
    if all(len(table) == 1 for table in vectors.values()):
        groups = (WHOLE,)
    shape = len(groups), next(iter(vectors.values())).shape[1]
    tables = [np.broadcast_to(table, shape) for table in vectors.values()]
    every = np.stack(tables, axis=1)  # (G, P, d)
    exported = {name: conditions[name] for name in names if name in conditions}
    projected = project_off(every, [*vectors], exported)
    columns = [[*vectors].index(name) for name in names]
    texts = tuple(str(group) for group in groups)
    return Boundaries(layer, tuple(names), texts, projected[:, columns])
