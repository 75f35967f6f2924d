"""Resampling by filters against scipy, and its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, upfirdn

from stylegan_ft.architectures.filters import (
    setup_filter,
    upfirdn2d,
    upsample2d,
    upsample_conv2d,
)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(2)


def by_scipy(plane: np.ndarray, kernel: np.ndarray, up, down, padding) -> np.ndarray:
    """From the definition: zeros behind each pixel, padding or cutting, convolution, every n-th."""
    zeros = np.zeros((plane.shape[0] * up, plane.shape[1] * up))
    zeros[::up, ::up] = plane
    left, right, above, below = padding
    zeros = np.pad(zeros, [(max(above, 0), max(below, 0)), (max(left, 0), max(right, 0))])
    rows = slice(max(-above, 0), zeros.shape[0] - max(-below, 0))
    zeros = zeros[rows, max(-left, 0) : zeros.shape[1] - max(-right, 0)]
    return convolve2d(zeros, kernel, mode="valid")[::down, ::down]


@pytest.mark.parametrize("shape", [(4,), (9,), (4, 4), (3, 5)])
@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (3, 2)])
@pytest.mark.parametrize(
    "padding", [(0, 0, 0, 0), (3, 3, 3, 3), (2, 1, 2, 1), (5, 0, 1, 9), (-1, 2, -2, -1)]
)
def test_upfirdn2d_is_scipys_convolution(rng, shape, up, down, padding):
    x = torch.randn(2, 3, 13, 12, generator=rng, dtype=torch.float64)
    kernel = torch.randn(*shape, generator=rng, dtype=torch.float64)
    out = upfirdn2d(x, kernel, up, down, padding, gain=1.7)
    square = (torch.outer(kernel, kernel) if kernel.ndim == 1 else kernel).numpy()
    for n in range(2):
        for c in range(3):
            expected = 1.7 * by_scipy(x[n, c].numpy(), square, up, down, padding)
            np.testing.assert_allclose(out[n, c].numpy(), expected, atol=1e-12)


def test_a_row_is_scipys_upfirdn(rng):
    x = torch.randn(1, 1, 1, 12, generator=rng, dtype=torch.float64)
    line = torch.randn(7, generator=rng, dtype=torch.float64)
    out = upfirdn2d(x, line[None], up=1, down=3, padding=(6, 6, 0, 0))
    np.testing.assert_allclose(out[0, 0, 0], upfirdn(line.numpy(), x.numpy()[0, 0, 0], 1, 3))


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_memory_format_makes_no_difference(rng, memory):
    x = torch.randn(2, 5, 7, 6, generator=rng)
    kernel = setup_filter((1, 3, 3, 1))
    out = upsample2d(x.contiguous(memory_format=memory), kernel)
    torch.testing.assert_close(out, upsample2d(x, kernel), rtol=0, atol=1e-6)


def test_filters_sum_to_one_and_long_ones_stay_lines():
    short, long = setup_filter((1, 3, 3, 1)), setup_filter(range(1, 9))
    assert short.shape == (4, 4)
    assert float(short[1, 2]) == 9 / 64
    assert long.shape == (8,)
    assert float(long.sum()) == pytest.approx(1.0)


def test_upsampling_keeps_constants_inside_and_the_place_of_things():
    flat = upsample2d(torch.ones(1, 1, 8, 8), setup_filter((1, 3, 3, 1)))
    assert flat.shape == (1, 1, 16, 16)
    torch.testing.assert_close(flat[..., 1:-1, 1:-1], torch.ones(1, 1, 14, 14))
    # A linear ramp of pixel middles stays one: new pixels lie a quarter of an old one off.
    ramp = upsample2d(torch.arange(8.0).expand(1, 1, 8, 8), setup_filter((1, 3, 3, 1)))
    expected = (torch.arange(16.0) + 0.5) / 2 - 0.5
    torch.testing.assert_close(ramp[0, 0, 8, 1:-1], expected[1:-1])


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("taps", [(1, 3, 3, 1), (1, 2), (1, 2, 1), (1, 5, 10, 10, 5, 2)])
def test_upsampling_convolution_is_zeros_filter_convolution(rng, size, taps):
    x = torch.randn(2, 3, 5, 5, generator=rng, dtype=torch.float64)
    weight = torch.randn(4, 3, size, size, generator=rng, dtype=torch.float64)
    out = upsample_conv2d(x, weight, setup_filter(taps))
    line = np.array(taps) / sum(taps)
    zeros = np.zeros((2, 3, 10, 10))
    zeros[:, :, ::2, ::2] = x.numpy()
    start = len(taps) - 1 - (len(taps) + 1) // 2 + size // 2
    for n in range(2):
        for o in range(4):
            planes = zip(zeros[n], weight[o].numpy(), strict=True)
            full = sum(convolve2d(convolve2d(z, 4 * np.outer(line, line)), w) for z, w in planes)
            expected = full[start : start + 10, start : start + 10]
            np.testing.assert_allclose(out[n, o].numpy(), expected, atol=1e-6)


def test_gradients_are_the_numerical_ones(rng):
    x = torch.randn(1, 2, 3, 4, generator=rng, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(3, generator=rng, dtype=torch.float64)
    weight = torch.randn(2, 2, 3, 3, generator=rng, dtype=torch.float64, requires_grad=True)
    square = setup_filter((1, 3, 3, 1))
    assert torch.autograd.gradcheck(lambda x: upfirdn2d(x, kernel, 2, 1, (1, -1, 2, 0)), [x])
    assert torch.autograd.gradcheck(lambda x, w: upsample_conv2d(x, w, square), [x, weight])
