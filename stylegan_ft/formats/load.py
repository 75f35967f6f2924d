"""Any file of a generator to its weights and settings, with nothing in it executed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import file_digest
from stylegan_ft.formats.detect import detect, map_file
from stylegan_ft.formats.official import find_network, read_network
from stylegan_ft.formats.ours import read_safetensors
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.formats.torch_files import read_state_dict
from stylegan_ft.pickles.saved import read_pickle, read_torch


def read_checkpoint(path: str | os.PathLike, payload: bool = True) -> Checkpoint:
    """The network in a file, whatever the file's name: its content tells the format.

    Read are NVlabs' pickles of StyleGAN2-ADA and StyleGAN3; files of torch.save with a state dict
    of rosinality's StyleGAN2, genforce's StyleGAN 1, NVlabs' StyleGAN2 or the reference's property
    CNN, by itself or under one of the usual entries; and our safetensors.

    Args:
        payload: False reads no large tensors, for a description: they are on the "meta" device.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or names what no file of
            weights needs.
    """
    path = Path(path)
    data = map_file(path)
    try:
        layout = detect(data)
        if layout == "safetensors":
            checkpoint = read_safetensors(path, data, payload)
        else:
            saved = read_torch(data) if layout == "torch" else read_pickle(data)
            network = find_network(saved)
            if network is not None:
                checkpoint = read_network(network, saved, data, payload)
            else:
                checkpoint = read_state_dict(saved, data, payload)
        return dataclasses.replace(checkpoint, digest=file_digest(path))
    except (CheckpointError, OSError) as error:
        raise CheckpointError(f"{path}: {error}") from error
