"""Safetensors: our generators' and scorers', with the settings in the metadata, and plain ones."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from property_cnn.errors import CheckpointError, InputError
from property_cnn.files import METADATA
from property_cnn.predict import KEY as SCORER_KEY
from property_cnn.predict import scorer_metadata
from stylegan_ft.architectures.build import Config, config_from_dict, config_to_dict
from stylegan_ft.formats.families import identify, is_known
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.networks import GeneratorConfig
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.tensors import LARGE

CONFIG_KEY = "config"
"""Metadata entry with the generator's settings as JSON."""

KIND = "vectorfind safetensors"

SCORER_ENTRIES = ("format", "properties", "settings")
"""What `save_scorer` itself writes of a scorer."""

MAX_HEADER = 2**20
"""Bytes of the largest header, which lists the tensors; a generator's has some 20 KiB."""


def settings_text(config: GeneratorConfig | Config) -> str:
    """A generator's settings as JSON, for `CONFIG_KEY`."""
    plain = isinstance(config, GeneratorConfig)
    return json.dumps(dataclasses.asdict(config) if plain else config_to_dict(config))


def read_safetensors(path: Path, data: Data, payload: bool = True) -> Checkpoint:
    """The network in a safetensors file.

    Args:
        payload: False leaves large tensors unread; see `stylegan_ft.pickles.tensors`.

    Raises:
        CheckpointError: it is damaged, or holds another network.
    """
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise CheckpointError("it lists more tensors than any generator has; it is damaged")
    state, metadata, own = _read(path, payload)
    metadata |= own
    if SCORER_KEY in metadata:
        card = scorer_metadata("it", metadata)
        kept = {name: str(value) for name, value in card.items() if name not in SCORER_ENTRIES}
        return Checkpoint(KIND, "property_cnn", card.get("settings"), state, kept)
    if CONFIG_KEY not in metadata:
        if own and not is_known(state):
            return Checkpoint(KIND, "other", None, state, metadata)
        return identify(state, "safetensors", metadata=metadata)
    config = _settings(metadata.pop(CONFIG_KEY))
    architecture = "stylegan1"
    if not isinstance(config, GeneratorConfig):
        architecture = config_to_dict(config)["architecture"]
    return Checkpoint(KIND, architecture, config, state, metadata)


def _settings(text: str) -> GeneratorConfig | Config:
    try:
        given = json.loads(text)
        if isinstance(given, dict) and "architecture" in given:
            return config_from_dict(given)
        return GeneratorConfig(**given)
    except (TypeError, ValueError, RecursionError, InputError) as error:
        raise CheckpointError(f"its metadata are not a generator's ({error})") from error


def _read(path: Path, payload: bool) -> tuple[dict[str, Tensor], dict[str, str], dict[str, str]]:
    """The tensors, the metadata that others wrote, and ours."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {}
            for name in file.keys():
                shape = file.get_slice(name).get_shape()
                small = payload or math.prod(shape) <= LARGE // 4
                tensors[name] = file.get_tensor(name) if small else _meta(shape)
            metadata = dict(file.metadata() or {})
        own = json.loads(metadata.pop(METADATA, "{}"))
        return tensors, metadata, {name: str(text) for name, text in own.items()}
    except (SafetensorError, OSError, AttributeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"it is no whole safetensors file ({str(error)[:80]}); download or make it again"
        ) from error


def _meta(shape: list[int]) -> Tensor:
    return torch.empty(shape, device="meta")
