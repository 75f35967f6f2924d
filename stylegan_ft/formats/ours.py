"""Safetensors: our generators' and scorers', with the settings in the metadata, and plain ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import METADATA, bytes_digest
from property_cnn.network.shipped import KEY as SCORER_KEY
from property_cnn.network.shipped import scorer_metadata
from stylegan_ft.architectures.build import (
    Config,
    architecture_of,
    config_from_dict,
    config_to_dict,
)
from stylegan_ft.formats.families import identify, is_known
from stylegan_ft.formats.genforce.spreads import TELLING
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.tensors import Storage, StoredTensor, read_state
from stylegan_ft.shipped import CONFIG_KEY

ORIGINAL_KEY = "original"
"""Metadata entry of a file whose weights are bit for bit those of another project's: that file's
digest, which names both, and the digest of the weights here as they were written."""

KIND = "vectorfind safetensors"

SCORER_ENTRIES = ("format", "properties", "settings")
"""What `save_scorer` itself writes of a scorer."""

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.uint8,
}
"""Types of the numbers, as safetensors names them."""

MAX_HEADER = 2**20
"""Bytes of the largest header, which lists the tensors; a generator's has some 20 KiB."""


def settings_text(config: Config) -> str:
    """A generator's settings as JSON, for `CONFIG_KEY`."""
    return json.dumps(config_to_dict(config))


def read_safetensors(path: Path, data: Data, payload: bool = True) -> Checkpoint:
    """The network in a safetensors file.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it is damaged, or holds another network.
    """
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise CheckpointError("it lists more tensors than any generator has; it is damaged")
    state, metadata, own = _read(path, data, payload)
    metadata |= own
    if SCORER_KEY in metadata:
        card = scorer_metadata("it", metadata)
        texts = {name: str(value) for name, value in card.items() if name not in SCORER_ENTRIES}
        return Checkpoint(KIND, "property_cnn", card.get("settings"), state, texts)
    if CONFIG_KEY not in metadata:
        if own and not is_known(state):
            return Checkpoint(KIND, "other", None, state, metadata)
        return identify(state, "safetensors", metadata=metadata)
    config = _settings(metadata.pop(CONFIG_KEY))
    return Checkpoint(KIND, architecture_of(config), config, state, metadata)


def numbers_of(data: Data) -> memoryview:
    """What follows the header of a safetensors file: the numbers of its tensors."""
    return memoryview(data)[8 + int.from_bytes(data[:8], "little") :]


def original_digest(metadata: Mapping[str, str], data: Data) -> str | None:
    """The digest of the file that this one was converted from, if its weights are still those."""
    digest, _, weights = metadata.get(ORIGINAL_KEY, "").partition(" ")
    return digest if weights and weights == bytes_digest(numbers_of(data)) else None


def _settings(text: str) -> Config:
    try:
        return config_from_dict(json.loads(text))
    except (ValueError, RecursionError, CheckpointError) as error:
        raise CheckpointError(f"its metadata are not a generator's ({error})") from error


def _read(
    path: Path, data: Data, payload: bool
) -> tuple[dict[str, Tensor], dict[str, str], dict[str, str]]:
    """The tensors, the metadata that others wrote, and ours."""
    try:
        with safe_open(path, framework="pt") as file:  # which checks sizes and places
            metadata = dict(file.metadata() or {})
        own = json.loads(metadata.pop(METADATA, "{}"))
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        header.pop("__metadata__", None)
        tensors = {name: _stored(entry, start) for name, entry in header.items()}
        state = read_state(tensors, data, payload)
        if not payload:  # some tell by their numbers what their network is
            state |= read_state({name: tensors[name] for name in TELLING if name in tensors}, data)
        return state, metadata, {name: str(text) for name, text in own.items()}
    except KeyError as error:
        raise CheckpointError(f"it has tensors of type {error}, which no weights are") from error
    except (SafetensorError, OSError, AttributeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"it is no whole safetensors file ({str(error)[:80]}); download or make it again"
        ) from error


def _stored(entry: dict, start: int) -> StoredTensor:
    """The tensor of an entry of the header, whose numbers' places count from `start`."""
    shape = tuple(entry["shape"])
    stride = tuple(math.prod(shape[k:]) for k in range(1, len(shape) + 1))
    first = start + entry["data_offsets"][0]
    return StoredTensor(Storage(DTYPES[entry["dtype"]], first, math.prod(shape)), 0, shape, stride)
