"""Layers of StyleGAN3's synthesis: the Fourier features it starts from, and its convolutions.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021), with NVlabs' names of
parameters and buffers. They are for inference: magnitudes are read, not tracked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_ft.architectures.layered import is_alone
from stylegan_ft.architectures.mapping import EPSILON, FullyConnected
from stylegan_ft.architectures.stylegan3.filters import filtered_leaky_relu, lowpass_filter
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config

IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
"""The transform that changes nothing."""


@dataclass(frozen=True)
class Signal:
    """What one layer hands to the next. Frequencies are in cycles an image width.

    Args:
        channels: number of feature maps.
        size: their side in pixels, with the margin around the image.
        rate: their sampling rate: pixels an image width.
        cutoff: the highest frequency that is kept.
        half_width: half the width of the filters' transition band.
    """

    channels: int
    size: int
    rate: int
    cutoff: float
    half_width: float


class SynthesisInput(nn.Module):
    """Waves over the plane, turned and shifted by the style, and mixed by a learned matrix.

    Buffers: `freqs` (C, 2) and `phases` (C,) of the waves; `transform` (3, 3), a user's inverse
    transform of the image, in image widths from its middle.
    """

    def __init__(self, w_dim: int, signal: Signal):
        super().__init__()
        self.signal = signal
        channels = signal.channels
        self.weight = nn.Parameter(torch.zeros(channels, channels))
        self.affine = FullyConnected(w_dim, 4)
        with torch.no_grad():
            self.affine.bias[0] = 1.0
        self.register_buffer("transform", torch.tensor(IDENTITY))
        self.register_buffer("freqs", torch.zeros(channels, 2))
        self.register_buffer("phases", torch.zeros(channels))

    def forward(self, style: Tensor) -> Tensor:
        """(N, 4), a direction (cos, sin) and a shift (x, y), each times a scale -> (N, C, S, S)."""
        signal = self.signal
        style = style / style[:, :2].norm(dim=1, keepdim=True)
        cos, sin = style[:, 0], style[:, 1]
        turn = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
        linear = turn @ self.transform[:2, :2]  # (N, 2, 2)
        shift = turn @ (self.transform[:2, 2] - style[:, 2:])[:, :, None]  # (N, 2, 1)
        phases = self.phases + (self.freqs @ shift)[:, :, 0]  # (N, C)
        freqs = self.freqs @ linear  # (N, C, 2)
        # A transform that shrinks the image makes waves that these pixels cannot hold: they fade.
        excess = (freqs.norm(dim=2) - signal.cutoff) / (signal.rate / 2 - signal.cutoff)
        amplitudes = (1.0 - excess).clamp(0.0, 1.0)

        pixels = torch.arange(signal.size, device=style.device, dtype=style.dtype)
        place = (pixels + 0.5 - signal.size / 2) / signal.rate
        across = place[:, None] * freqs[:, None, :, 0]  # (N, S, C)
        along = place[:, None] * freqs[:, None, :, 1] + phases[:, None]
        waves = torch.sin(2 * math.pi * (along[:, :, None] + across[:, None]))  # (N, S, S, C)
        waves = waves * amplitudes[:, None, None]
        return F.linear(waves, self.weight / math.sqrt(signal.channels)).permute(0, 3, 1, 2)


class SynthesisLayer(nn.Module):
    """Modulated convolution, bias, filtered leaky ReLU; from one signal to the next.

    Args:
        config: of the network.
        source, target: the signals that come in and go out.
        radial: whether the downsampling filter is the same in all directions.
    """

    def __init__(self, config: StyleGAN3Config, source: Signal, target: Signal, radial: bool):
        super().__init__()
        kernel, taps = config.conv_kernel, config.filter_size
        self.clamp = config.conv_clamp
        self.affine = FullyConnected(config.w_dim, source.channels)
        nn.init.ones_(self.affine.bias)
        self.weight = nn.Parameter(torch.zeros(target.channels, source.channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(target.channels))
        self.register_buffer("magnitude_ema", torch.ones(()))

        rate = max(source.rate, target.rate) * config.lrelu_upsampling
        self.up, self.down = rate // source.rate, rate // target.rate
        up_taps = taps * self.up if self.up > 1 else 1
        down_taps = taps * self.down if self.down > 1 else 1
        up_filter = lowpass_filter(up_taps, source.cutoff, 2 * source.half_width, rate)
        self.register_buffer("up_filter", up_filter)
        down_filter = lowpass_filter(
            down_taps, target.cutoff, 2 * target.half_width, rate, radial=radial
        )
        self.register_buffer("down_filter", down_filter)

        needed = (target.size - 1) * self.down + 1 + up_taps + down_taps - 2
        padding = needed - (source.size + kernel - 1) * self.up
        before = (padding + self.up) // 2  # pixels are samples at their middles, on every grid
        self.padding = (before, padding - before)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Feature maps (N, C, S, S) and styles (N, C) -> (N, C', S', S')."""
        x = modulated_conv(x, self.weight, style, self.magnitude_ema.rsqrt())
        x = x + self.bias.to(x.dtype)[:, None, None]
        return filtered_leaky_relu(
            x, self.up_filter, self.down_filter, self.up, self.down, self.padding, self.clamp
        )


class ToRGB(nn.Module):
    """1 × 1 convolution, modulated and not demodulated, to the image; linear, clamped."""

    def __init__(self, w_dim: int, channels: int, image_channels: int, clamp: float | None):
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, channels)
        nn.init.ones_(self.affine.bias)
        self.weight = nn.Parameter(torch.zeros(image_channels, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(image_channels))
        self.register_buffer("magnitude_ema", torch.ones(()))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Feature maps (N, C, S, S) and styles (N, C) -> (N, image channels, S, S)."""
        gain = self.magnitude_ema.rsqrt() / math.sqrt(x.shape[1])
        x = modulated_conv(x, self.weight, style, gain, demodulate=False)
        x = x + self.bias.to(x.dtype)[:, None, None]
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


def modulated_conv(
    x: Tensor, weight: Tensor, style: Tensor, gain: Tensor, demodulate: bool = True
) -> Tensor:
    """Convolution whose weights are scaled by each row's style, with all borders.

    Each input channel's weights are multiplied by its style; demodulation then divides each
    output channel's weights by their norm; the gain comes last. The factors are applied to
    feature maps, not to weights, so that one convolution serves all rows; but to the weights,
    which are fewer, of a row that is alone.

    Args:
        x: (N, I, H, W); float16 computes the convolution in it.
        weight: (O, I, K, K).
        style: (N, I).
        gain: a scalar.

    Returns:
        (N, O, H + K - 1, W + K - 1).
    """
    if demodulate:  # which takes away any scale: both are brought near 1 first
        fan_in = weight[0].numel()
        weight = weight / weight.flatten(1).norm(dim=1)[:, None, None, None]
        style = style * style.square().mean(dim=1, keepdim=True).rsqrt()
        power = F.linear(style.square(), weight.square().sum(dim=(2, 3)))  # (N, O)
        norm = (power + EPSILON / fan_in).rsqrt()
    if is_alone(x):
        weight = weight * (style * gain)[:, :, None, None]
        weight = weight * norm[0][:, None, None, None] if demodulate else weight
        return F.conv2d(x, weight.to(x.dtype), padding=weight.shape[-1] - 1)
    x = x * (style * gain).to(x.dtype)[:, :, None, None]
    x = F.conv2d(x, weight.to(x.dtype), padding=weight.shape[-1] - 1)
    return x * norm.to(x.dtype)[:, :, None, None] if demodulate else x
