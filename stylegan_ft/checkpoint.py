"""Our StyleGAN 1 as a file, and its network from the weights of any file.

The keys of the weights are genforce's, and the sizes can be told from the weights alone, so a
checkpoint with the original's keys loads as it is. Nothing in a file is ever executed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

import torch
from torch import Tensor

from property_cnn.errors import CheckpointError
from property_cnn.files import save_tensors
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.ours import CONFIG_KEY, settings_text
from stylegan_ft.networks import GeneratorConfig, GeneratorNetwork, infer_config

MAX_LAYERS = 64
"""Layers that no generator's mapping exceeds."""


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
    save_tensors(path, tensors, {**(metadata or {}), CONFIG_KEY: settings_text(network.config)})


def load_network(path: str | os.PathLike) -> tuple[GeneratorNetwork, dict[str, str]]:
    """The network (float32, on the CPU, in evaluation mode) and the metadata of a checkpoint.

    Args:
        path: a file with a StyleGAN 1; see `stylegan_ft.formats.load.read_checkpoint`.

    Raises:
        CheckpointError: it is missing, damaged, or no generator of this kind.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture != "stylegan1":
        raise CheckpointError(f"{path} is a {checkpoint.architecture}; a StyleGAN 1 is needed")
    network = network_from_state(checkpoint.state, checkpoint.config, source=str(path))
    return network, dict(checkpoint.metadata)


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
    try:
        if config is None:
            config = infer_config(state)
        if max(config.mapping_layers, len(config.channels)) > MAX_LAYERS:
            raise ValueError(f"more than {MAX_LAYERS} layers")
        if not math.isfinite(config.lr_mul):
            raise ValueError(f"lr_mul is {config.lr_mul}")
        with torch.device("meta"):  # so that sizes which do not fit the weights allocate nothing
            wanted = GeneratorNetwork(config).state_dict()
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{source}: not a StyleGAN generator with genforce's names of weights ({error})"
        ) from error
    _compare(wanted, state, source)
    network = GeneratorNetwork(config)
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
