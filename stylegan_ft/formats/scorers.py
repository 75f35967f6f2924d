"""Property CNNs in files of any format that is read."""

from __future__ import annotations

import os

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.network.scorer import Scorer, network_of
from stylegan_ft.formats.load import read_checkpoint


def load_any_scorer(path: str | os.PathLike, device: str | torch.device | None = None) -> Scorer:
    """The scorer in a file of ours, or in one of torch.save with the reference's property CNN.

    Args:
        path: see `stylegan_ft.formats.load.read_checkpoint`.
        device: where to score; None takes a GPU where there is one.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture != "property_cnn":
        raise CheckpointError(f"{path} is a {checkpoint.architecture}; a property CNN is needed")
    return Scorer(network_of(checkpoint.state, checkpoint.config, source=str(path)), device)
