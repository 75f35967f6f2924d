"""What a file of directions holds: arrays and metadata from directions, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.npz import read_npz
from vectorfind.config import FindSettings, GradientSettings
from vectorfind.directions.boundaries import Boundaries, boundaries_of
from vectorfind.methods.gradient.network import METRICS, WEIGHTS, GradientNetwork
from vectorfind.models.pair import Models
from vectorfind.models.protocols import digest_of

if TYPE_CHECKING:
    from vectorfind.directions.directions import Directions

KIND = "vectorfind directions"
VERSION = 3
MEDIANS = 2
"""The version before: groups by medians alone, no conditions, directions of whole layers."""

_ARRAYS = ("score_mean", "score_std", "cuts", "groups", "group_sizes")
_MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError)
_UNSAVED = ("device", "workers")  # where the work was done changes nothing that was found


def pack(directions: Directions) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Named arrays, and metadata that JSON can hold."""
    arrays = {name: getattr(directions, name) for name in _ARRAYS}
    arrays |= {f"svm.{name}": vectors for name, vectors in directions.svm.items()}
    arrays |= {f"accuracy.{name}": values for name, values in directions.accuracy.items()}
    for index, network in enumerate(directions.networks):
        arrays[f"network{index}.centre"] = network.centre
        arrays |= {f"network{index}.{key}": network.weights[key] for key in WEIGHTS}
    settings = asdict(directions.settings)
    return arrays, {
        "version": VERSION,
        "settings": {key: value for key, value in settings.items() if key not in _UNSAVED},
        "scored": directions.scored,
        "free": directions.models.editable(directions.layer),
        "conditions": directions.conditions,
        "metrics": directions.metrics,
        "networks": [[network.properties, network.scale] for network in directions.networks],
        "unreadable": directions.unreadable,
        "generator_digest": directions.generator_digest,
        "scorer_digest": directions.scorer_digest,
    }


def unpack(
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    models: Models,
    path: str | os.PathLike,
) -> dict[str, Any]:
    """The arguments of `Directions` from what `pack` gave, or its forerunner of version 2.

    Raises:
        CheckpointError: something is missing or does not fit the models.
    """
    try:
        arrays, metadata = _upgraded(arrays, metadata)
        settings = _settings(metadata["settings"], models.dtype)
        models = models.with_layer(settings.layer)
        settings.validate(models.generator.layers, models.scored, imported=True)
        by_svm = [name for name in settings.properties if settings.method_of(name) == "svm"]
        by_gradient = [name for name in settings.properties if name not in by_svm]
        unpacked = {
            "settings": settings,
            "models": models,
            "scored": models.scored,
            **{name: arrays[name] for name in _ARRAYS},
            "svm": {name: arrays[f"svm.{name}"] for name in by_svm},
            "accuracy": {name: arrays[f"accuracy.{name}"] for name in by_svm},
            "networks": tuple(
                GradientNetwork(
                    tuple(heads),
                    arrays[f"network{index}.centre"],
                    float(scale),
                    {key: arrays[f"network{index}.{key}"] for key in WEIGHTS},
                )
                for index, (heads, scale) in enumerate(metadata["networks"])
            ),
            "metrics": {
                name: {key: metadata["metrics"][name][key] for key in METRICS}
                for name in by_gradient
            },
            "unreadable": int(metadata["unreadable"]),
            "generator_digest": metadata["generator_digest"],
            "scorer_digest": metadata["scorer_digest"],
            "conditions": _conditions(metadata),
        }
        size, part = models.generator.layers[settings.layer], models.editable(settings.layer)
        by_group = {vectors.shape[-1] for vectors in unpacked["svm"].values()}
        by_image = {len(network.centre) for network in unpacked["networks"]}
        heads = [name for network in unpacked["networks"] for name in network.properties]
        if sorted(heads) != sorted(by_gradient):
            raise ValueError(f"networks of {heads} for the properties {by_gradient}")
        if not (by_group <= {size} and by_image <= {part[1] - part[0]}):
            sizes = by_group | by_image
            raise ValueError(f"vectors of {sizes} numbers do not fit the layer {settings.layer}")
        if tuple(metadata["free"]) != part:
            raise ValueError(f"it moves {metadata['free']} of {settings.layer}, not {list(part)}")
        named = {name for entry in unpacked["conditions"].items() for name in (entry[0], *entry[1])}
        if not named <= set(settings.properties):
            raise ValueError(f"conditions of {', '.join(sorted(named))}")
    except _MALFORMED as error:
        raise CheckpointError(
            f"{path} is incomplete or does not fit: {error}; find the directions again"
        ) from error
    return unpacked


def read_boundaries(path: str | os.PathLike) -> Boundaries:
    """The directions of groups in a file of directions, without their networks.

    Raises:
        CheckpointError: no such file, damaged or foreign.
        InputError: its directions differ from image to image.
    """
    arrays, metadata = read_npz(path, KIND)
    check_version(metadata, path)
    try:
        arrays, metadata = _upgraded(arrays, metadata)
        settings = metadata["settings"]
        vectors = {
            name: arrays[f"svm.{name}"]
            for name in settings["properties"]
            if f"svm.{name}" in arrays
        }
        part = tuple(metadata["free"])
        return boundaries_of(
            vectors, arrays["groups"], settings["layer"], part, _conditions(metadata)
        )
    except InputError:
        raise
    except _MALFORMED as error:
        raise CheckpointError(
            f"{path} is incomplete: {error}; find the directions again"
        ) from error


def check_version(metadata: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Raises CheckpointError if a version of the library that is not known wrote the file."""
    if metadata.get("version") not in (MEDIANS, VERSION):
        raise CheckpointError(
            f"{path} has format {metadata.get('version')}, this library reads {MEDIANS} and "
            f"{VERSION}; find the directions again"
        )


def truncation(metadata: Mapping[str, Any]) -> tuple[float, int | None]:
    """psi and trunc_layers that the generator was loaded with; none where this is not told."""
    settings = metadata.get("settings")
    told = settings if isinstance(settings, dict) else {}
    psi, layers = told.get("psi", FindSettings.psi), told.get("trunc_layers")
    return (psi, layers) if isinstance(psi, int | float) else (FindSettings.psi, None)


def check_same(metadata: Mapping[str, Any], models: Models, path: str | os.PathLike) -> None:
    """Raises CheckpointError unless the models are those that the directions were found on."""
    for what in ("generator", "scorer"):
        stored, given = metadata.get(f"{what}_digest"), digest_of(getattr(models, what))
        if stored != given:
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


def _upgraded(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]
) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
    """What a file of version 2 holds, as one of today's would."""
    if metadata["version"] == VERSION:
        return arrays, metadata
    vectors = [a for name, a in arrays.items() if name.startswith("svm.") or ".centre" in name]
    since = {"free": [0, vectors[0].shape[-1]], "conditions": {}}
    return {**arrays, "cuts": arrays["medians"][:, None]}, {**metadata, **since}


def _conditions(metadata: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(others) for name, others in metadata["conditions"].items()}


def _settings(stored: Mapping[str, Any], dtype: str) -> FindSettings:
    values = dict(stored) | {"dtype": dtype}
    for name in ("properties", "group_by"):
        values[name] = tuple(values[name])
    values["gradient"] = GradientSettings(**values["gradient"])
    return FindSettings(**values)
