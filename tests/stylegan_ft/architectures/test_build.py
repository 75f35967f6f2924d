"""Networks from settings and weights; what is missing, foreign or misshapen is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.build import (
    W_AVG_STEPS,
    build,
    check_state,
    config_from_dict,
    config_to_dict,
    fill,
)
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.formats.checkpoint import save_generator
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import generator_of, load_generator
from tests.hostile.judging import peak, reset_peak
from tests.stylegan_ft.foreign_files import STYLEGAN1, STYLEGAN2, random_network
from tests.stylegan_ft.formats.test_files import KINDS, images_of, write
from tests.stylegan_ft.stylegan2_by_hand import (
    latents,
    mapping_by_hand,
    random_stylegan2,
    randomize,
    tiny,
)

THIRD = StyleGAN3Config(
    img_resolution=16, z_dim=6, w_dim=8, channel_base=64, channel_max=6, num_layers=4
)


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return random_stylegan2().state_dict()


@pytest.mark.parametrize("config", [tiny("resnet", c_dim=2), tiny("orig"), THIRD])
def test_a_state_comes_back_to_the_bit(config):
    if isinstance(config, StyleGAN3Config):
        network = randomize(StyleGAN3(config))
    else:
        network = random_stylegan2(config.architecture, c_dim=config.c_dim)
    built = build(config, network.state_dict())
    assert type(built) is type(network)
    assert not built.training
    assert not any(parameter.requires_grad for parameter in built.parameters())
    for name, tensor in network.state_dict().items():
        assert torch.equal(built.state_dict()[name], tensor), name


def test_filters_are_computed_where_a_file_lacks_them(state):
    stripped = {name: t for name, t in state.items() if not name.endswith("resample_filter")}
    assert len(stripped) == len(state) - 8
    built = build(tiny(), stripped)
    assert torch.equal(built.state_dict()["synthesis.b8.conv0.resample_filter"],
                       state["synthesis.b8.conv0.resample_filter"])  # fmt: skip


def test_half_precision_becomes_single(state):
    built = build(tiny(), {name: tensor.half() for name, tensor in state.items()})
    assert {tensor.dtype for tensor in built.state_dict().values()} == {torch.float32}


def test_without_a_mean_w_the_mean_over_latents_takes_its_place(state):
    del state["mapping.w_avg"]
    average = build(tiny(), state).mapping.w_avg
    assert torch.equal(build(tiny(), state).mapping.w_avg, average)
    z, _ = latents(tiny(), 20000, seed=9)
    expected = mapping_by_hand(state, z)[-1]
    error = expected.std(dim=0) / 4096**0.5
    assert ((average - expected.mean(dim=0)).abs() < 5 * error).all()
    # on steps so wide that another processor's rounding reaches none: files have the same bytes
    assert torch.equal(average * W_AVG_STEPS, (average * W_AVG_STEPS).round())
    assert average.std() > 0


def test_a_labelled_network_needs_its_mean_w():
    state = random_stylegan2(c_dim=2).state_dict()
    del state["mapping.w_avg"]
    with pytest.raises(CheckpointError, match=r"lacks mapping.w_avg"):
        build(tiny(c_dim=2), state)


def test_faults_are_named_and_the_rest_counted(state):
    needed = len(state) - 8 - 1  # all but the filters and the mean w
    del state["synthesis.b8.conv0.noise_const"]
    state["synthesis.b8.skip.weight"] = torch.zeros(1)
    state["synthesis.b4.const"] = torch.zeros(6, 4, 5)
    state["mapping.fc0.bias"] = torch.zeros(7, dtype=torch.int64)
    with pytest.raises(CheckpointError) as caught:
        build(tiny(), state, source="model.pkl")
    text = str(caught.value)
    assert text.startswith("model.pkl: not the weights of its settings, it lacks synthesis.b8")
    assert "lacks synthesis.b8.conv0.noise_const" in text
    assert "has a foreign synthesis.b8.skip.weight" in text
    assert "has synthesis.b4.const of shape (6, 4, 5), not (6, 4, 4)" in text
    assert "has mapping.fc0.bias in torch.int64" in text
    with pytest.raises(CheckpointError, match=f"and {needed - 4} more"):
        build(tiny(), {})


def test_settings_that_ask_for_too_much_take_no_memory(state):
    huge = tiny(channels=(60000, 60000, 60000))  # 388 GB of weights
    with pytest.raises(CheckpointError, match="more"):
        build(huge, state)


@pytest.mark.parametrize("config", [tiny("orig", conv_clamp=3.0, c_dim=2), THIRD, STYLEGAN1])
def test_settings_come_back_from_json(config):
    given = config_to_dict(config)
    assert config_from_dict(json.loads(json.dumps(given))) == config


@pytest.mark.parametrize(
    "given",
    [
        {"depth": 3},
        [],
        {"architecture": "stylegan4", "settings": {}},
        {"architecture": [], "settings": {}},
        {"architecture": "stylegan2", "settings": {}},
        {"architecture": "stylegan2", "settings": [1]},
        {"architecture": "stylegan2", "settings": {"img_resolution": 16, "channels": [1]}},
        {"architecture": "stylegan2", "settings": {"img_resolution": 16, "depth": 3}},
    ],
)
def test_settings_of_something_else_are_refused(given):
    with pytest.raises(CheckpointError, match="not a generator's settings"):
        config_from_dict(given)


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
    network = build(STYLEGAN1, state, move=True)
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
    config = GeneratorConfig(resolution=8, channels=(8, 8), hidden_dim=1024, wide_dim=8192)
    size = 4 * sum(tensor.numel() for tensor in bare(config).state_dict().values())
    path = tmp_path / "file"
    if layout == "safetensors":
        save_generator(path, GeneratorNetwork(config), dtype=dtype)
    else:
        torch.save(GeneratorNetwork(config).to(dtype).state_dict(), path)
    load_generator(None, "cpu")  # what is imported late is then there
    before = reset_peak()
    generator = load_generator(path, "cpu")
    taken = peak() - before
    assert generator.layers["mapping_split1"] == 9216
    assert size > 2**26
    assert taken < 1.7 * size
