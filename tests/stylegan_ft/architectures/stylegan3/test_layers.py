"""StyleGAN3's filters and layers against scipy and numpy in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.signal import firwin, freqz
from torch import Tensor

from stylegan_ft.architectures import layered
from stylegan_ft.architectures.stylegan3 import filters as stylegan3_filters
from stylegan_ft.architectures.stylegan3.filters import filtered_leaky_relu, lowpass_filter
from stylegan_ft.architectures.stylegan3.layers import (
    Signal,
    SynthesisInput,
    SynthesisLayer,
    ToRGB,
    modulated_conv,
)
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from tests.stylegan_ft.stylegan3_by_hand import activated, convolved, lowpass, modulated, waves

SHAPES = [(2, 2, 6, 6), (4, 2, 10, 7), (2, 4, 12, 3)]
"""Up, down and the numbers of pixels in and out for each of them."""


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


def doubles(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize(
    ("taps", "cutoff", "half_width", "rate"),
    [
        (12, 2.0, 6.0, 32),
        (24, 3.17, 4.83, 64),
        (12, 512.0, 118.3, 2048),
        (7, 5.0, 1.0, 32),
        (12, 5.0, 0.2, 32),
    ],
)
def test_separable_filters_are_scipys(taps, cutoff, half_width, rate):
    found = lowpass_filter(taps, cutoff, 2 * half_width, rate)
    expected = firwin(taps, cutoff, width=2 * half_width, fs=rate)
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=1e-6, atol=1e-8)
    assert found.dtype == torch.float32


@pytest.mark.parametrize(
    ("taps", "cutoff", "half_width", "rate"), [(12, 2.0, 6.0, 32), (24, 20.2, 43.8, 256)]
)
def test_radial_filters_are_the_windowed_jinc(taps, cutoff, half_width, rate):
    found = lowpass_filter(taps, cutoff, 2 * half_width, rate, radial=True).double().numpy()
    expected = lowpass(taps, cutoff, half_width, rate, radial=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(found, found.T)
    assert abs(found.sum() - 1) < 1e-6


def test_a_radial_filter_with_a_middle_tap_is_finite_and_highest_there():
    kernel = lowpass_filter(13, 4.0, 8.0, 32, radial=True)
    assert kernel.argmax() == 13 * 13 // 2
    assert torch.isfinite(kernel).all()


def test_filters_pass_low_frequencies_and_stop_high_ones():
    line = lowpass_filter(24, 8.0, 16.0, 128).double().numpy()
    rates, answer = freqz(line, fs=128)
    assert abs(abs(answer[0]) - 1) < 1e-6
    assert np.all(abs(answer[rates > 18]) < 0.01)
    assert abs(np.interp(8.0, rates, abs(answer)) - 0.5) < 0.02
    assert lowpass_filter(1, 8.0, 16.0, 128) is None


def nonlinearity(up: int, down: int, size: int, wanted: int, radial: bool) -> tuple:
    """Filters and padding of a step from `size` to `wanted` pixels."""
    up_filter = lowpass_filter(6 * up, 3.0, 6.0, 16 * up).double()
    down_filter = lowpass_filter(6 * down, 4.0, 6.0, 16 * down, radial=radial).double()
    total = (wanted - 1) * down + 1 - size * up + 6 * (up + down) - 2
    before = (total + up) // 2
    return up_filter, down_filter, up, down, (before, total - before)


def square(kernel: Tensor) -> np.ndarray:
    return (torch.outer(kernel, kernel) if kernel.ndim == 1 else kernel).numpy()


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(("up", "down", "size", "wanted"), SHAPES)
def test_the_nonlinearity_is_scipys_between_two_filters(rng, up, down, size, wanted, radial):
    x = doubles(rng, 2, 3, size, size)
    step = nonlinearity(up, down, size, wanted, radial)
    found = filtered_leaky_relu(x, *step, clamp=0.8)
    kernels = square(step[0]), square(step[1])
    planes = x.flatten(0, 1).numpy()
    expected = [activated(plane, *kernels, up, down, wanted, clamp=0.8) for plane in planes]
    assert found.shape == (2, 3, wanted, wanted)
    np.testing.assert_allclose(found.flatten(0, 1).numpy(), expected, rtol=1e-10, atol=1e-12)
    free = filtered_leaky_relu(x, *step)
    assert not torch.allclose(free, found)  # some values are clamped


@pytest.mark.parametrize(("up", "down", "size", "wanted"), SHAPES)
def test_the_nonlinearitys_gradient_is_scipys_slope(rng, up, down, size, wanted):
    x = doubles(rng, 1, 1, size, size).requires_grad_()
    pull, step = doubles(rng, wanted, wanted), doubles(rng, size, size)
    arguments = nonlinearity(up, down, size, wanted, radial=True)
    found = filtered_leaky_relu(x, *arguments, clamp=0.8)
    (gradient,) = torch.autograd.grad(found, x, pull[None, None])

    def by_hand(amount: float) -> float:
        plane = (x.detach()[0, 0] + amount * step).numpy()
        kernels = square(arguments[0]), square(arguments[1])
        return float((activated(plane, *kernels, up, down, wanted, 0.8) * pull.numpy()).sum())

    slope = (by_hand(1e-7) - by_hand(-1e-7)) / 2e-7
    assert math.isclose(float((gradient[0, 0] * step).sum()), slope, rel_tol=1e-5, abs_tol=1e-6)
    assert torch.autograd.gradcheck(lambda x: filtered_leaky_relu(x, *arguments, clamp=0.8), x)


def test_channels_may_be_done_in_pieces(rng, monkeypatch):
    x = doubles(rng, 2, 7, 6, 6)
    step = nonlinearity(2, 2, 6, 6, radial=True)
    whole = filtered_leaky_relu(x, *step)
    monkeypatch.setattr(stylegan3_filters, "CPU_PIECE", 1)
    monkeypatch.setattr(stylegan3_filters, "LEAST_CHANNELS", 2)
    torch.testing.assert_close(filtered_leaky_relu(x, *step), whole, rtol=1e-12, atol=1e-12)


def test_without_resampling_only_the_activation_is_left(rng):
    x = doubles(rng, 1, 2, 4, 4)
    y = filtered_leaky_relu(x, None, None, 1, 1, (0, 0), clamp=1.0)
    expected = torch.where(x > 0, x, 0.2 * x).mul(math.sqrt(2)).clamp(-1, 1)
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("rows", [1, 2])
def test_modulated_convolution_and_its_gradients_are_the_definitions(
    rng, kernel, rows, monkeypatch
):
    monkeypatch.setattr(layered, "CHUNK", 1)  # all maps are large, and a row may be alone
    shapes = ((rows, 3, 3, 4), (4, 3, kernel, kernel), (rows, 3))
    x, weight, style = given = [doubles(rng, *shape).requires_grad_() for shape in shapes]
    gain = torch.tensor(0.7, dtype=torch.float64)
    found = modulated_conv(x, weight, style, gain)
    plain = [t.detach().numpy() for t in given]
    expected = [modulated(row, plain[1], s, 0.7) for row, s in zip(plain[0], plain[2], strict=True)]
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-7, atol=1e-7)
    assert torch.autograd.gradcheck(lambda *given: modulated_conv(*given, gain), given)


def test_demodulation_takes_away_the_scale_of_weights_and_styles(rng):
    x, weight, style = (doubles(rng, *shape) for shape in ((2, 3, 4, 4), (5, 3, 3, 3), (2, 3)))
    one = torch.ones((), dtype=torch.float64)
    y = modulated_conv(x, weight, style, one)
    torch.testing.assert_close(modulated_conv(x, 9e3 * weight, 7e-3 * style, one), y)
    torch.testing.assert_close(modulated_conv(x, weight, style, 2 * one), 2 * y)
    raw = modulated_conv(x, weight, style, one, demodulate=False)
    torch.testing.assert_close(modulated_conv(x, 3 * weight, style, one, demodulate=False), 3 * raw)


def test_the_images_layer_is_linear_and_clamped(rng):
    layer = ToRGB(w_dim=4, channels=5, image_channels=3, clamp=1.5).double().requires_grad_(False)
    x, style = doubles(rng, 1, 5, 4, 4), doubles(rng, 1, 5)
    layer.weight.copy_(doubles(rng, 3, 5, 1, 1))
    layer.bias.copy_(doubles(rng, 3))
    layer.magnitude_ema.fill_(0.25)
    weight = layer.weight * (style[0] * 2 / math.sqrt(5))[:, None, None]
    expected = convolved(x[0].numpy(), weight.numpy()) + layer.bias.numpy()[:, None, None]
    assert np.abs(expected).max() > 1.5
    np.testing.assert_allclose(layer(x, style)[0].numpy(), np.clip(expected, -1.5, 1.5))


@pytest.mark.parametrize(("source_rate", "rate"), [(16, 16), (16, 32), (32, 16)])
@pytest.mark.parametrize("kernel", [1, 3])
def test_layers_keep_the_middle_of_the_image(rng, source_rate, rate, kernel):
    source = Signal(2, source_rate + 6, source_rate, 3.0, 5.0)
    target = Signal(2, rate + 6, rate, 4.0, 5.0)
    config = StyleGAN3Config(16, w_dim=4, conv_kernel=kernel, conv_clamp=None)
    layer = SynthesisLayer(config, source, target, radial=False).double()
    layer.requires_grad_(False)
    layer.weight.copy_(doubles(rng, *layer.weight.shape))
    x, style = doubles(rng, 1, 2, source.size, source.size), doubles(rng, 1, 2)
    y = layer(x, style)
    assert y.shape == (1, 2, target.size, target.size)
    layer.weight.copy_(layer.weight.flip(2, 3))
    torch.testing.assert_close(layer(x.flip(2, 3), style).flip(2, 3), y)


SIGNAL = Signal(channels=5, size=9, rate=8, cutoff=2.0, half_width=3.0)


def waves_layer(rng: torch.Generator) -> SynthesisInput:
    layer = SynthesisInput(w_dim=4, signal=SIGNAL).double().requires_grad_(False)
    layer.weight.copy_(doubles(rng, 5, 5))
    layer.freqs.copy_(doubles(rng, 5, 2))
    layer.phases.copy_(doubles(rng, 5))
    return layer


def test_the_input_is_waves_turned_shifted_and_faded(rng):
    layer = waves_layer(rng)
    layer.transform.copy_(torch.tensor([[2.0, 0.3, 0.1], [-0.4, 1.5, -0.2], [0, 0, 1]]))
    lengths = (layer.freqs @ layer.transform[:2, :2]).norm(dim=1)
    assert lengths.min() < SIGNAL.cutoff < lengths.max()  # some fade, some do not
    style = doubles(rng, 2, 4)
    state = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
    expected = [waves(state, row.numpy(), 9, 8, 2.0) for row in style]
    np.testing.assert_allclose(layer(style).numpy(), expected, rtol=1e-6, atol=1e-7)


def test_waves_that_pixels_cannot_hold_are_gone(rng):
    layer = waves_layer(rng)
    layer.freqs.copy_(torch.tensor([[4.0, 0.0]]).expand(5, 2))  # half the sampling rate
    assert not layer(torch.tensor([[1.0, 0.0, 0.0, 0.0]]).double()).any()
    layer.freqs.mul_(0.75)  # half way from the cut-off frequency
    half = layer(torch.tensor([[1.0, 0.0, 0.0, 0.0]]).double())
    state = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
    full = waves(state, np.array([1.0, 0, 0, 0]), 9, 8, cutoff=3.0)
    np.testing.assert_allclose(half[0].numpy(), full / 2, rtol=1e-6, atol=1e-7)


def test_the_style_moves_and_turns_the_waves_whatever_its_length(rng):
    layer = waves_layer(rng)
    still = layer(torch.tensor([[1.0, 0.0, 0.0, 0.0]]).double())
    moved = layer(torch.tensor([[3.0, 0.0, 3 / 8, -6 / 8]]).double())  # by 1 and -2 pixels
    torch.testing.assert_close(moved[:, :, :-2, 1:], still[:, :, 2:, :-1])
    turned = layer(torch.tensor([[0.0, 2.0, 0.0, 0.0]]).double())
    torch.testing.assert_close(turned, still.rot90(1, (2, 3)))
