"""Rosinality's checkpoints: the converted network gives what their own forward pass gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.build import build
from stylegan_ft.formats.rosinality import convert_rosinality, is_rosinality
from stylegan_ft.generator import StyleGANGenerator

CHANNELS, W_DIM, LAYERS = (6, 5, 4), 7, 3


def checkpoint(seed: int = 0, taps: Sequence[float] = (1, 3, 3, 1)) -> dict[str, Tensor]:
    """A `g_ema` for 16 × 16 images of random weights, of a generator with that `blur_kernel`."""
    rng = torch.Generator().manual_seed(seed)
    line, usual = torch.tensor(taps) / sum(taps), torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    state = {"input.input": (1, CHANNELS[0], 4, 4)}
    for k in range(1, LAYERS + 1):
        state |= {f"style.{k}.weight": (W_DIM, W_DIM), f"style.{k}.bias": (W_DIM,)}

    def conv(name, inputs, outputs, side):
        return {
            f"{name}.conv.weight": (1, outputs, inputs, side, side),
            f"{name}.conv.modulation.weight": (inputs, W_DIM),
            f"{name}.conv.modulation.bias": (inputs,),
        }

    def layer(name, inputs, outputs):
        return conv(name, inputs, outputs, 3) | {
            f"{name}.noise.weight": (1,),
            f"{name}.activate.bias": (outputs,),
        }

    def to_rgb(name, inputs):
        return conv(name, inputs, 3, 1) | {f"{name}.bias": (1, 3, 1, 1)}

    state |= layer("conv1", CHANNELS[0], CHANNELS[0]) | to_rgb("to_rgb1", CHANNELS[0])
    for j, (inputs, outputs) in enumerate(itertools.pairwise(CHANNELS)):
        state |= layer(f"convs.{2 * j}", inputs, outputs)
        state |= layer(f"convs.{2 * j + 1}", outputs, outputs)
        state |= to_rgb(f"to_rgbs.{j}", outputs)
    for i, side in enumerate((4, 8, 8, 16, 16)):
        state[f"noises.noise_{i}"] = (1, 1, side, side)
    state = {
        name: torch.randn(shape, generator=rng)
        * (100 if name.startswith("style") and len(shape) == 2 else 1)
        for name, shape in state.items()
    }
    for j in range(len(CHANNELS) - 1):
        state[f"convs.{2 * j}.conv.blur.kernel"] = torch.outer(line, line) * 4
        state[f"to_rgbs.{j}.upsample.kernel"] = torch.outer(usual, usual) * 4  # always
    return state


def rosinality(state: dict[str, Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """w and images by rosinality's forward pass with its stored noise, in float64."""
    state = {name: tensor.double() for name, tensor in state.items()}
    w = z.double() * torch.rsqrt(z.double().square().mean(dim=1, keepdim=True) + 1e-8)
    for k in range(1, LAYERS + 1):
        weight = state[f"style.{k}.weight"] * (0.01 / math.sqrt(W_DIM))
        w = F.leaky_relu(w @ weight.T + 0.01 * state[f"style.{k}.bias"], 0.2) * 2**0.5

    def blur(x, kernel, before, after):
        n, c, h, side = x.shape
        x = F.pad(x.reshape(n * c, 1, h, side), (before, after, before, after))
        x = F.conv2d(x, kernel.flip(0, 1)[None, None])
        return x.reshape(n, c, *x.shape[2:])

    def modulated(x, name, demodulate, up=False):
        weight = state[f"{name}.conv.weight"]
        style = w @ state[f"{name}.conv.modulation.weight"].T / math.sqrt(W_DIM)
        style = style + state[f"{name}.conv.modulation.bias"]
        weight = weight / math.sqrt(weight[0, 0].numel()) * style[:, None, :, None, None]
        if demodulate:
            norm = torch.rsqrt(weight.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8)
            weight = weight * norm
        rows = zip(x.split(1), weight, strict=True)
        if not up:
            return torch.cat([F.conv2d(row, k, padding=k.shape[-1] // 2) for row, k in rows])
        x = torch.cat([F.conv_transpose2d(row, k.transpose(0, 1), stride=2) for row, k in rows])
        kernel = state[f"{name}.conv.blur.kernel"]
        spare = len(kernel) - 4
        return blur(x, kernel, (spare + 1) // 2 + 1, spare // 2 + 1)

    def styled(x, name, i, up=False):
        x = modulated(x, name, True, up)
        x = x + state[f"{name}.noise.weight"] * state[f"noises.noise_{i}"]
        return F.leaky_relu(x + state[f"{name}.activate.bias"][None, :, None, None], 0.2) * 2**0.5

    x = styled(state["input.input"].expand(len(z), -1, -1, -1), "conv1", 0)
    image = modulated(x, "to_rgb1", False) + state["to_rgb1.bias"]
    for j in range(len(CHANNELS) - 1):
        x = styled(x, f"convs.{2 * j}", 2 * j + 1, up=True)
        x = styled(x, f"convs.{2 * j + 1}", 2 * j + 2)
        n, c, h, side = image.shape
        zeros = image.new_zeros(n, c, 2 * h, 2 * side)
        zeros[:, :, ::2, ::2] = image
        image = blur(zeros, state[f"to_rgbs.{j}.upsample.kernel"], 2, 1)
        image = image + modulated(x, f"to_rgbs.{j}", False) + state[f"to_rgbs.{j}.bias"]
    return w, image


def some_latents(n: int = 4) -> Tensor:
    return torch.randn(n, W_DIM, generator=torch.Generator().manual_seed(8))


def test_the_converted_network_gives_rosinalitys_images():
    state, average = checkpoint(), torch.linspace(-1, 1, W_DIM)
    generator = StyleGANGenerator(build(*convert_rosinality(state, average)))
    z = some_latents()
    w, images = rosinality(state, z)
    latents = generator.map(z)
    torch.testing.assert_close(latents["w"].double(), w, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        generator.synthesize(latents["w"]).double(), images, rtol=1e-4, atol=1e-4
    )
    assert torch.equal(generator.network.mapping.w_avg, average)


@pytest.mark.parametrize("taps", [(1,), (1, 2, 1), (1, 4, 6, 4, 1), (1, 1), (1, 2, 4)])
def test_filters_of_other_taps_are_told_by_their_kernels(taps):
    state = checkpoint(taps=taps)
    config, converted = convert_rosinality(state)
    assert config.resample_filter == pytest.approx([tap / sum(taps) for tap in taps])
    assert config.image_filter == pytest.approx([0.125, 0.375, 0.375, 0.125])
    generator = StyleGANGenerator(build(config, converted))
    z = some_latents()
    _, images = rosinality(state, z)
    for layer in ("z", "w", "w+", "s"):
        offered = generator.with_layer(layer)
        got = offered.synthesize(offered.map(z)[layer], layer).double()
        torch.testing.assert_close(got, images, rtol=1e-4, atol=1e-4)


def test_rows_of_a_mean_w_for_each_layer_are_one():
    average = torch.linspace(-1, 1, W_DIM)
    _, state = convert_rosinality(checkpoint(), average.repeat(6, 1))
    torch.testing.assert_close(state["mapping.w_avg"], average)


def test_settings_are_told_from_the_weights():
    config, _ = convert_rosinality(checkpoint())
    assert (config.img_resolution, config.channels) == (16, CHANNELS)
    assert (config.z_dim, config.w_dim, config.mapping_layers) == (W_DIM, W_DIM, LAYERS)
    assert config.resample_filter == (0.125, 0.375, 0.375, 0.125)
    assert config.conv_clamp is None


def test_a_checkpoint_without_noise_and_filters_has_none():
    state = checkpoint()
    bare = {k: v for k, v in state.items() if not k.startswith("noises") and "kernel" not in k}
    generator = StyleGANGenerator(build(*convert_rosinality(bare)))
    without = {k: v * 0 if k.startswith("noises") else v for k, v in state.items()}
    z = some_latents()
    _, images = rosinality(without, z)
    got = generator.synthesize(z, "z").double()
    torch.testing.assert_close(got, images, rtol=1e-4, atol=1e-4)


def test_the_mean_w_may_have_an_axis_of_rows():
    _, state = convert_rosinality(checkpoint(), torch.ones(1, W_DIM))
    assert state["mapping.w_avg"].shape == (W_DIM,)


def test_names_tell_the_format():
    state = checkpoint()
    assert is_rosinality(state)
    assert not is_rosinality(convert_rosinality(state)[1])
    assert not is_rosinality({})


def without(name: str) -> dict[str, Tensor]:
    state = checkpoint()
    del state[name]
    return state


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (without("style.1.weight"), "lacks style.1.weight"),
        (without("convs.2.conv.modulation.bias"), "lacks convs.2.conv.modulation.bias"),
        (checkpoint() | {"iwt.ll": torch.zeros(2)}, "foreign iwt.ll"),
        (checkpoint() | {"input.input": torch.zeros(2, 6, 4, 4)}, "should have 3 axes"),
        (checkpoint() | {"conv1.noise.weight": torch.zeros(6)}, "should have 0 axes"),
        (
            checkpoint() | {"to_rgbs.0.upsample.kernel": torch.ones(4, 4)},
            "filters are not all the same line",
        ),
        (checkpoint() | {"input.input": torch.zeros(1, 0, 4, 4)}, "channels"),
    ],
)
def test_other_layouts_are_refused(state, text):
    with pytest.raises(CheckpointError, match=f"model.pt: .*{text}"):
        convert_rosinality(state, source="model.pt")


def test_other_shapes_are_refused_when_the_network_is_built():
    state = checkpoint() | {"input.input": torch.zeros(1, 6, 16, 16)}
    with pytest.raises(CheckpointError, match=r"b4.const of shape \(6, 16, 16\)"):
        build(*convert_rosinality(state))
