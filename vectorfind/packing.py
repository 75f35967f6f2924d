"""What a file of directions holds: arrays and metadata from directions, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from vectorfind.config import FindSettings, GradientSettings
from vectorfind.errors import CheckpointError
from vectorfind.gradient import METRICS, WEIGHTS, GradientNetwork
from vectorfind.models import Models
from vectorfind.protocols import digest_of

if TYPE_CHECKING:
    from vectorfind.directions import Directions

KIND = "vectorfind directions"
VERSION = 2

_ARRAYS = ("score_mean", "score_std", "medians", "groups", "group_sizes")
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
    """The arguments of `Directions`, but for the models, from what `pack` gave.

    Raises:
        CheckpointError: something is missing or does not fit the models.
    """
    try:
        settings = _settings(metadata["settings"], models)
        by_svm = [name for name in settings.properties if settings.method_of(name) == "svm"]
        by_gradient = [name for name in settings.properties if name not in by_svm]
        unpacked = {
            "settings": settings,
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
        }
        sizes = {vectors.shape[-1] for vectors in unpacked["svm"].values()}
        sizes |= {len(network.centre) for network in unpacked["networks"]}
        heads = [name for network in unpacked["networks"] for name in network.properties]
        if sorted(heads) != sorted(by_gradient):
            raise ValueError(f"networks of {heads} for the properties {by_gradient}")
        if sizes != {models.generator.layers[settings.layer]}:
            raise ValueError(f"vectors of {sizes} numbers do not fit the layer {settings.layer}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is incomplete or does not fit: {error}; find the directions again"
        ) from error
    return unpacked


def check_version(metadata: Mapping[str, Any], path: str | os.PathLike) -> None:
    """Raises CheckpointError if another version of the library wrote the file."""
    if metadata.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has format {metadata.get('version')}, this library reads {VERSION}; "
            "find the directions again"
        )


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


def _settings(stored: Mapping[str, Any], models: Models) -> FindSettings:
    values = dict(stored) | {"dtype": models.dtype}
    for name in ("properties", "group_by"):
        values[name] = tuple(values[name])
    values["gradient"] = GradientSettings(**values["gradient"])
    settings = FindSettings(**values)
    settings.validate(models.generator.layers, models.scored)
    return settings
