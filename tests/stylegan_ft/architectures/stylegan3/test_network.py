"""StyleGAN3 against its definition and published tables: schedule, networks, names, settings."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan3.network import StyleGAN3, signals
from stylegan_ft.architectures.stylegan3.settings import (
    CONFIG_R,
    StyleGAN3Config,
    config_from_official,
)
from tests.stylegan_ft.stylegan2_by_hand import mapping_by_hand
from tests.stylegan_ft.stylegan3_by_hand import (
    RADIAL,
    images_by_hand,
    random_stylegan3,
    some_ws,
    tiny,
)

PUBLISHED = [
    (
        {"img_resolution": 1024},
        "36_512 36_512 52_512 52_512 84_512 148_512 148_512 276_323 276_203 532_128 1044_81 "
        "1044_51 1044_32 1024_32 1024_3",
    ),
    (
        {"img_resolution": 256, "channel_base": 16384},
        "36_512 36_512 36_512 52_512 52_512 84_512 84_512 148_362 148_256 148_181 276_128 276_91 "
        "276_64 256_64 256_3",
    ),
    (
        {"img_resolution": 512, **CONFIG_R},
        "36_1024 36_1024 52_1024 52_1024 84_1024 84_1024 148_1024 148_967 276_645 276_431 532_287 "
        "532_192 532_128 512_128 512_3",
    ),
    (
        {"img_resolution": 256, **CONFIG_R, "channel_base": 32768},
        "36_1024 36_1024 36_1024 52_1024 52_1024 84_1024 84_1024 148_724 148_512 148_362 276_256 "
        "276_181 276_128 256_128 256_3",
    ),
]
"""Sizes and channels of published networks' layers."""


def large(**settings) -> StyleGAN3:
    """A network without memory for its weights."""
    with torch.device("meta"):
        return StyleGAN3(StyleGAN3Config(**settings))


@pytest.mark.parametrize(("settings", "names"), PUBLISHED)
def test_layers_have_the_published_names(settings, names):
    expected = [f"L{k}_{name}" for k, name in enumerate(names.split())]
    assert list(large(**settings).synthesis) == ["input", *expected]


@pytest.mark.parametrize(
    ("resolution", "parameters", "buffers"), [(1024, 15093151, 5600), (512, 16665594, 5588)]
)
def test_networks_have_the_published_numbers_of_weights(resolution, parameters, buffers):
    network = large(img_resolution=resolution, **CONFIG_R)
    assert sum(weight.numel() for weight in network.parameters()) == parameters
    assert sum(buffer.numel() for buffer in network.buffers()) == buffers


def test_frequencies_of_the_1024_network_are_the_published_ones():
    found = signals(StyleGAN3Config(1024))
    cutoffs = [2, 3.1748, 5.03968, 8, 12.6992, 20.1587, 32, 50.7968, 80.6349, 128, 203.187, 322.54]
    assert [s.cutoff for s in found] == pytest.approx([*cutoffs, 512, 512, 512], rel=1e-5)
    rates = [16, 16, 32, 32, 64, 128, 128, 256, 256, 512, 1024, 1024, 1024, 1024, 1024]
    assert [s.rate for s in found] == rates
    half_widths = [6, 4.8252, 10.9603, 8, 19.3008, 43.8413, 32, 77.2032, 47.3651, 128, 308.813]
    half_widths += [189.46, 118.346, 118.346, 118.346]
    assert [s.half_width for s in found] == pytest.approx(half_widths, rel=1e-5)


def test_names_and_shapes_of_weights_are_nvlabs():
    network = random_stylegan3(c_dim=2, channel_max=7, conv_kernel=3)
    expected = {
        "mapping.embed.weight": (8, 2),
        "mapping.embed.bias": (8,),
        "mapping.fc0.weight": (8, 14),
        "mapping.fc0.bias": (8,),
        "mapping.fc1.weight": (8, 8),
        "mapping.fc1.bias": (8,),
        "mapping.w_avg": (8,),
        "synthesis.input.weight": (7, 7),
        "synthesis.input.affine.weight": (4, 8),
        "synthesis.input.affine.bias": (4,),
        "synthesis.input.transform": (3, 3),
        "synthesis.input.freqs": (7, 2),
        "synthesis.input.phases": (7,),
    }
    layers = [("L0_22_7", 7, 7), ("L1_22_7", 7, 7), ("L2_22_4", 7, 4), ("L3_16_4", 4, 4)]
    for name, inputs, outputs in [*layers, ("L4_16_3", 4, 3)]:
        side = 1 if name == "L4_16_3" else 3
        expected[f"synthesis.{name}.weight"] = (outputs, inputs, side, side)
        expected[f"synthesis.{name}.bias"] = (outputs,)
        expected[f"synthesis.{name}.magnitude_ema"] = ()
        expected[f"synthesis.{name}.affine.weight"] = (inputs, 8)
        expected[f"synthesis.{name}.affine.bias"] = (inputs,)
        if side == 3:
            expected[f"synthesis.{name}.up_filter"] = (12,)
            expected[f"synthesis.{name}.down_filter"] = (12,)
    assert {k: tuple(v.shape) for k, v in network.state_dict().items()} == expected

    radial = random_stylegan3(img_resolution=32, channel_base=128, **RADIAL).state_dict()
    assert radial["synthesis.L0_22_6.down_filter"].shape == (12, 12)
    assert radial["synthesis.L1_38_6.up_filter"].shape == (24,)
    assert radial["synthesis.L2_38_4.down_filter"].shape == (12,)  # critically sampled
    assert radial["synthesis.L2_38_4.weight"].shape == (4, 6, 1, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        RADIAL,
        {"img_resolution": 32, "channel_base": 128, "conv_clamp": 0.6, "num_critical": 1},
        {"conv_clamp": None, "filter_size": 4, "lrelu_upsampling": 4, "output_scale": 1.0},
    ],
)
def test_images_are_the_definitions(settings):
    network = random_stylegan3(**settings)
    turn = torch.tensor([[0.8, -0.6, 0.1], [0.6, 0.8, -0.05], [0.0, 0.0, 1.0]])
    network.synthesis["input"].transform.copy_(turn)
    ws = some_ws(network)
    images = network.images(network.styles(ws))
    resolution = network.config.img_resolution
    assert images.shape == (2, 3, resolution, resolution)
    assert images.dtype == torch.float32
    expected = images_by_hand(network, ws)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(images.numpy(), expected, rtol=0, atol=1e-5 * scale)


def test_gradients_through_a_network_are_the_definitions_slopes():
    network = random_stylegan3(conv_clamp=0.8, **RADIAL)
    rng = torch.Generator().manual_seed(2)
    ws = some_ws(network, 1).double().requires_grad_()
    step = torch.randn(ws.shape, generator=rng, dtype=torch.float64)
    pull = torch.randn(1, 3, 16, 16, generator=rng, dtype=torch.float64)
    images = network.double().images(network.styles(ws))
    (gradient,) = torch.autograd.grad(images, ws, pull.float())
    ends = [images_by_hand(network, ws.detach() + h * step) for h in (1e-6, -1e-6)]
    slope = float(((ends[0] - ends[1]) * pull.numpy()).sum()) / 2e-6
    assert float((gradient * step).sum()) == pytest.approx(slope, rel=1e-4)


def test_every_layer_has_its_own_w():
    network = random_stylegan3()
    assert network.num_ws == 6
    assert network.style_sizes == (4, 6, 6, 6, 4, 4)
    ws = some_ws(network, 3)
    styles = network.styles(ws)
    assert tuple(style.shape for style in styles) == tuple((3, n) for n in network.style_sizes)
    for k in range(6):
        changed = ws.clone()
        changed[:, k] += 1.0
        same = [torch.equal(a, b) for a, b in zip(network.styles(changed), styles, strict=True)]
        assert same == [other != k for other in range(6)]


def test_forward_runs_from_latents_and_labels_to_images():
    network = random_stylegan3(c_dim=2)
    rng = torch.Generator().manual_seed(1)
    z, c = torch.randn(2, 6, generator=rng), torch.randn(2, 2, generator=rng)
    w = mapping_by_hand(network.state_dict(), z, c)[-1]
    expected = images_by_hand(network, w[:, None].expand(-1, 6, -1))
    np.testing.assert_allclose(network(z, c).numpy(), expected, rtol=0, atol=1e-4)
    still = network(z, c, psi=0.0)
    torch.testing.assert_close(still[0], still[1])


def turned(network: StyleGAN3, transform: list[list[float]], ws: Tensor) -> Tensor:
    network.synthesis["input"].transform.copy_(torch.tensor(transform))
    return network.images(network.styles(ws))


STILL = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def movement(**settings) -> tuple[float, float]:
    """Variances, of what a moved input changes, with and without moving the image back."""
    sizes = {"img_resolution": 32, "channel_base": 512, "channel_max": 16, "num_layers": 6}
    network = random_stylegan3(**sizes, margin_size=10, **settings)
    freqs = network.synthesis["input"].freqs
    freqs.mul_(2.0 / freqs.norm(dim=1, keepdim=True).clamp(min=2.0))  # to the first cut-off
    ws = some_ws(network)
    still = turned(network, STILL, ws)
    moved = turned(network, [[1.0, 0.0, -3 / 32], [0.0, 1.0, 1 / 32], [0.0, 0.0, 1.0]], ws)
    scale = still.var(dim=(2, 3)).mean()
    back = (still[:, :, 1:, :-3] - moved[:, :, :-1, 3:]).square().mean() / scale
    return float(back), float((still - moved).square().mean() / scale)


@pytest.mark.parametrize("settings", [{}, RADIAL])
def test_an_image_moves_with_its_input_because_the_nonlinearity_is_filtered(settings):
    back, still = movement(**settings)
    assert back < 1e-7
    assert still > 0.05
    aliased, _ = movement(lrelu_upsampling=1, **settings)
    assert aliased > 1e-4


def test_an_image_of_configuration_r_turns_with_its_input():
    network = random_stylegan3(margin_size=10, **RADIAL)
    ws = some_ws(network)
    still = turned(network, STILL, ws)
    found = turned(network, [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], ws)
    torch.testing.assert_close(found, still.rot90(1, (2, 3)), rtol=0, atol=1e-5)
    assert not torch.allclose(found, still, atol=1e-2)


def test_half_precision_is_near_to_full_and_only_in_the_highest_resolutions():
    network = random_stylegan3(img_resolution=64, channel_base=256, num_fp16_res=1)
    styles = network.styles(some_ws(network))
    full, half = network.images(styles), network.images(styles, half=True)
    assert half.dtype == torch.float32
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, rtol=0, atol=0.02 * float(full.abs().max()))
    never = random_stylegan3(img_resolution=64, channel_base=256, num_fp16_res=0)
    assert torch.equal(never.images(styles, half=True), full)


OFFICIAL = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": 256, "img_channels": 3}


def test_settings_of_an_official_pickle_of_t_are_the_defaults():
    given = {
        **OFFICIAL, "mapping_kwargs": {"num_layers": 2}, "channel_base": 32768,
        "channel_max": 512, "magnitude_ema_beta": 0.9988915792636801,
    }  # fmt: skip
    assert config_from_official(given) == StyleGAN3Config(256)
    assert config_from_official(OFFICIAL) == StyleGAN3Config(256)


def test_settings_of_an_official_pickle_of_r_may_be_nested_or_not():
    changes = {**CONFIG_R, "num_fp16_res": 0, "conv_clamp": None, "magnitude_ema_beta": 0.999}
    expected = StyleGAN3Config(256, num_fp16_res=0, conv_clamp=None, **CONFIG_R)
    flat = config_from_official({**OFFICIAL, "mapping_kwargs": {}, **changes})
    nested = config_from_official({**OFFICIAL, "synthesis_kwargs": changes})
    assert flat == nested == expected


def test_every_setting_of_an_official_pickle_is_read():
    changes = {
        "channel_base": 4096, "channel_max": 64, "num_layers": 9, "num_critical": 3,
        "first_cutoff": 3, "first_stopband": 5.5, "last_stopband_rel": 1.3, "margin_size": 8,
        "output_scale": 0.5, "num_fp16_res": 2, "conv_kernel": 5, "filter_size": 8,
        "lrelu_upsampling": 4, "use_radial_filters": True, "conv_clamp": 100,
    }  # fmt: skip
    mapping = {"num_layers": 3, "lr_multiplier": 0.1, "w_avg_beta": 0.9, "freeze_layers": 1}
    found = config_from_official({**OFFICIAL, "c_dim": 4, "mapping_kwargs": mapping, **changes})
    expected = {**OFFICIAL, "c_dim": 4, **changes, "mapping_layers": 3, "lr_multiplier": 0.1}
    assert dataclasses.asdict(found) == expected


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"z_dim": None}, "z_dim None"),
        ({"img_resolution": "256"}, "img_resolution '256'"),
        ({"up_factor": 2}, "up_factor, which this library does not know"),
        ({"mapping_kwargs": {"rand_embedding": 3}}, "mapping_kwargs have rand_embedding"),
        ({"synthesis_kwargs": {"architecture": "skip"}}, "synthesis_kwargs have architecture"),
        ({"conv_clamp": float("inf")}, "conv_clamp inf"),
        ({"channel_base": 2**40}, "channel_base"),
    ],
)
def test_official_settings_that_make_no_network_are_refused(change, text):
    with pytest.raises(CheckpointError, match=text):
        config_from_official({**OFFICIAL, **change})


def test_missing_official_settings_are_named():
    with pytest.raises(CheckpointError, match="lack img_channels"):
        config_from_official({k: v for k, v in OFFICIAL.items() if k != "img_channels"})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"img_resolution": 24}, "img_resolution 24: it must be a power of two"),
        ({"img_resolution": 2**14}, "16384: it must be a whole number from 8 to 8192"),
        ({"w_dim": 0}, "w_dim 0: it must be a whole number from 1 to"),
        ({"z_dim": True}, "z_dim True"),
        ({"num_layers": 10**6}, "num_layers 1000000"),
        ({"num_layers": 200}, "num_layers 200: it must be a whole number from 2 to 128"),
        ({"num_critical": 4}, "num_critical 4: it must be below num_layers 4"),
        ({"num_critical": 0}, "num_critical 0"),
        ({"channel_base": 8}, "channel_base 8: it must be a whole number from img_resolution, 16"),
        ({"first_cutoff": 9.0}, "first_cutoff 9: it must be from 1 to 8"),
        ({"first_stopband": 0.1}, "first_stopband 0.1"),
        ({"last_stopband_rel": float("nan")}, "last_stopband_rel nan"),
        ({"output_scale": 0}, "output_scale 0"),
        ({"conv_clamp": -1}, "conv_clamp -1"),
        ({"lr_multiplier": "a"}, "lr_multiplier 'a'"),
        ({"filter_size": 33}, "filter_size 33: it must be a whole number from 1 to 32"),
    ],
)
def test_settings_that_make_no_network_are_refused(change, text):
    with pytest.raises(InputError, match=text):
        tiny(**change)


def test_settings_are_whole_after_a_way_through_json():
    config = tiny(conv_clamp=None, first_cutoff=3, **RADIAL)
    assert StyleGAN3Config(**json.loads(json.dumps(dataclasses.asdict(config)))) == config
    assert isinstance(config.first_cutoff, float)


@pytest.mark.parametrize("resolution", [8, 64])
def test_settings_at_the_edges_make_networks(resolution):
    for edge in ({"first_cutoff": 1.0, "first_stopband": 1.0}, {"first_stopband": resolution}):
        network = random_stylegan3(img_resolution=resolution, channel_base=64, **edge)
        images = network.images(network.styles(some_ws(network, 1)))
        assert images.shape == (1, 3, resolution, resolution)
        assert torch.isfinite(images).all()
