"""Our StyleGAN 1 and its discriminator as files.

The keys of the weights are genforce's, and the generator's sizes follow from the weights
alone, so a checkpoint with the original's keys loads as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.common.networks import in_dtype
from stylegan_ft.architectures.build import build, filled
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.ours import CONFIG_KEY, settings_text

SHIPPED_DISCRIMINATOR = Path(__file__).parents[1] / "weights" / "discriminator.safetensors"
"""The one that the shipped generator was trained against."""

_DISCRIMINATOR = "discriminator"  # entry of the metadata with its arguments


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
    network = build(checkpoint.config, checkpoint.state, source=str(path), move=True)
    return network, dict(checkpoint.metadata)


def save_discriminator(
    path: str | os.PathLike,
    network: Discriminator,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes the weights and the sizes of a discriminator; see `save_generator`."""
    tensors = in_dtype(network.state_dict(), dtype)
    config = json.dumps(network.config)
    save_tensors(path, tensors, {**(metadata or {}), _DISCRIMINATOR: config})


def load_discriminator(path: str | os.PathLike | None = None) -> Discriminator:
    """The discriminator (float32, on the CPU, for training) of a file; None for the shipped one.

    Raises:
        CheckpointError: the file is missing, damaged or holds something else.
    """
    path = SHIPPED_DISCRIMINATOR if path is None else path
    tensors, metadata = load_tensors(path)
    try:
        config = json.loads(metadata[_DISCRIMINATOR])
        network = filled(lambda: Discriminator(**config), tensors, str(path), move=True)
    except (KeyError, TypeError, ValueError, RuntimeError, CheckpointError) as error:
        raise CheckpointError(
            f"{path} is no discriminator of ours ({error}); give a file that fine-tuning or "
            "`make models` wrote"
        ) from error
    return network.train().requires_grad_(True)
