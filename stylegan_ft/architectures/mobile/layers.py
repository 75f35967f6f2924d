"""Layers of MobileStyleGAN: depthwise and pointwise convolutions, and the Haar wavelets.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (2021). Constant factors – scales, and the demodulation, which here does not depend on
the style – lie in the weights.

Feature maps are channels-last in memory throughout: a pointwise convolution is then one matrix
product, into which the style goes as a factor of the matrix instead of the maps. A block can make
its rows in bands, which stay in a core's cache from one operation to the next.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky ReLU below zero."""

BANDS = 4
"""Wavelet bands: low, and high along each side and along both."""


def inverse_haar(bands: Tensor) -> Tensor:
    """Twice the size: the image whose Haar wavelets these are.

    Args:
        bands: (N, 4 C, H, W): first the C low bands, then three high ones for each of C.

    Returns:
        (N, C, 2 H, 2 W).
    """
    count, channels, height, width = bands.shape
    channels //= BANDS
    maps = bands.movedim(1, -1)
    low, high = maps[..., :channels] * 0.5, maps[..., channels:].unflatten(-1, (channels, 3)) * 0.5
    down, right, both = high.unbind(-1)
    upper, lower, first, second = low + down, low - down, right + both, right - both
    if torch.is_grad_enabled() and bands.requires_grad:  # `out=` has no gradient
        rows = [torch.stack([upper + first, upper - first], dim=3)]
        rows.append(torch.stack([lower + second, lower - second], dim=3))
        image = torch.stack(rows, dim=2)
    else:
        image = bands.new_empty(count, height, 2, width, 2, channels)
        torch.add(upper, first, out=image[:, :, 0, :, 0])
        torch.sub(upper, first, out=image[:, :, 0, :, 1])
        torch.add(lower, second, out=image[:, :, 1, :, 0])
        torch.sub(lower, second, out=image[:, :, 1, :, 1])
    return image.view(count, 2 * height, 2 * width, channels).movedim(-1, 1)


def pointwise(x: Tensor, weight: Tensor, style: Tensor, bias: Tensor) -> Tensor:
    """1 × 1 convolution of maps (N, I, H, W) whose channels are scaled by style (N, I)."""
    height, width = x.shape[2:]
    maps = x.movedim(1, -1).flatten(1, 2)  # (N, H * W, I)
    products = torch.baddbmm(bias, maps, (weight * style[:, None]).mT)
    return products.unflatten(1, (height, width)).movedim(-1, 1)


def activated(x: Tensor, noise: Tensor) -> Tensor:
    """Noise of (H, W) added, and the leaky ReLU, in place."""
    return F.leaky_relu(x.add_(noise), SLOPE, inplace=True)


class FirstLayer(nn.Module):
    """Full 3 × 3 convolution of the learned constant."""

    def __init__(self, w_dim: int, channels: int, side: int):
        super().__init__()
        self.affine = nn.Linear(w_dim, channels)
        self.weight = nn.Parameter(torch.zeros(channels, channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise", torch.zeros(side, side))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = x * style[:, :, None, None]
        x = x.contiguous(memory_format=torch.channels_last)
        return activated(F.conv2d(x, self.weight, self.bias, padding=1), self.noise)


class Layer(nn.Module):
    """3 × 3 convolution of each channel by itself, then 1 × 1 of all."""

    def __init__(self, w_dim: int, inputs: int, outputs: int, side: int):
        super().__init__()
        self.affine = nn.Linear(w_dim, inputs)
        self.depthwise = nn.Parameter(torch.zeros(inputs, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("noise", torch.zeros(side, side))

    def forward(self, x: Tensor, style: Tensor, start: int, stop: int) -> Tensor:
        """Rows start to stop; x holds these and, inside the picture, one more on each side."""
        edges = int(start == 0), int(stop == len(self.noise))  # rows of zeros beyond the picture
        if any(edges):
            x = F.pad(x.movedim(1, -1), (0, 0, 0, 0, *edges)).movedim(-1, 1)
        x = F.conv2d(x, self.depthwise, padding=(0, 1), groups=x.shape[1])
        return activated(pointwise(x, self.pointwise, style, self.bias), self.noise[start:stop])


class Block(nn.Module):
    """Twice the side by the inverse wavelets of scaled maps, then two layers."""

    def __init__(self, w_dim: int, inputs: int, outputs: int, side: int):
        super().__init__()
        self.up = nn.Linear(w_dim, inputs)
        self.conv1 = Layer(w_dim, inputs // BANDS, outputs, side)
        self.conv2 = Layer(w_dim, outputs, outputs, side)

    def affines(self) -> list[nn.Linear]:
        """The affine layers in the order in which `forward` takes their outputs."""
        return [self.up, self.conv1.affine, self.conv2.affine]

    @property
    def side(self) -> int:
        """Of the maps that the block makes."""
        return len(self.conv2.noise)

    def bands(self, numbers: int) -> list[tuple[int, int]]:
        """First and last row, exclusive, of bands of one image's maps, of at most so many numbers
        where two rows are no more."""
        rows = max(2, numbers // (self.side * len(self.conv2.bias)))
        return [(start, min(start + rows, self.side)) for start in range(0, self.side, rows)]

    def forward(
        self, x: Tensor, up: Tensor, first: Tensor, second: Tensor, start: int, stop: int
    ) -> Tensor:
        """Rows start to stop of the maps (N, C, 2 H, 2 W) of maps (N, I, H, W)."""
        outer, end = max(start - 1, 0), min(stop + 1, self.side)  # what the second layer reads
        above, below = max(outer - 1, 0), min(end + 1, self.side)  # what the first one reads
        top = above // 2
        read = x[:, :, top : -(-below // 2)]
        maps = inverse_haar(read * up[:, :, None, None])[:, :, above - 2 * top : below - 2 * top]
        return self.conv2(self.conv1(maps, first, outer, end), second, start, stop)


class Head(nn.Module):
    """Feature maps to the wavelets of an image of twice their side."""

    def __init__(self, w_dim: int, inputs: int):
        super().__init__()
        self.affine = nn.Linear(w_dim, inputs)
        self.weight = nn.Parameter(torch.zeros(3 * BANDS, inputs))
        self.bias = nn.Parameter(torch.zeros(3 * BANDS))

    def forward(self, x: Tensor, style: Tensor, half: bool = False) -> Tensor:
        """Images (N, 3, 2 H, 2 W), or their half, which is the low band alone."""
        if half:  # the low band of a Haar transform is twice the mean of four pixels
            return pointwise(x, self.weight[:3] * 0.5, style, self.bias[:3] * 0.5)
        return inverse_haar(pointwise(x, self.weight, style, self.bias))
