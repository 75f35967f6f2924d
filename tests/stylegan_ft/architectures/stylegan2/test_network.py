"""StyleGAN2 against its definition: modulated convolution, whole networks, names of weights."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures import layered
from stylegan_ft.architectures.filters import setup_filter
from stylegan_ft.architectures.stylegan2.layers import modulated_conv2d
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config, config_from_official
from tests.stylegan_ft.stylegan2_by_hand import (
    TAPS,
    images_by_hand,
    latents,
    modulated,
    random_stylegan2,
    tiny,
)

ARCHITECTURES = ("skip", "resnet", "orig")


def some_ws(network: StyleGAN2, n: int = 3) -> torch.Tensor:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(n, network.num_ws, network.config.w_dim, generator=rng)


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("alone", [False, True])
def test_modulated_convolution_and_its_gradients_are_the_definitions(up, alone, monkeypatch):
    rng = torch.Generator().manual_seed(0)
    rows = 1 if alone else 3
    if alone:
        monkeypatch.setattr(layered, "CHUNK", 1)  # all maps are large
    shapes = ((rows, 4, 6, 6), (5, 4, 3, 3), (rows, 4))
    given = [torch.randn(*s, generator=rng, dtype=torch.float64) for s in shapes]
    ours, theirs = ([t.clone().requires_grad_() for t in given] for _ in range(2))
    out = modulated_conv2d(*ours, kernel=setup_filter(TAPS).double() if up else None)
    x, weight, style = theirs
    expected = modulated(x, weight, style, up)
    assert out.shape[2:] == ((12, 12) if up else (6, 6))
    torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-10)
    pull = torch.randn(out.shape, generator=rng, dtype=torch.float64)
    ours = torch.autograd.grad(out, ours, pull)
    theirs = torch.autograd.grad(expected, theirs, pull)
    for got, wanted in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-8, atol=1e-8)


def test_unit_norm_takes_away_the_scale_of_weights_and_styles():
    rng = torch.Generator().manual_seed(0)
    x, weight, style = (
        torch.randn(*s, generator=rng) for s in ((2, 3, 4, 4), (5, 3, 3, 3), (2, 3))
    )
    out = modulated_conv2d(x, weight, style)
    torch.testing.assert_close(modulated_conv2d(x, 9 * weight, 7 * style), out)
    torch.testing.assert_close(modulated_conv2d(x, weight, style, gain=2.0), 2 * out)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("settings", [{}, {"conv_clamp": 0.7}, {"use_noise": False}])
def test_images_are_the_definitions(architecture, settings):
    network = random_stylegan2(architecture, **settings)
    ws = some_ws(network)
    images = network.images(network.styles(ws))
    assert images.shape == (3, 3, 16, 16)
    expected = images_by_hand(network.config, network.state_dict(), ws)
    torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)


def test_gradients_through_a_network_are_the_definitions():
    network = random_stylegan2("resnet", conv_clamp=100.0)
    ws = some_ws(network)
    ours, theirs = ws.clone().requires_grad_(), ws.double().requires_grad_()
    pull = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    (got,) = torch.autograd.grad(network.images(network.styles(ours)), ours, pull)
    images = images_by_hand(network.config, network.state_dict(), theirs)
    (wanted,) = torch.autograd.grad(images, theirs, pull.double())
    torch.testing.assert_close(got.double(), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_layer_takes_the_w_that_the_original_gives_it(architecture):
    network = random_stylegan2(architecture)
    assert network.num_ws == 6  # five convolutions and the image
    uses = {"skip": [0, 1, 1, 2, 3, 3, 4, 5]}.get(architecture, [0, 1, 2, 3, 4, 5])
    ws = some_ws(network)
    styles = network.styles(ws)
    assert len(styles) == len(uses) == len(network.style_sizes)
    for k, (style, used) in enumerate(zip(styles, uses, strict=True)):
        assert style.shape == (3, network.style_sizes[k])
        changed = ws.clone()
        changed[:, used] += 1.0
        assert not torch.allclose(network.styles(changed)[k], style)
        changed[:, used] -= 1.0
        changed[:, [i for i in range(6) if i != used]] += 1.0
        torch.testing.assert_close(network.styles(changed)[k], style)


def test_names_and_shapes_of_weights_are_nvlabs():
    state = random_stylegan2("skip", c_dim=2, embed_features=9).state_dict()
    expected = {"mapping.embed.weight": (9, 2), "mapping.embed.bias": (9,), "mapping.w_avg": (8,)}
    for k, (inputs, outputs) in enumerate([(15, 7), (7, 7), (7, 8)]):
        expected |= {f"mapping.fc{k}.weight": (outputs, inputs), f"mapping.fc{k}.bias": (outputs,)}
    expected["synthesis.b4.const"] = (6, 4, 4)
    for size, outputs, inputs in ((4, 6, 0), (8, 5, 6), (16, 4, 5)):
        block = f"synthesis.b{size}"
        expected[f"{block}.resample_filter"] = (4, 4)
        for name, source in (("conv0", inputs), ("conv1", outputs), ("torgb", outputs)):
            if not source:
                continue
            layer, side = f"{block}.{name}", 1 if name == "torgb" else 3
            made = 3 if name == "torgb" else outputs
            expected[f"{layer}.affine.weight"] = (source, 8)
            expected[f"{layer}.affine.bias"] = (source,)
            expected[f"{layer}.weight"] = (made, source, side, side)
            expected[f"{layer}.bias"] = (made,)
            if name != "torgb":
                expected[f"{layer}.resample_filter"] = (4, 4)
                expected[f"{layer}.noise_const"] = (size, size)
                expected[f"{layer}.noise_strength"] = ()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected

    resnet = random_stylegan2("resnet").state_dict()
    assert resnet["synthesis.b8.skip.weight"].shape == (5, 6, 1, 1)
    assert "synthesis.b8.skip.resample_filter" in resnet
    assert "synthesis.b8.torgb.weight" not in resnet
    assert "synthesis.b16.torgb.weight" in resnet
    plain = random_stylegan2("orig", use_noise=False).state_dict()
    assert not any("skip" in name or "noise" in name for name in plain)


def test_half_precision_is_near_to_full_and_only_in_the_highest_resolutions():
    network = random_stylegan2(num_fp16_res=1)
    assert [block.half for block in network.synthesis.values()] == [False, False, True]
    styles = network.styles(some_ws(network))
    full, half = network.images(styles), network.images(styles, half=True)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0, atol=0.02 * float(full.abs().max()))
    assert tiny(num_fp16_res=9).half_from == 8


def test_a_style_of_zeros_gives_numbers_in_either_precision():
    network = random_stylegan2(num_fp16_res=2)
    styles = [torch.zeros_like(style) for style in network.styles(some_ws(network))]
    full, half = network.images(styles), network.images(styles, half=True)
    assert torch.isfinite(full).all()
    torch.testing.assert_close(half, full, rtol=0, atol=0.02 * float(full.abs().max()))


def test_forward_runs_from_latents_to_images():
    network = random_stylegan2(c_dim=2)
    z, c = latents(network.config, 2)
    ws = network.mapping(z, c)["w"][:, None].expand(-1, network.num_ws, -1)
    assert torch.equal(network(z, c), network.images(network.styles(ws)))
    still = network(z, c, psi=0.0)
    torch.testing.assert_close(still[0], still[1])


def test_the_smallest_network_has_one_block():
    network = random_stylegan2(img_resolution=4, channels=(5,))
    assert network.num_ws == 2
    ws = some_ws(network)
    expected = images_by_hand(network.config, network.state_dict(), ws)
    images = network.images(network.styles(ws)).double()
    torch.testing.assert_close(images, expected, rtol=1e-4, atol=1e-4)


OFFICIAL = {
    "z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": 64, "img_channels": 3,
}  # fmt: skip


def test_settings_of_an_ada_pickle():
    config = config_from_official(
        {
            **OFFICIAL,
            "mapping_kwargs": {"num_layers": 2, "w_avg_beta": 0.995},
            "synthesis_kwargs": {"channel_base": 8192, "channel_max": 256, "num_fp16_res": 4},
        }
    )
    assert config.channels == (256, 256, 256, 256, 128)
    assert config.mapping_layers == 2
    assert config.conv_clamp is None
    assert (config.architecture, config.num_fp16_res, config.half_from) == ("skip", 4, 8)


def test_settings_of_stylegan3s_stylegan2_have_its_defaults():
    config = config_from_official(
        {**OFFICIAL, "mapping_kwargs": {}, "fused_modconv_default": "inference_only"}
    )
    assert config.channels == (512, 512, 512, 512, 512)
    assert (config.conv_clamp, config.num_fp16_res, config.mapping_layers) == (256.0, 4, 8)
    config = config_from_official({**OFFICIAL, "channel_max": 128, "conv_clamp": None})
    assert (config.channels, config.conv_clamp) == ((128,) * 5, None)


def test_every_setting_of_a_converted_pickle_is_read():
    config = config_from_official(
        {
            **OFFICIAL,
            "c_dim": 3,
            "mapping_kwargs": {
                "num_layers": 4, "embed_features": 5, "layer_features": 6, "activation": "relu",
                "lr_multiplier": 0.1, "w_avg_beta": None,
            },
            "synthesis_kwargs": {
                "channel_base": 1024, "channel_max": 64, "num_fp16_res": 0, "conv_clamp": 9,
                "architecture": "orig", "resample_filter": [1, 2, 1], "use_noise": False,
                "activation": "linear", "fp16_channels_last": True, "kernel_size": 3,
            },
        }
    )  # fmt: skip
    expected = StyleGAN2Config(
        img_resolution=64, channels=(64, 64, 64, 32, 16), c_dim=3, mapping_layers=4,
        embed_features=5, layer_features=6, mapping_activation="relu", lr_multiplier=0.1,
        conv_clamp=9.0, architecture="orig", resample_filter=(1.0, 2.0, 1.0), use_noise=False,
        activation="linear",
    )  # fmt: skip
    assert config == expected


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"z_dim": None}, "z_dim None"),
        ({"img_resolution": 48}, "power of two"),
        ({"img_resolution": "64"}, "img_resolution '64'"),
        ({"magnitude_ema_beta": 0.999}, "magnitude_ema_beta, which this library does not know"),
        ({"mapping_kwargs": {"depth": 3}}, "mapping_kwargs have depth"),
        ({"mapping_kwargs": 3}, "mapping_kwargs are no dictionary"),
        ({"synthesis_kwargs": {"kernel_size": 5}}, "kernel_size"),
        ({"synthesis_kwargs": {"activation": "mish"}}, "activation 'mish'"),
        ({"synthesis_kwargs": {"architecture": "new"}}, "architecture 'new'"),
        ({"synthesis_kwargs": {"resample_filter": "blur"}}, "resample_filter 'blur'"),
        ({"synthesis_kwargs": {"resample_filter": [[1, 2], [2, 4]]}}, "a tap of resample_filter"),
        ({"synthesis_kwargs": {"resample_filter": [1, -1]}}, "1 to 64 taps and a sum"),
        ({"mapping_kwargs": {"freeze_weights": True}}, "mapping_kwargs have freeze_weights"),
        ({"synthesis_kwargs": {"conv_clamp": float("nan")}}, "conv_clamp nan"),
        ({"synthesis_kwargs": {"channel_base": 2**40}}, "channel_base"),
    ],
)
def test_official_settings_that_make_no_network_are_refused(change, text):
    with pytest.raises(CheckpointError, match=text):
        config_from_official({**OFFICIAL, **change})


def test_missing_official_settings_are_named():
    with pytest.raises(CheckpointError, match="lack w_dim"):
        config_from_official({k: v for k, v in OFFICIAL.items() if k != "w_dim"})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"channels": (6, 5)}, "a number of channels for each"),
        ({"channels": (6, 5, 0)}, "whole numbers from 1"),
        ({"w_dim": 0}, "w_dim 0: it must be a whole number from 1 to"),
        ({"w_dim": 2**40}, "w_dim"),
        ({"z_dim": True}, "z_dim True"),
        ({"mapping_layers": 65}, "from 1 to 64"),
        ({"img_resolution": 16384}, "from 4 to 8192"),
        ({"use_noise": 1}, "use_noise 1"),
        ({"activation": ["lrelu"]}, "this library has"),
        ({"lr_multiplier": "a"}, "lr_multiplier 'a'"),
        ({"resample_filter": (1, -1)}, "1 to 64 taps and a sum"),
        ({"mapping_activation": "sin"}, "this library has"),
    ],
)
def test_settings_that_make_no_network_are_refused(change, text):
    with pytest.raises(InputError, match=text):
        tiny(**change)


def test_settings_are_whole_after_a_way_through_json():
    config = tiny("resnet", conv_clamp=256, c_dim=3)
    assert config.embed_features == config.w_dim
    again = json.loads(json.dumps(dataclasses.asdict(config)))
    assert StyleGAN2Config(**again) == config
    assert tiny().embed_features == 0
