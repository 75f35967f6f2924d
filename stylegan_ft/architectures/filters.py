"""Resampling by FIR filters in plain PyTorch, on any device: up, filter, down, and pieces of them.

The operation is NVlabs' `upfirdn2d` ("Analyzing and Improving the Image Quality of StyleGAN",
2020, and "Alias-Free Generative Adversarial Networks", 2021). On a CPU it is several times faster
on feature maps in PyTorch's `channels_last` memory format.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SEPARABLE_FROM = 8
"""Taps from which a filter is kept as one line and applied along rows and columns in turn."""

Padding = tuple[int, int, int, int]
"""Pixels added left, right, above and below; negative ones are cut off."""


def setup_filter(taps: Sequence[float]) -> Tensor:
    """The taps as a filter whose sum is one: (T,) where it is long, else the square (T, T)."""
    line = torch.tensor(taps, dtype=torch.float32, device="cpu")
    square = line if len(line) >= SEPARABLE_FROM else torch.outer(line, line)
    return square / square.sum()


def upfirdn2d(
    x: Tensor,
    kernel: Tensor,
    up: int = 1,
    down: int = 1,
    padding: Padding = (0, 0, 0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Puts `up` - 1 zeros behind each pixel, pads, convolves, and keeps each `down`-th pixel.

    Args:
        x: (N, C, H, W).
        kernel: (T,), applied along rows and columns in turn, or (T, U).
        gain: factor of the result.

    Returns:
        (N, C, H', W') with H' = (up * H + padding - T) // down + 1, and W' likewise.
    """
    kernel = kernel.to(x) * gain ** (kernel.ndim / 2)
    if kernel.ndim == 2:
        return _filter(x, kernel, (up, up), (down, down), padding)
    left, right, above, below = padding
    x = _filter(x, kernel[None, :], (1, up), (1, down), (left, right, 0, 0))
    return _filter(x, kernel[:, None], (up, 1), (down, 1), (0, 0, above, below))


def upsample2d(x: Tensor, kernel: Tensor, up: int = 2) -> Tensor:
    """`up` times the height and width, filtered, brightness kept; (N, C, H, W)."""
    spare = kernel.shape[-1] - up
    before, after = (spare + 1) // 2 + up - 1, spare // 2
    return upfirdn2d(x, kernel, up=up, padding=(before, after) * 2, gain=up**2)


def upsample_conv2d(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """Doubles height and width, filtered, and convolves; (N, I, H, W) -> (N, O, 2H, 2W).

    Zeros behind each pixel, the filter, and the convolution with `weight` (O, I, k, k), k odd. The
    convolution comes first, as a transposed one on the small maps, which gives the same.
    """
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    taps, border = kernel.shape[-1], weight.shape[-1] // 2
    before, after = (taps + 1) // 2 - border, taps // 2 - border
    return upfirdn2d(x, kernel, padding=(before, after) * 2, gain=4.0)


def _filter(
    x: Tensor, kernel: Tensor, up: tuple[int, int], down: tuple[int, int], padding: Padding
) -> Tensor:
    """One pass of `upfirdn2d`, with factors (vertical, horizontal)."""
    channels = x.shape[1]
    height, width = kernel.shape
    left, right, above, below = padding
    if max(up) == 1:
        weight = kernel.flip(0, 1).expand(channels, 1, -1, -1)
        if left == right >= 0 and above == below >= 0:
            return F.conv2d(x, weight, stride=down, padding=(above, left), groups=channels)
        return F.conv2d(_fit(x, padding), weight, stride=down, groups=channels)
    # A transposed convolution skips the zeros; it gives every pixel that the filter reaches.
    weight = kernel.expand(channels, 1, -1, -1)
    left, right = left - width + 1, right - width + up[1]
    above, below = above - height + 1, below - height + up[0]
    cut = max(0, -max(above, below)), max(0, -max(left, right))  # on both sides, by the operation
    x = F.conv_transpose2d(x, weight, stride=up, padding=cut, groups=channels)
    x = _fit(x, (left + cut[1], right + cut[1], above + cut[0], below + cut[0]))
    return x[:, :, :: down[0], :: down[1]]


def _fit(x: Tensor, padding: Padding) -> Tensor:
    """Pads with zeros, or cuts where a number is negative."""
    left, right, above, below = padding
    x = x[
        :,
        :,
        max(0, -above) : x.shape[2] + min(0, below),
        max(0, -left) : x.shape[3] + min(0, right),
    ]
    pads = [max(0, p) for p in padding]
    return F.pad(x, pads) if any(pads) else x
