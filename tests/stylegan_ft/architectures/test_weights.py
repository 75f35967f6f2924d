"""Weights put into networks without numbers: copied or moved, and never held twice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stylegan_ft.architectures.stylegan1.network import GeneratorConfig, GeneratorNetwork
from stylegan_ft.architectures.weights import check_state, fill
from stylegan_ft.formats.checkpoint import network_from_state, save_generator
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import generator_of, load_generator
from tests.stylegan_ft.foreign_files import STYLEGAN1, STYLEGAN2, random_network
from tests.stylegan_ft.formats.test_files import KINDS, images_of, write


def bare(config: GeneratorConfig) -> GeneratorNetwork:
    with torch.device("meta"):
        return GeneratorNetwork(config)


def test_a_network_is_filled_with_copies_in_its_own_types():
    state = random_network(STYLEGAN1).half().state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    network = bare(STYLEGAN1)
    check_state(network, state)
    fill(network, state)
    assert {parameter.requires_grad for parameter in network.parameters()} == {False}
    assert not network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name].float()), name
        tensor.zero_()
    assert all(torch.equal(state[name], before[name]) for name in before)


def test_moved_weights_are_the_same_memory_and_leave_the_state():
    state = random_network(STYLEGAN1).state_dict()
    places = {name: tensor.data_ptr() for name, tensor in state.items()}
    network = network_from_state(state, STYLEGAN1, move=True)
    assert state == {}
    assert {name: t.data_ptr() for name, t in network.state_dict().items()} == places


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_moves_into_its_generator(tmp_path, kind):
    write(kind, tmp_path / "file")
    checkpoint = read_checkpoint(tmp_path / "file")
    generator = generator_of(checkpoint, "it")
    assert checkpoint.state == {}
    assert not any(tensor.is_meta for tensor in generator.network.state_dict().values())
    assert torch.equal(images_of(generator), images_of(load_generator(tmp_path / "file", "cpu")))


def test_what_the_state_lacks_stays_as_it_is():
    network = random_network(STYLEGAN2)
    expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fill(network, {"mapping.w_avg": torch.ones(6)})
    assert network.mapping.w_avg.eq(1).all()
    for name, tensor in network.state_dict().items():
        assert name == "mapping.w_avg" or torch.equal(tensor, expected[name])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is told by Linux")
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("layout", ["safetensors", "torch.save"])
def test_loading_takes_less_than_two_networks_of_memory(tmp_path, dtype, layout):
    benchmark = pytest.importorskip("examples.benchmark_fuzz")
    config = GeneratorConfig(resolution=8, channels=(8, 8), hidden_dim=1024, wide_dim=8192)
    size = 4 * sum(tensor.numel() for tensor in bare(config).state_dict().values())
    path = tmp_path / "file"
    if layout == "safetensors":
        save_generator(path, GeneratorNetwork(config), dtype=dtype)
    else:
        torch.save(GeneratorNetwork(config).to(dtype).state_dict(), path)
    load_generator(None, "cpu")  # what is imported late is then there
    before = benchmark.reset_peak()
    generator = load_generator(path, "cpu")
    taken = benchmark.peak() - before
    assert generator.layers["mapping_split1"] == 9216
    assert size > 2**26
    assert taken < 1.7 * size
