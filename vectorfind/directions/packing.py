"""What a file of directions holds: arrays and metadata from directions, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from property_cnn.common.arrays import read_npz
from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import is_folder
from reports.layout import DIRECTIONS
from vectorfind.config import SIGMA, FindSettings
from vectorfind.directions.boundaries import Boundaries, boundaries_of
from vectorfind.directions.calibration import Calibration, read_calibration
from vectorfind.directions.upgrading import VERSIONS, upgraded
from vectorfind.methods.base import DirectionField
from vectorfind.methods.registry import field_kind, method_named
from vectorfind.models.pair import Models
from vectorfind.models.protocols import digest_of, digest_without_size

KIND = "vectorfind directions"

ARRAYS = ("score_mean", "score_std", "cuts", "groups", "group_sizes")
"""The arrays of `Directions` besides those of its fields."""

_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_UNSAVED = ("device", "workers")  # where the work was done changes nothing that was found


def pack_settings(settings: FindSettings) -> dict[str, Any]:
    """The settings as JSON can hold them."""
    return {key: value for key, value in settings.as_stored().items() if key not in _UNSAVED}


def pack_fields(
    fields: Mapping[str, DirectionField],
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    """Named arrays, and metadata by property; what fields have in common is there once."""
    arrays: dict[str, np.ndarray] = {}
    metadata: dict[str, dict[str, Any]] = {}
    sources: list[object] = []
    for name, field in fields.items():
        known = [index for index, source in enumerate(sources) if source is field.source]
        index = known[0] if known else len(sources)
        own, more = field.pack()
        if not known:
            sources.append(field.source)
            arrays |= {f"field{index}.{key}": array for key, array in own.items()}
        metadata[name] = {"kind": field.kind, "source": index, "more": more}
    return arrays, metadata


def unpack_fields(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Mapping[str, Any]]
) -> dict[str, DirectionField]:
    """The fields from what `pack_fields` gave."""
    fields: dict[str, DirectionField] = {}
    first: dict[int, DirectionField] = {}
    for name, about in metadata.items():
        prefix, index = f"field{about['source']}.", about["source"]
        own = {key.removeprefix(prefix): a for key, a in arrays.items() if key.startswith(prefix)}
        kind = field_kind(about["kind"])
        fields[name] = kind.unpack(own, about["more"], first.get(index))
        first.setdefault(index, fields[name])
    return fields


def directions_file(path: str | os.PathLike) -> Path:
    """The file of directions: the path itself, or that in the folder of a run."""
    path = Path(path)
    return path / DIRECTIONS if is_folder(path) else path


def unpack(
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    models: Models,
    path: str | os.PathLike,
) -> dict[str, Any]:
    """The arguments of `Directions` from what a file holds.

    Raises:
        CheckpointError: something is missing or does not fit the models.
    """
    try:
        arrays, metadata = upgraded(arrays, metadata)
        settings = replace(FindSettings.from_stored(metadata["settings"]), dtype=models.dtype)
        models = models.with_layer(settings.layer)
        method = method_named(settings.method)
        settings.validate(models.scored, unscored_properties=not method.findable)
        method.check_properties(settings.properties)
        about = metadata["fields"]
        fields = unpack_fields(arrays, {name: about[name] for name in settings.properties})
        conditions = _conditions(metadata)
        _check_fit(settings, models, fields, metadata, conditions)
        return {
            "settings": settings,
            "models": models,
            "scored": models.scored,
            **{name: arrays[name] for name in ARRAYS},
            "fields": fields,
            "unreadable": int(metadata["unreadable"]),
            "generator_digest": metadata["generator_digest"],
            "scorer_digest": metadata["scorer_digest"],
            "conditions": conditions,
            "calibration": _calibration(metadata, settings),
            "feature_shift": _shift(metadata),
        }
    except _MALFORMED as error:
        raise CheckpointError(
            f"{path} is incomplete or does not fit: {error}; find the directions again"
        ) from error


def read_boundaries(path: str | os.PathLike) -> Boundaries:
    """The directions of groups in a file of directions, without their networks.

    Raises:
        CheckpointError: no such file, damaged or foreign.
        InputError: its directions differ from image to image.
    """
    path = directions_file(path)
    arrays, metadata = read_npz(path, KIND)
    check_version(metadata, path)
    try:
        arrays, metadata = upgraded(arrays, metadata)
        settings, about = metadata["settings"], metadata["fields"]
        fields = unpack_fields(arrays, {name: about[name] for name in settings["properties"]})
        layer, groups = settings["layer"], arrays["groups"]
        conditions = _conditions(metadata)
    except _MALFORMED as error:
        raise CheckpointError(
            f"{path} is incomplete: {error}; find the directions again"
        ) from error
    return boundaries_of(fields, groups, layer, conditions)


def check_version(metadata: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Raises CheckpointError if a version of the library that is not known wrote the file."""
    if metadata.get("version") not in VERSIONS:
        raise CheckpointError(
            f"{path} has format {metadata.get('version')}, this library reads "
            f"{', '.join(map(str, VERSIONS))}; find the directions again"
        )


def loading(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """How the generator was loaded: psi (1, none, where the file has none), trunc_layers, size."""
    settings = metadata.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    psi, layers, size = (settings.get(name) for name in ("psi", "trunc_layers", "size"))
    if not isinstance(psi, int | float):
        psi, layers = 1.0, None
    return {"psi": psi, "trunc_layers": layers, "size": size if type(size) is int else None}


def check_same(metadata: Mapping[str, Any], models: Models, path: str | os.PathLike) -> None:
    """Raises CheckpointError unless the models are those that the directions were found on."""
    for what in ("generator", "scorer"):
        stored, given = metadata.get(f"{what}_digest"), digest_of(getattr(models, what))
        if digest_without_size(str(stored)) != digest_without_size(given):
            raise CheckpointError(
                f"{path} was found on the {what} {stored or 'without a digest'}, not on "
                f"{given or 'one without a digest'}; give that {what}, or find the directions again"
            )
    stored = tuple(metadata.get("scored", ()))
    if stored != models.scored:
        raise CheckpointError(
            f"{path} was found with scores of {', '.join(stored)}; this scorer reads "
            f"{', '.join(models.scored)}"
        )


def _check_fit(
    settings: FindSettings,
    models: Models,
    fields: Mapping[str, DirectionField],
    metadata: Mapping[str, Any],
    conditions: Mapping[str, tuple[str, ...]],
) -> None:
    """Raises ValueError where the pieces of a file do not fit together, or not the models."""
    part = models.editable(settings.layer)
    sizes = {field.size for field in fields.values()}
    if not sizes <= {part[1] - part[0]}:
        raise ValueError(f"vectors of {sizes} numbers do not fit the layer {settings.layer}")
    if tuple(metadata["editable"]) != part:
        raise ValueError(f"it moves {metadata['editable']} of {settings.layer}, not {list(part)}")
    named = {name for entry in conditions.items() for name in (entry[0], *entry[1])}
    if not named <= set(settings.properties):
        raise ValueError(f"conditions of {', '.join(sorted(named))}")


def _calibration(metadata: Mapping[str, Any], settings: FindSettings) -> dict[str, Calibration]:
    read = read_calibration(metadata.get("calibration", {}))
    if set(read) != (set(settings.properties) if settings.units == SIGMA else set()):
        raise ValueError(f"a calibration of {', '.join(read) or 'nothing'}")
    return read


def _shift(metadata: Mapping[str, Any]) -> float | None:
    given = metadata.get("feature_shift")
    return None if given is None else float(given)


def _conditions(metadata: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(others) for name, others in metadata["conditions"].items()}
