"""Checkpoints: what is saved comes back, the original's files load, damaged ones are refused."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import load_tensors, save_tensors
from stylegan_ft.architectures.build import build
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import (
    SHIPPED_DISCRIMINATOR,
    load_discriminator,
    load_network,
    save_discriminator,
    save_generator,
)
from tests.stylegan_ft.tiny_runs import CHANNELS, SIDE

TINY = GeneratorConfig(
    resolution=8, z_dim=6, w_dim=5, label_dim=2, label_embedding=3, channels=(8, 8), hidden_dim=7,
    wide_dim=9,
)  # fmt: skip


@pytest.fixture
def network() -> GeneratorNetwork:
    return GeneratorNetwork(TINY, seed=4).requires_grad_(False)


def same(a: GeneratorNetwork, b: GeneratorNetwork) -> bool:
    states = a.state_dict(), b.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0] | states[1])


def test_full_precision_comes_back_to_the_bit(tmp_path, network):
    save_generator(tmp_path / "g.safetensors", network, {"images": "7"}, dtype=torch.float32)
    loaded, metadata = load_network(tmp_path / "g.safetensors")
    assert same(loaded, network)
    assert loaded.config == TINY
    assert metadata["images"] == "7"
    assert not loaded.training


def test_half_precision_is_stored_and_single_precision_runs(tmp_path, network):
    path = tmp_path / "g.safetensors"
    network.mapping.dense0.weight[0, 0] = 1e5  # above what fp16 holds
    save_generator(path, network)
    stored, _ = load_tensors(path)
    assert stored["synthesis.layer1.weight"].dtype == torch.float16
    assert stored["mapping.dense0.weight"].dtype == torch.float32
    loaded, _ = load_network(path)
    state = loaded.state_dict()
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    expected = network.synthesis.layer1.weight.half().float()
    assert torch.equal(state["synthesis.layer1.weight"], expected)
    assert state["mapping.dense0.weight"][0, 0] == 1e5


def test_the_same_network_gives_the_same_bytes(tmp_path, network):
    for name in ("a", "b"):
        save_generator(tmp_path / name, network)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_settings_that_weights_do_not_tell_are_kept(tmp_path):
    other = GeneratorNetwork(dataclasses.replace(TINY, lr_mul=0.5))
    save_generator(tmp_path / "g.safetensors", other)
    assert load_network(tmp_path / "g.safetensors")[0].config.lr_mul == 0.5


def test_weights_without_metadata_load(tmp_path, network):
    save_tensors(tmp_path / "g.safetensors", network.state_dict())
    loaded, metadata = load_network(tmp_path / "g.safetensors")
    assert same(loaded, network)
    assert metadata == {}


@pytest.mark.parametrize("entry", [None, "generator", "generator_smooth", "models"])
def test_torch_files_load_as_they_are(tmp_path, network, entry):
    state = other = network.state_dict()
    if entry == "generator_smooth":
        other = GeneratorNetwork(TINY, seed=9).state_dict()
        state = {"generator": other, entry: state, "discriminator": {}}
    elif entry == "models":
        state = {"models": {"generator": state}}
    elif entry:
        state = {entry: state}
    torch.save(state, tmp_path / "g.pth")
    loaded, _ = load_network(tmp_path / "g.pth")
    assert same(loaded, network)


@pytest.mark.parametrize("archive", [True, False])
def test_torch_files_of_an_old_protocol_load(tmp_path, network, archive):
    options = {"pickle_protocol": 1, "_use_new_zipfile_serialization": archive}
    torch.save(network.state_dict(), tmp_path / "g.pth", **options)
    assert same(load_network(tmp_path / "g.pth")[0], network)


def test_an_original_with_a_wide_label_and_no_split_loads():
    original = dataclasses.replace(TINY, split=False, label_embedding=6, wide_dim=0)
    state = GeneratorNetwork(original).state_dict()
    assert state["mapping.dense0.weight"].shape == (7, 12)
    assert build(None, state).config == original


@pytest.mark.parametrize("name", ["g.safetensors", "g.pth"])
def test_missing_truncated_and_foreign_files_are_refused(tmp_path, network, name):
    path = tmp_path / name
    with pytest.raises(CheckpointError, match="no file"):
        load_network(path)
    if name == "g.pth":
        torch.save(network.state_dict(), path)
    else:
        save_generator(path, network)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(CheckpointError, match=name):
        load_network(path)
    path.write_bytes(b"not weights at all")
    with pytest.raises(CheckpointError, match=name):
        load_network(path)


def test_weights_of_another_network_are_refused_by_name(tmp_path, network):
    save_tensors(tmp_path / "other.safetensors", {"conv.weight": torch.zeros(3)})
    with pytest.raises(CheckpointError, match="not a StyleGAN generator"):
        load_network(tmp_path / "other.safetensors")
    state = network.state_dict()
    del state["synthesis.layer1.bias"]
    state["extra"] = torch.zeros(1)
    with pytest.raises(CheckpointError, match=r"lacks synthesis\.layer1\.bias.*foreign extra"):
        build(None, state)
    state = network.state_dict() | {"synthesis.layer1.bias": torch.zeros(9)}
    with pytest.raises(CheckpointError, match=r"shape \(9,\), not \(8,\)"):
        build(None, state)


def test_foreign_metadata_and_contents_are_refused(tmp_path, network):
    path = tmp_path / "g.safetensors"
    for config in ("{", '{"depth": 3}', "[]"):
        save_tensors(path, network.state_dict(), {"config": config})
        with pytest.raises(CheckpointError, match="metadata"):
            load_network(path)
    torch.save({"step": 3}, tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match="no state dict"):
        load_network(tmp_path / "g.pt")


class _Executes:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_is_never_executed(tmp_path, capsys):
    (tmp_path / "g.pth").write_bytes(pickle.dumps(_Executes(), protocol=2))
    with pytest.raises(CheckpointError):
        load_network(tmp_path / "g.pth")
    assert "executed" not in capsys.readouterr().out


def test_weights_and_sizes_of_a_discriminator_come_back(tmp_path):
    network = Discriminator(SIDE, CHANNELS, label_dim=3, seed=5, group=2)
    save_discriminator(tmp_path / "d.safetensors", network, dtype=torch.float32)
    again = load_discriminator(tmp_path / "d.safetensors")
    assert again.config == network.config
    state = again.state_dict()
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_files_without_a_discriminator_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"x": torch.zeros(2)}, {})
    with pytest.raises(CheckpointError, match="no discriminator"):
        load_discriminator(path)
    with pytest.raises(CheckpointError):
        load_discriminator(tmp_path / "missing.safetensors")


def test_discriminators_of_other_sizes_are_refused(tmp_path):
    network = Discriminator(SIDE, CHANNELS)
    network.group = 2
    network.channels = (4, 4, 4, 8)
    save_discriminator(tmp_path / "d.safetensors", network)
    with pytest.raises(CheckpointError, match="no discriminator"):
        load_discriminator(tmp_path / "d.safetensors")


def test_the_shipped_discriminator_is_for_the_shipped_generator():
    assert SHIPPED_DISCRIMINATOR.stat().st_size < 16 * 2**20
    assert load_discriminator().resolution == 64
