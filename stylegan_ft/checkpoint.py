"""Generators as files: our safetensors with the sizes in the metadata, and genforce's `.pth`.

The keys of the weights are genforce's in both, and the sizes can be told from the weights alone, so
a checkpoint with the original's keys loads as it is. Nothing in a file is ever executed.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from property_cnn.errors import CheckpointError
from property_cnn.files import load_tensors, save_tensors
from stylegan_ft.networks import GeneratorConfig, GeneratorNetwork, infer_config

CONFIG_KEY = "config"
"""Metadata entry with the generator's settings as JSON."""

ENTRIES = ("generator_smooth", "average", "generator", "network")
"""Entries of a `.pth` that may hold the weights: the averaged ones first."""


def save_generator(
    path: str | os.PathLike,
    network: GeneratorNetwork,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes a safetensors file, atomically.

    Args:
        metadata: further text to keep in the file.
        dtype: of the weights in the file; a tensor that overflows in it stays as it is.
    """
    tensors = {}
    for name, tensor in network.state_dict().items():
        stored = tensor.to(dtype)
        tensors[name] = stored if stored.isfinite().all() else tensor
    config = json.dumps(dataclasses.asdict(network.config))
    save_tensors(path, tensors, {**(metadata or {}), CONFIG_KEY: config})


def load_network(path: str | os.PathLike) -> tuple[GeneratorNetwork, dict[str, str]]:
    """The network (float32, on the CPU, in evaluation mode) and the metadata of a checkpoint.

    Args:
        path: a `.safetensors`, or a `.pth` or `.pt` with a state dict, or a dictionary that has
            one under `generator_smooth`, `average`, `generator` or `network`.

    Raises:
        CheckpointError: it is missing, damaged, or no generator of this kind.
    """
    path = Path(path)
    metadata: dict[str, str] = {}
    if path.suffix in (".pth", ".pt"):
        state = _load_torch(path)
    else:
        state, metadata = load_tensors(path)
    config = _read_config(path, metadata) if CONFIG_KEY in metadata else None
    return network_from_state(state, config, source=str(path)), metadata


def network_from_state(
    state: Mapping[str, Tensor], config: GeneratorConfig | None = None, source: str = "the weights"
) -> GeneratorNetwork:
    """A network in evaluation mode with the weights of a state dict.

    Args:
        config: its sizes; told from the weights if not given.
        source: what errors call the weights.

    Raises:
        CheckpointError: names or shapes are not those of a generator.
    """
    if config is None:
        try:
            config = infer_config(state)
        except (KeyError, IndexError, ValueError) as error:
            raise CheckpointError(
                f"{source}: not a StyleGAN generator with genforce's names of weights ({error})"
            ) from error
    network = GeneratorNetwork(config)
    wanted = network.state_dict()
    _compare(wanted, state, source)
    network.load_state_dict({name: state[name].to(wanted[name].dtype) for name in wanted})
    return network.eval().requires_grad_(False)


def _compare(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], source: str) -> None:
    faults = [f"lacks {name}" for name in wanted if name not in given]
    faults += [f"has a foreign {name}" for name in given if name not in wanted]
    for name, tensor in wanted.items():
        if name in given and given[name].shape != tensor.shape:
            shapes = f"{tuple(given[name].shape)}, not {tuple(tensor.shape)}"
            faults.append(f"has {name} of shape {shapes}")
    if faults:
        more = f" and {len(faults) - 4} more" if len(faults) > 4 else ""
        raise CheckpointError(
            f"{source} is no generator of this kind: {', '.join(faults[:4])}{more}"
        )


def _read_config(path: Path, metadata: Mapping[str, str]) -> GeneratorConfig:
    try:
        return GeneratorConfig(**json.loads(metadata[CONFIG_KEY]))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: its metadata are not a generator's ({error})") from error


def _load_torch(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of a generator's checkpoint")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise CheckpointError(
            f"{path} is damaged, or holds more than weights ({str(error)[:80]})"
        ) from error
    if isinstance(state, dict):
        state = state.get("models", state)
    for entry in ENTRIES:
        if isinstance(state, dict) and isinstance(state.get(entry), dict):
            state = state[entry]
            break
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(
            f"{path} holds no state dict under {', '.join(ENTRIES)}, or by itself"
        )
    return dict(state)
