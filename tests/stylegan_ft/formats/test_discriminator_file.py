"""Discriminators as files."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import save_tensors
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.formats.discriminator_file import SHIPPED, load_discriminator, save_discriminator
from tests.stylegan_ft.tiny_runs import CHANNELS, SIDE


def test_weights_and_sizes_come_back(tmp_path):
    network = Discriminator(SIDE, CHANNELS, label_dim=3, seed=5, group=2)
    save_discriminator(tmp_path / "d.safetensors", network, dtype=torch.float32)
    again = load_discriminator(tmp_path / "d.safetensors")
    assert again.config == network.config
    state = again.state_dict()
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"x": torch.zeros(2)}, {})
    with pytest.raises(CheckpointError, match="no discriminator"):
        load_discriminator(path)
    with pytest.raises(CheckpointError):
        load_discriminator(tmp_path / "missing.safetensors")


def test_weights_of_other_sizes_are_refused(tmp_path):
    network = Discriminator(SIDE, CHANNELS)
    network.group = 2
    network.channels = (4, 4, 4, 8)
    save_discriminator(tmp_path / "d.safetensors", network)
    with pytest.raises(CheckpointError, match="no discriminator"):
        load_discriminator(tmp_path / "d.safetensors")


def test_the_shipped_one_is_for_the_shipped_generator():
    assert SHIPPED.stat().st_size < 16 * 2**20
    assert load_discriminator().resolution == 64
