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

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import in_dtype, save_tensors
from stylegan_ft.architectures.stylegan1.network import (
    GeneratorConfig,
    GeneratorNetwork,
    infer_config,
)
from stylegan_ft.architectures.weights import check_state, fill
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.ours import CONFIG_KEY, settings_text

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
    tensors = in_dtype(network.state_dict(), dtype)
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
        raise CheckpointError(f"{path} ({checkpoint.kind}) holds no StyleGAN 1; one is needed")
    network = network_from_state(checkpoint.state, checkpoint.config, source=str(path), move=True)
    return network, dict(checkpoint.metadata)


def network_from_state(
    state: dict[str, Tensor],
    config: GeneratorConfig | None = None,
    source: str = "the weights",
    move: bool = False,
) -> GeneratorNetwork:
    """A network in evaluation mode with the weights of a state dict.

    Args:
        config: its sizes; told from the weights if not given.
        source: what errors call the weights.
        move: take the tensors out of the state, so that none is held twice.

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
        with torch.device("meta"):
            network = GeneratorNetwork(config)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{source}: not a StyleGAN generator with genforce's names of weights ({error})"
        ) from error
    check_state(network, state, source)
    fill(network, state, move)
    return network
