"""Networks from settings and weights; what is missing, foreign or misshapen is named."""

from __future__ import annotations

import json

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.build import build, config_from_dict, config_to_dict
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
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


@pytest.mark.parametrize("config", [tiny("orig", conv_clamp=3.0, c_dim=2), THIRD])
def test_settings_come_back_from_json(config):
    given = config_to_dict(config)
    assert given["architecture"] in ("stylegan2", "stylegan3")
    assert config_from_dict(json.loads(json.dumps(given))) == config


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"architecture": "stylegan4", "settings": {}},
        {"architecture": [], "settings": {}},
        {"architecture": "stylegan2", "settings": {}},
        {"architecture": "stylegan2", "settings": [1]},
        {"architecture": "stylegan2", "settings": {"img_resolution": 16, "channels": [1]}},
        {"architecture": "stylegan2", "settings": {"img_resolution": 16, "depth": 3}},
    ],
)
def test_settings_of_something_else_are_refused(given):
    with pytest.raises(CheckpointError, match="not the settings of a StyleGAN2 or 3"):
        config_from_dict(given)


def test_settings_are_told_apart_by_their_architecture():
    assert isinstance(config_from_dict(config_to_dict(tiny())), StyleGAN2Config)
    assert isinstance(config_from_dict(config_to_dict(THIRD)), StyleGAN3Config)
