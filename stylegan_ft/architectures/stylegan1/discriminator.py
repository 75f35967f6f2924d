"""StyleGAN 1's discriminator, with genforce's names and shapes of parameters.

Method of Karras et al. (2018, 2019): a pyramid of blurred, strided convolutions, the standard
deviation over the minibatch as an extra channel, two dense layers. A label's score is the product
of the label with one output per number of it (Mescheder et al., 2018, for classes).
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.stylegan1.layers import EPSILON, SLOPE, Blur, Dense
from stylegan_ft.architectures.stylegan1.settings import block_count


class ConvLayer(nn.Module):
    """[blur,] convolution[, 2 × 2 average pooling], bias, leaky ReLU; equalised learning rate."""

    def __init__(
        self, inputs: int, outputs: int, rng: torch.Generator, size: int = 3, down: bool = False
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size, generator=rng))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_scale = math.sqrt(2.0 / (inputs * size * size))
        self.down = down
        if down:
            self.blur = Blur(inputs)

    def forward(self, x: Tensor) -> Tensor:  # (N, inputs, H, W) -> (N, outputs, H, W) or halved
        weight = self.weight * self.weight_scale
        if self.down:
            x = conv_downsample(self.blur(x), weight, self.bias)
        else:
            x = F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)
        return F.leaky_relu(x, SLOPE, inplace=True)


def conv_downsample(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """3 × 3 convolution, then 2 × 2 average pooling, done as one convolution of stride 2."""
    weight = F.pad(weight, (1, 1, 1, 1))  # (O, I, 5, 5)
    weight = weight[:, :, 1:] + weight[:, :, :-1]
    weight = 0.25 * (weight[..., 1:] + weight[..., :-1])  # (O, I, 4, 4)
    return F.conv2d(x, weight, bias, stride=2, padding=1)


def minibatch_std(x: Tensor, group: int = 4) -> Tensor:
    """Appends a channel with the mean standard deviation within groups of rows.

    Args:
        x: (N, C, H, W); rows i, i + N/group, … form a group.
        group: rows of a group; the largest divisor of N that is not above it is taken.

    Returns:
        (N, C + 1, H, W).
    """
    n, _, height, width = x.shape
    group = next(size for size in range(min(group, n), 0, -1) if n % size == 0)
    grouped = x.reshape(group, n // group, -1)
    variance = (grouped - grouped.mean(dim=0)).square().mean(dim=0)  # (N / group, C·H·W)
    std = (variance + EPSILON).sqrt().mean(dim=1).repeat(group)  # (N,)
    return torch.cat([x, std[:, None, None, None].expand(n, 1, height, width)], dim=1)


class Discriminator(nn.Module):
    """Realness logits of images.

    Args:
        resolution: side of the images in pixels, a power of two from 8.
        channels: feature maps of each resolution, 4 × 4 first, as in the generator's settings.
        label_dim: numbers in a label, 0 for none.
        seed: of the initial weights.
        unconditional: with labels, add an output that no label multiplies. Without it, as in the
            original, whose labels are one-hot, a label of zeros always scores 0.
        group: rows over which the minibatch's standard deviation is taken.

    Raises:
        InputError: the resolution is no power of two, or does not fit the number of channels.
    """

    def __init__(
        self,
        resolution: int = 64,
        channels: tuple[int, ...] = (128, 128, 96, 64, 32),
        label_dim: int = 0,
        image_channels: int = 3,
        seed: int = 0,
        unconditional: bool = True,
        group: int = 4,
    ):
        super().__init__()
        self.blocks = block_count(resolution, channels)
        self.resolution, self.label_dim, self.group = resolution, label_dim, group
        self.channels = tuple(channels)
        self.image_channels, self.unconditional = image_channels, unconditional
        rng = torch.Generator().manual_seed(seed)
        self.register_buffer("lod", torch.zeros(()))
        top = channels[::-1]  # full size first
        last = self.blocks - 1
        for k, width in enumerate(top):
            self.add_module(f"input{k}", ConvLayer(image_channels, width, rng, size=1))
            if k < last:
                self.add_module(f"layer{2 * k}", ConvLayer(width, width, rng))
                self.add_module(f"layer{2 * k + 1}", ConvLayer(width, top[k + 1], rng, down=True))
        width, outputs = channels[0], label_dim + bool(unconditional or not label_dim)
        self.add_module(f"layer{2 * last}", ConvLayer(width + 1, width, rng))
        self.add_module(f"layer{2 * last + 1}", Dense(16 * width, width, rng))
        self.add_module(f"layer{2 * last + 2}", Dense(width, outputs, rng, gain=1.0, linear=True))

    @property
    def config(self) -> dict[str, Any]:
        """The arguments that make a network of this kind, as plain values."""
        names = ("resolution", "channels", "label_dim", "image_channels", "unconditional", "group")
        return {name: getattr(self, name) for name in names}

    def forward(
        self, images: Tensor, label: Tensor | None = None, lod: float | None = None
    ) -> Tensor:
        """Logits (N,); higher means more real.

        Args:
            images: (N, 3, S, S) in [-1, 1]; S is the full resolution, or that of the level.
            label: (N, label_dim), where the network takes labels.
            lod: levels below the full resolution, as for the generator; None takes the buffer.

        Raises:
            InputError: images or label have another shape, or lod is out of range.
        """
        lod = float(self.lod) if lod is None else float(lod)
        if not 0.0 <= lod <= self.blocks - 1:
            raise InputError(f"lod {lod}: it must be between 0 and {self.blocks - 1}")
        level, share = math.floor(lod), lod - math.floor(lod)
        self._check(images, label, self.resolution // 2**level)
        while images.shape[-1] > self.resolution // 2**level:
            images = F.avg_pool2d(images, 2)
        x = self._part("input", level)(images.contiguous(memory_format=torch.channels_last))
        for k in range(level, self.blocks - 1):
            x = self._part("layer", 2 * k + 1)(self._part("layer", 2 * k)(x))
            if share and k == level:
                x = torch.lerp(x, self._part("input", k + 1)(F.avg_pool2d(images, 2)), share)
        return self._scores(x, label)

    def _scores(self, x: Tensor, label: Tensor | None) -> Tensor:  # (N, C, 4, 4) -> (N,)
        last = 2 * (self.blocks - 1)
        x = self._part("layer", last)(minibatch_std(x, self.group))
        x = self._part("layer", last + 1)(x.flatten(1))
        x = self._part("layer", last + 2)(x)  # (N, outputs)
        if not self.label_dim:
            return x[:, 0]
        scores = (x[:, -self.label_dim :] * label).sum(dim=1)
        return scores if x.shape[1] == self.label_dim else scores + x[:, 0]

    def _part(self, kind: str, i: int) -> nn.Module:
        return getattr(self, f"{kind}{i}")

    def _check(self, images: Tensor, label: Tensor | None, size: int) -> None:
        sizes = {(self.resolution,) * 2, (size,) * 2}
        if images.ndim != 4 or tuple(images.shape[2:]) not in sizes:
            allowed = " or ".join(f"{s[0]} × {s[1]}" for s in sorted(sizes))
            raise InputError(f"images of shape {tuple(images.shape)}: they must be {allowed}")
        wanted = (len(images), self.label_dim)
        if self.label_dim and (label is None or tuple(label.shape) != wanted):
            given = "no label" if label is None else f"a label of shape {tuple(label.shape)}"
            raise InputError(f"{given}: this discriminator takes labels of shape {wanted}")
