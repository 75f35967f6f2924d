"""Building blocks of StyleGAN 1: equalised dense and convolution layers, noise, style, blur.

The method is that of Karras et al., "A Style-Based Generator Architecture for GANs" (2019).
Names of parameters and buffers, and where each scale is applied, follow the genforce project, so
that its checkpoints load by name. Every initial value is drawn from the generator handed in.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Negative slope of every leaky ReLU."""

EPSILON = 1e-8
"""Added to mean squares before their root is taken."""

FUSED_FROM = 128
"""Resolution from which upsampling and convolution are one transposed convolution."""


def pixel_norm(x: Tensor) -> Tensor:
    """Divides each row by the root of its mean square; (N, D) -> (N, D)."""
    return x / torch.sqrt(x.square().mean(dim=1, keepdim=True) + EPSILON)


def style_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Instance norm, then modulation by a style: the channel's mean is `shift`, its std `scale`.

    Args:
        x: feature maps (N, C, H, W); N may be 1 where all rows share them.
        scale, shift: (N, C).
    """
    var, mean = torch.var_mean(x, dim=(2, 3), correction=0)  # (N, C) each
    scale = scale * torch.rsqrt(var + EPSILON)
    shift = shift - mean * scale
    return torch.addcmul(shift[:, :, None, None], x, scale[:, :, None, None])


class Dense(nn.Module):
    """Fully connected layer with equalised learning rate, then leaky ReLU unless `linear`.

    Args:
        lr_mul: the parameters' learning-rate multiplier; the weights are stored divided by it.
        gain: the scale of the weights is `gain / sqrt(inputs)`.
        init_std: if given, weight and bias are both stored with this standard deviation.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        rng: torch.Generator,
        lr_mul: float = 1.0,
        gain: float = math.sqrt(2.0),
        linear: bool = False,
        init_std: float | None = None,
    ):
        super().__init__()
        std = 1.0 / lr_mul if init_std is None else init_std
        bias_std = 0.0 if init_std is None else init_std
        self.weight = nn.Parameter(torch.randn(outputs, inputs, generator=rng) * std)
        self.bias = nn.Parameter(torch.randn(outputs, generator=rng) * bias_std)
        self.weight_scale = gain / math.sqrt(inputs) * lr_mul
        self.lr_mul = lr_mul
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:  # (N, inputs) -> (N, outputs)
        x = F.linear(x, self.weight * self.weight_scale, self.bias * self.lr_mul)
        return x if self.linear else F.leaky_relu(x, SLOPE)


class Blur(nn.Module):
    """Depthwise 3 × 3 binomial filter [1, 2, 1] ⊗ [1, 2, 1] / 16 with zeros around the image."""

    def __init__(self, channels: int):
        super().__init__()
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(line, line).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:  # (N, C, H, W)
        return F.conv2d(x, self.kernel, bias, padding=1, groups=x.shape[1])


class Noise(nn.Module):
    """Adds one noise image, weighted per channel: the stored one, or a fresh one per row."""

    def __init__(self, resolution: int, channels: int, rng: torch.Generator):
        super().__init__()
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution, generator=rng))
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, rows: int, rng: torch.Generator | None) -> Tensor:
        noise = self.noise
        if rng is not None:
            noise = torch.randn(rows, *noise.shape[1:], generator=rng, device=x.device)
        return x + noise * self.weight[:, None, None]


class Style(nn.Module):
    """Affine map from w to a scale (around 1) and a shift for each channel."""

    def __init__(self, w_dim: int, channels: int, rng: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2 * channels, w_dim, generator=rng))
        self.bias = nn.Parameter(torch.zeros(2 * channels))
        self.weight_scale = 1.0 / math.sqrt(w_dim)

    def forward(self, w: Tensor) -> tuple[Tensor, Tensor]:  # (N, w_dim) -> (N, C), (N, C)
        scale, shift = F.linear(w, self.weight * self.weight_scale, self.bias).chunk(2, dim=1)
        return scale + 1.0, shift


class ConstLayer(nn.Module):
    """First layer of synthesis: the learned constant image, noise, bias, leaky ReLU, style."""

    def __init__(self, channels: int, w_dim: int, rng: torch.Generator, resolution: int = 4):
        super().__init__()
        self.const = nn.Parameter(torch.ones(1, channels, resolution, resolution))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.apply_noise = Noise(resolution, channels, rng)
        self.style = Style(w_dim, channels, rng)

    def forward(self, w: Tensor, rng: torch.Generator | None) -> Tensor:  # -> (N, C, 4, 4)
        x = self.apply_noise(self.const, len(w), rng) + self.bias[:, None, None]
        x = style_norm(F.leaky_relu(x, SLOPE), *self.style(w))
        return x.contiguous(memory_format=torch.channels_last)


class StyleLayer(nn.Module):
    """[upsample,] 3 × 3 convolution[, blur], noise, bias, leaky ReLU, style."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        resolution: int,
        w_dim: int,
        rng: torch.Generator,
        upsample: bool = False,
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3, generator=rng))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_scale = math.sqrt(2.0 / (9 * inputs))
        self.upsample = upsample
        self.fused = resolution >= FUSED_FROM
        if upsample:
            self.blur = Blur(outputs)
        self.apply_noise = Noise(resolution, outputs, rng)
        self.style = Style(w_dim, outputs, rng)

    def forward(self, x: Tensor, w: Tensor, rng: torch.Generator | None) -> Tensor:
        weight = self.weight * self.weight_scale
        if self.upsample:
            x = upsample_conv_transposed(x, weight) if self.fused else upsample_conv(x, weight)
            x = self.blur(x, self.bias)
        else:
            x = F.conv2d(x, weight, self.bias, padding=1)
        x = self.apply_noise(x, len(w), rng)
        return style_norm(F.leaky_relu(x, SLOPE, inplace=True), *self.style(w))


def upsample(x: Tensor) -> Tensor:
    """Doubles height and width by repeating pixels."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def upsample_conv(x: Tensor, weight: Tensor) -> Tensor:
    """`upsample`, then a 3 × 3 convolution; (N, I, H, W), (O, I, 3, 3) -> (N, O, 2H, 2W)."""
    return F.conv2d(upsample(x), weight, padding=1)


def upsample_conv_transposed(x: Tensor, weight: Tensor) -> Tensor:
    """Doubles height and width by a transposed convolution with the box-filtered kernel.

    This is what the original does from 128 × 128; its kernels are those of `upsample_conv`
    turned by 180 degrees.
    """
    weight = F.pad(weight, (1, 1, 1, 1))  # (O, I, 5, 5)
    weight = weight[..., 1:, 1:] + weight[..., :-1, 1:] + weight[..., 1:, :-1] + weight[..., :-1, :-1]
    return F.conv_transpose2d(x, weight.transpose(0, 1), stride=2, padding=1)


class ToImage(nn.Module):
    """1 × 1 convolution from feature maps to the image; equalised, linear."""

    def __init__(self, inputs: int, image_channels: int, rng: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(image_channels, inputs, 1, 1, generator=rng))
        self.bias = nn.Parameter(torch.zeros(image_channels))
        self.weight_scale = 1.0 / math.sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.weight_scale, self.bias)
