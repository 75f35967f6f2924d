"""What a character's file holds: tensors and text from its parts, and back, all checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from property_cnn.common.errors import CheckpointError
from vectorfind.characters.face import Face, Way
from vectorfind.characters.responses import Response

KIND, VERSION = "vectorfind character", 1

_ENDS = ("low", "high", "rest")
_MALFORMED = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)


def packed(
    face: Face, thumbnail: np.ndarray, about: Mapping[str, Any]
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Args:
        face: the vectors and curves.
        thumbnail: (h, w, 3) uint8.
        about: all else, as JSON can hold it.
    """
    arrays = {"latent": face.latent, "label": face.label, "thumbnail": thumbnail}
    for place, name in enumerate(face.properties):
        way, response = face.ways[name], face.responses[name]
        arrays |= {
            f"{place}.way.strengths": way.strengths,
            f"{place}.way.moves": way.moves,
            f"{place}.response.sliders": response.sliders,
            f"{place}.response.strengths": response.strengths,
        }
    text = dict(about) | {
        "version": VERSION,
        "layer": face.layer,
        "properties": list(face.properties),
        "responses": [
            {end: getattr(face.responses[name], end) for end in _ENDS} for name in face.properties
        ],
    }
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    return tensors, {KIND: json.dumps(text, sort_keys=True)}


def unpacked(
    tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], path: object
) -> tuple[Face, np.ndarray, dict[str, Any]]:
    """What `packed` was given.

    Raises:
        CheckpointError: it is no character, one of another version, or incomplete.
    """
    if KIND not in metadata:
        raise CheckpointError(f"{path} is no character; make one by vectorfind pick")
    try:
        about = json.loads(metadata[KIND])
        version = about["version"]
        if version == VERSION:
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
            return _face(arrays, about), _thumbnail(arrays["thumbnail"]), about
    except _MALFORMED as error:
        raise incomplete(path, error) from error
    raise CheckpointError(
        f"{path} is a character of version {version}, this library reads {VERSION}; make it again"
    )


def incomplete(path: object, error: Exception) -> CheckpointError:
    """The error of a file that lacks something."""
    return CheckpointError(f"{path} is an incomplete character ({str(error)[:80]}); make it again")


def _face(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Face:
    latent = _row("latent", arrays["latent"]).astype(np.float32)
    ways, responses = {}, {}
    for place, name in enumerate(about["properties"]):
        strengths = _row(f"the way of {name}", arrays[f"{place}.way.strengths"])
        moves = arrays[f"{place}.way.moves"]
        if moves.shape != (len(strengths), len(latent)) or not np.isfinite(moves).all():
            raise ValueError(f"moves of {name} {moves.shape}")
        sliders = _row(f"the response of {name}", arrays[f"{place}.response.sliders"])
        answer = _row(f"the response of {name}", arrays[f"{place}.response.strengths"])
        for rising in (strengths, sliders):
            if len(rising) < 2 or not (np.diff(rising) > 0).all():
                raise ValueError(f"the curve of {name} does not rise")
        if answer.shape != sliders.shape:
            raise ValueError(f"the response of {name} {answer.shape}")
        ends = [float(about["responses"][place][end]) for end in _ENDS]
        low, high, rest = ends
        if not (np.isfinite(ends).all() and low < high and -1 <= rest <= 1):
            raise ValueError(f"the ends of {name} {ends}")
        ways[str(name)] = Way(strengths, moves.astype(np.float32))
        responses[str(name)] = Response(sliders, answer, *ends)
    if not ways:
        raise ValueError("no sliders")
    label = _row("label", arrays["label"])
    return Face(str(about["layer"]), latent, label, ways, responses)


def _row(what: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"{what} {array.dtype} {array.shape}")
    return array


def _thumbnail(array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ValueError(f"a thumbnail {array.dtype} {array.shape}")
    return array
