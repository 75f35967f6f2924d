"""Discriminators as safetensors files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import in_dtype, load_tensors, save_tensors
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator

SHIPPED = Path(__file__).parents[1] / "weights" / "discriminator.safetensors"
"""The one that the shipped generator was trained against."""

_KEY = "discriminator"


def save_discriminator(
    path: str | os.PathLike,
    network: Discriminator,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes the weights and the sizes, atomically.

    Args:
        metadata: further text to keep in the file.
        dtype: of the weights in the file; a tensor that overflows in it stays as it is.
    """
    tensors = in_dtype(network.state_dict(), dtype)
    save_tensors(path, tensors, {**(metadata or {}), _KEY: json.dumps(network.config)})


def load_discriminator(path: str | os.PathLike | None = None) -> Discriminator:
    """The discriminator (float32, on the CPU) of a file; None for the shipped one.

    Raises:
        CheckpointError: the file is missing, damaged or holds something else.
    """
    path = SHIPPED if path is None else path
    tensors, metadata = load_tensors(path)
    try:
        config = json.loads(metadata[_KEY])
        with torch.device("meta"):  # so that sizes which do not fit the weights allocate nothing
            wanted = Discriminator(**config).state_dict()
        if {name: tensor.shape for name, tensor in tensors.items()} != {
            name: tensor.shape for name, tensor in wanted.items()
        }:
            raise ValueError("the weights are of other sizes")
        network = Discriminator(**config)
    except (KeyError, TypeError, ValueError, RuntimeError, InputError) as error:
        raise CheckpointError(
            f"{path} is no discriminator of ours; give a file that fine-tuning or `make models` "
            "wrote"
        ) from error
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return network
