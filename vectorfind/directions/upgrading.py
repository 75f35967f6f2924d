"""Files of directions of earlier versions, as one of today's would hold the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vectorfind.methods.fields import GroupField
from vectorfind.methods.gradient.method import NetworkField
from vectorfind.methods.gradient.network import WEIGHTS
from vectorfind.methods.registry import method_named
from vectorfind.methods.svm import SvmField

VERSION = 4
"""A field a property; the arrays of field k are called `fieldk.`…"""

SVM_AND_NETWORKS = 3
"""`svm.` and `accuracy.` a property, at the whole layer, or `network0.`…, of all its heads."""

MEDIANS = 2
"""As 3, but groups by medians alone, no conditions, directions of whole layers."""

VERSIONS = (MEDIANS, SVM_AND_NETWORKS, VERSION)

Arrays = Mapping[str, np.ndarray]
Metadata = Mapping[str, Any]


def upgraded(arrays: Arrays, metadata: Metadata) -> tuple[Arrays, Metadata]:
    """What a file of an earlier version holds, as one of today's would.

    Raises:
        KeyError, TypeError, ValueError: something is missing or wrong.
    """
    if metadata["version"] == MEDIANS:
        arrays, metadata = _with_conditions(arrays, metadata)
    if metadata["version"] == SVM_AND_NETWORKS:
        arrays, metadata = _with_fields(arrays, metadata)
    return arrays, metadata


def _with_conditions(arrays: Arrays, metadata: Metadata) -> tuple[Arrays, Metadata]:
    vectors = [a for name, a in arrays.items() if name.startswith("svm.") or ".centre" in name]
    since = {"free": [0, vectors[0].shape[-1]], "conditions": {}, "version": SVM_AND_NETWORKS}
    return {**arrays, "cuts": arrays["medians"][:, None]}, {**metadata, **since}


def _with_fields(arrays: Arrays, metadata: Metadata) -> tuple[Arrays, Metadata]:
    settings, fields = metadata["settings"], {}
    new = {name: array for name, array in arrays.items() if "." not in name}
    heads = {
        head: (number, names, scale)
        for number, (names, scale) in enumerate(metadata["networks"])
        for head in names
    }
    indices: dict[int, int] = {}  # number of a network -> that of its source
    count = 0
    for name in settings["properties"]:
        if name in heads:
            number, names, scale = heads[name]
            if number not in indices:
                indices[number], count = count, count + 1
            index = indices[number]
            old = {key: arrays[f"network{number}.{key}"] for key in ("centre", *WEIGHTS)}
            metrics = metadata["metrics"][name]
            more = {"heads": names, "scale": scale, "head": name, "metrics": metrics}
            kind = NetworkField.kind
        else:
            index, count = count, count + 1
            start, stop = metadata["free"]
            directions = arrays[f"svm.{name}"][:, start:stop]
            old, more = {"groups": arrays["groups"], "directions": directions}, {}
            kind = GroupField.kind
            if method_named(settings["method"]).findable:  # else nothing was fitted
                kind, old["accuracy"] = SvmField.kind, arrays[f"accuracy.{name}"]
        new |= {f"field{index}.{key}": array for key, array in old.items()}
        fields[name] = {"kind": kind, "source": index, "more": more}
    since = {"version": VERSION, "editable": metadata["free"], "fields": fields}
    gone = ("free", "networks", "metrics")
    return new, {key: value for key, value in metadata.items() if key not in gone} | since
