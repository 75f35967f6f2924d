"""Layers against closed forms, numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import correlate

from stylegan_ft.architectures.stylegan1.layers import (
    Blur,
    ConstLayer,
    Dense,
    Noise,
    StyleLayer,
    ToImage,
    pixel_norm,
    style_norm,
    upsample,
    upsample_conv,
    upsample_conv_turned,
)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_pixel_norm_gives_each_row_a_mean_square_of_one(rng):
    x = torch.randn(4, 10, generator=rng) * 5
    expected = x.numpy() / np.sqrt((x.numpy() ** 2).mean(axis=1, keepdims=True))
    np.testing.assert_allclose(pixel_norm(x).numpy(), expected, rtol=1e-5)
    assert torch.equal(pixel_norm(torch.zeros(1, 3)), torch.zeros(1, 3))


def test_style_norm_sets_mean_and_std_of_each_channel(rng):
    x = torch.randn(2, 3, 8, 8, generator=rng) * 4 + 7
    scale, shift = torch.tensor([[2.0, -1.0, 0.0]]).repeat(2, 1), torch.tensor([[5.0, 0, 1]] * 2)
    y = style_norm(x, scale, shift)
    torch.testing.assert_close(y.mean(dim=(2, 3)), shift, rtol=1e-4, atol=1e-4)
    spread = y.std(dim=(2, 3), correction=0)
    torch.testing.assert_close(spread, scale.abs(), rtol=1e-4, atol=1e-4)
    deviation = x - x.mean(dim=(2, 3), keepdim=True)
    assert (deviation[:, 0] * (y - 5.0)[:, 0] >= -1e-3).all()  # a positive scale keeps the order
    assert (deviation[:, 1] * y[:, 1] <= 1e-3).all()


def test_style_norm_of_a_constant_channel_is_its_shift():
    y = style_norm(torch.full((1, 1, 4, 4), 3.0), torch.tensor([[1.0]]), torch.tensor([[0.5]]))
    torch.testing.assert_close(y, torch.full((1, 1, 4, 4), 0.5), rtol=0, atol=0.01)


@pytest.mark.parametrize(("spread", "bound"), [(0.1, 5e-6), (0.01, 5e-5), (0.001, 5e-4), (0.0, 0)])
@pytest.mark.parametrize("inplace", [True, False])
def test_style_norm_keeps_its_digits_where_maps_hardly_vary(rng, spread, bound, inplace):
    x = 1.0 + spread * torch.randn(2, 8, 16, 16, generator=rng)  # 0: a constant of ones
    scale, shift = torch.randn(2, 2, 8, generator=rng)
    wide = x.double() - x.double().mean(dim=(2, 3), keepdim=True)
    wide = wide / (wide.square().mean(dim=(2, 3), keepdim=True) + 1e-8).sqrt()
    expected = wide * scale[..., None, None] + shift[..., None, None]
    x = x.contiguous(memory_format=torch.channels_last)
    y = style_norm(x.clone(), scale, shift, inplace)
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=bound)
    x.requires_grad_()
    assert torch.equal(style_norm(x, scale, shift, inplace), y)  # in training too


def test_style_norm_of_half_precision_is_of_full_precision(rng):
    x, style = torch.randn(2, 3, 8, 8, generator=rng), torch.ones(2, 3)
    y = style_norm(x.bfloat16(), style, style, inplace=True)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, style_norm(x.bfloat16().float(), style, style))


def test_style_norm_gradient_is_the_numerical_one(rng):
    inputs = [torch.randn(s, generator=rng).double() for s in ((2, 3, 4, 4), (2, 3), (2, 3))]
    assert torch.autograd.gradcheck(style_norm, [x.requires_grad_() for x in inputs])


def test_dense_scales_weight_and_bias_and_applies_leaky_relu(rng):
    dense = Dense(8, 3, rng, lr_mul=0.01)
    assert 60 < float(dense.weight.detach().std()) < 140  # stored divided by the multiplier
    with torch.no_grad():
        dense.bias.copy_(torch.tensor([100.0, -200.0, 0.0]))
    x = torch.randn(5, 8, generator=rng)
    weight = dense.weight.detach().numpy() * 0.01 * math.sqrt(2 / 8)
    raw = x.numpy() @ weight.T + np.array([1.0, -2.0, 0.0])
    expected = np.where(raw > 0, raw, 0.2 * raw)
    np.testing.assert_allclose(dense(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    linear = Dense(8, 3, rng, gain=1.0, linear=True)
    expected = x @ linear.weight.T / math.sqrt(8)
    torch.testing.assert_close(linear(x), expected)


def test_dense_with_a_given_spread_draws_weight_and_bias_with_it(rng):
    dense = Dense(400, 300, rng, lr_mul=0.01, init_std=0.15)
    assert abs(float(dense.weight.detach().std()) - 0.15) < 0.005
    assert abs(float(dense.bias.detach().std()) - 0.15) < 0.02


def test_blur_is_the_binomial_filter(rng):
    x = torch.randn(1, 2, 7, 5, generator=rng)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = [correlate(channel, kernel, mode="constant") for channel in x[0].numpy()]
    np.testing.assert_allclose(Blur(2)(x)[0].numpy(), np.stack(expected), rtol=1e-4, atol=1e-6)


def test_blur_can_be_differentiated_twice(rng):
    x = torch.randn(1, 2, 4, 4, generator=rng).double().requires_grad_()
    blur = Blur(2).double()
    assert torch.autograd.gradcheck(blur, x)
    assert torch.autograd.gradgradcheck(lambda x: blur(x) ** 2, x)


def test_upsampling_convolution_is_pixel_repetition_then_correlation(rng):
    x, weight = torch.randn(1, 1, 4, 4, generator=rng), torch.randn(1, 1, 3, 3, generator=rng)
    large = np.kron(x[0, 0].numpy(), np.ones((2, 2)))
    expected = correlate(large, weight[0, 0].numpy(), mode="constant")
    np.testing.assert_allclose(upsample_conv(x, weight)[0, 0].numpy(), expected, atol=1e-5)


def test_upsampling_convolution_with_many_channels(rng):
    x, weight = torch.randn(2, 3, 4, 4, generator=rng), torch.randn(5, 3, 3, 3, generator=rng)
    expected = F.conv2d(upsample(x), weight, padding=1)
    torch.testing.assert_close(upsample_conv(x, weight), expected, rtol=1e-4, atol=1e-5)
    turned = upsample_conv_turned(x, weight.flip(2, 3))
    torch.testing.assert_close(turned, expected, rtol=1e-4, atol=1e-5)


def test_noise_adds_bias_and_weighted_noise(rng):
    noise, bias = Noise(4, 2, rng), torch.tensor([1.0, -1.0])
    with torch.no_grad():
        noise.weight.copy_(torch.tensor([0.0, 2.0]))
        y = noise(torch.zeros(3, 2, 4, 4), bias, None)
        torch.testing.assert_close(y[:, 0], torch.ones(3, 4, 4))
        torch.testing.assert_close(y[2, 1], 2 * noise.noise[0, 0] - 1)
        fresh = noise(torch.zeros(3, 2, 4, 4), bias, torch.Generator().manual_seed(0))
        again = noise(torch.zeros(3, 2, 4, 4), bias, torch.Generator().manual_seed(0))
    assert torch.equal(fresh, again)
    assert not torch.equal(fresh[0, 1], fresh[1, 1])
    assert torch.equal(fresh[0, 0], torch.ones(4, 4))


@pytest.mark.parametrize("resolution", [8, 128])
def test_style_layer_does_its_steps_in_the_original_order(rng, resolution):
    layer = StyleLayer(3, 2, resolution, w_dim=4, rng=rng, upsample=True)
    x, w = torch.randn(2, 3, resolution // 2, resolution // 2, generator=rng), torch.ones(2, 4)
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.3, -0.4]))
        layer.apply_noise.weight.copy_(torch.tensor([0.5, 0.7]))
        layer.style.bias.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]))
        y = layer(x, w, None)
        weight = layer.weight * math.sqrt(2 / 27)
        if resolution == 128:  # fused layers hold their kernels turned
            weight = weight.flip(2, 3)
        z = layer.blur(F.conv2d(upsample(x), weight, padding=1))
        z = z + layer.apply_noise.noise * layer.apply_noise.weight.view(1, 2, 1, 1)
        z = F.leaky_relu(z + layer.bias.view(1, 2, 1, 1), 0.2)
        z = F.instance_norm(z, eps=1e-8)
        style = (w @ layer.style.weight.T / 2 + layer.style.bias).view(2, 2, 2, 1, 1)
        expected = z * (style[:, 0] + 1) + style[:, 1]
    torch.testing.assert_close(y, expected, rtol=1e-3, atol=1e-4)


def test_const_layer_shares_its_constant_and_takes_fresh_noise(rng):
    layer = ConstLayer(3, w_dim=4, rng=rng)
    w = torch.ones(2, 4)
    with torch.no_grad():
        before = layer.const.clone()
        layer.apply_noise.weight.fill_(1.0)
        stored = layer(w, None)
        fresh = layer(w, torch.Generator().manual_seed(1))
    assert stored.shape == fresh.shape == (2, 3, 4, 4)
    assert torch.equal(stored[0], stored[1])
    assert not torch.equal(fresh[0], fresh[1])
    assert torch.equal(layer.const, before)


def test_to_image_is_a_linear_map_of_channels(rng):
    layer, x = ToImage(4, 3, rng), torch.randn(2, 4, 5, 5, generator=rng)
    expected = torch.einsum("nchw,oc->nohw", x, layer.weight[:, :, 0, 0] / 2)
    torch.testing.assert_close(layer(x), expected)
