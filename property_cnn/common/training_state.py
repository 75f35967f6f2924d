"""State of a training, kept so that it goes on after a stop as if there had been none.

One format for all: a safetensors file, whose metadata holds what is no tensor, what the state is
of, and a checksum of everything. Nothing in it is executed; a file of which one bit has changed
is damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.common.networks import tensor_bytes

_TENSOR, _CHANNELS_LAST, _ITEMS, _LIST, _TUPLE = (
    "tensor", "channels_last", "items", "list", "tuple",
)  # fmt: skip
"""What stands for a tensor, its layout in memory, a mapping, a list and a tuple in the JSON."""


def fingerprint(**marks: Any) -> str:
    """Names settings and data by plain values, so that no checkpoint goes on with others."""
    text = json.dumps(marks, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def save_state(path: str | os.PathLike, kind: str, marks: str, state: Mapping[str, Any]) -> None:
    """Writes a state, atomically.

    Args:
        path: of the file.
        kind: of the training, and the version of its state.
        marks: the `fingerprint` of its settings and data.
        state: tensors and plain values, in mappings, lists and tuples of any depth, e.g. the
            state dicts of networks and optimisers.
    """
    tensors: dict[str, Tensor] = {}
    values = json.dumps(_plain(state, "", tensors, set()))
    about = {"kind": kind, "fingerprint": marks, "values": values}
    save_tensors(path, tensors, {**about, "checksum": _checksum(about, tensors)})


def load_state(
    path: str | os.PathLike | None, kind: str, marks: str, like: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The state that fits, on the CPU; None if there is none, or one of other settings or data.

    Args:
        path: of the file; None for no file.
        kind, marks: as they were given to `save_state`.
        like: a state of such a training: its entries are needed, of these types.

    Raises:
        CheckpointError: the file is damaged, or of another kind.
    """
    if path is None or not Path(path).exists():
        return None
    try:
        tensors, metadata = load_tensors(path)
        checksum = metadata.pop("checksum")
        if checksum != _checksum(metadata, tensors):
            raise ValueError("its checksum differs")
        foreign = metadata["kind"] != kind
        state = _restored(json.loads(metadata["values"]), tensors)
        lacking = [name for name, own in like.items() if not _alike(state.get(name), own)]
    except (CheckpointError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint; remove it") from error
    if foreign:
        raise CheckpointError(f"{path} is a checkpoint of something else; name another file")
    if metadata["fingerprint"] != marks:
        return None
    if lacking:
        raise CheckpointError(f"{path} is damaged, it lacks {', '.join(lacking)}; remove it")
    return state


def is_state(path: Path) -> bool:
    """Whether a file is a whole safetensors file with the marks of a training's state."""
    try:
        return path.is_file() and {"kind", "fingerprint"} <= load_tensors(path)[1].keys()
    except CheckpointError:
        return False


def own_state(
    path: str | os.PathLike | None, kind: str, marks: str, like: Mapping[str, Any]
) -> dict[str, Any] | None:
    """As `load_state`, for a training that would write over one of other settings.

    Raises:
        CheckpointError: see `load_state`.
        InputError: the file is of a training with other settings or data.
    """
    state = load_state(path, kind, marks, like)
    if state is None and path is not None and Path(path).exists():
        raise InputError(
            f"{path} is of a training with other settings or data; choose another --out, or remove "
            "it to begin again"
        )
    return state


def parts_state(parts: Mapping[str, Any]) -> dict[str, Any]:
    """State dicts of networks and optimisers, by name."""
    return {name: part.state_dict() for name, part in parts.items()}


def restore_parts(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Gives networks and optimisers the state of `parts_state`."""
    for name, part in parts.items():
        part.load_state_dict(state[name])


def _alike(value: Any, own: Any) -> bool:
    kinds = Mapping if isinstance(own, Mapping) else type(own)
    return isinstance(value, int | float if kinds is float else kinds)


def _checksum(about: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()


def _plain(value: Any, name: str, tensors: dict[str, Tensor], memories: set[int]) -> Any:
    """The value as JSON can hold it; its tensors are added to `tensors`, each in its own memory."""
    if isinstance(value, Tensor):
        channels_last = value.ndim == 4 and not value.is_contiguous()
        own = value.detach().cpu().contiguous()
        if own.untyped_storage().data_ptr() in memories:
            own = own.clone()
        memories.add(own.untyped_storage().data_ptr())
        tensors[name] = own
        return {_TENSOR: name, _CHANNELS_LAST: channels_last}
    if isinstance(value, Mapping):
        items = value.items()
        return {_ITEMS: [[k, _plain(x, f"{name}/{k}", tensors, memories)] for k, x in items]}
    if isinstance(value, list | tuple):
        kind = _TUPLE if isinstance(value, tuple) else _LIST
        rows = enumerate(value)
        return {kind: [_plain(x, f"{name}/{index}", tensors, memories) for index, x in rows]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} is no value of a training's state")


def _restored(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        tensor = tensors[value[_TENSOR]]
        form = torch.channels_last if value[_CHANNELS_LAST] else torch.contiguous_format
        # Copied to PyTorch's own memory: elsewhere, products may round otherwise.
        return torch.empty_like(tensor, memory_format=form).copy_(tensor)
    if _ITEMS in value:
        return {key: _restored(x, tensors) for key, x in value[_ITEMS]}
    kind = tuple if _TUPLE in value else list
    return kind(_restored(x, tensors) for x in value[_TUPLE if kind is tuple else _LIST])
