"""Layers of StyleGAN2: modulated convolution, output layer, residual path and block.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020); names of parameters,
scales, and the order of gain and clamp are those of NVlabs' stylegan2-ada-pytorch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_ft.architectures.filters import setup_filter, upsample2d, upsample_conv2d
from stylegan_ft.architectures.layered import is_alone
from stylegan_ft.architectures.mapping import EPSILON, FullyConnected, activation_of
from stylegan_ft.architectures.stylegan2.settings import USUAL_FILTER, StyleGAN2Config

TINY = 1e-30
"""In place of a largest value of zero, by which nothing can be divided."""


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    kernel: Tensor | None = None,
    gain: float = 1.0,
    demodulate: bool = True,
) -> Tensor:
    """Convolution whose weights each row's style scales and then brings to unit norm.

    Equal to the definition's own weights for each row, by scaling the maps before and after one
    convolution that all rows share; a row that is alone has its own weights, as they are fewer.

    Args:
        x: (N, I, H, W); in half precision, weight and style are first divided by their largest
            values, which changes nothing but keeps the sums in range.
        weight: (O, I, k, k).
        style: (N, I).
        kernel: if given, height and width are doubled with this filter.
        gain: factor of the result.
        demodulate: whether the weights are brought to unit norm.

    Returns:
        (N, O, H, W), or (N, O, 2H, 2W).
    """
    if x.dtype == torch.float16 and demodulate:
        largest = weight.abs().amax(dim=(1, 2, 3), keepdim=True)
        weight = weight / (largest.clamp(min=TINY) * math.sqrt(weight[0].numel()))
        style = style / style.abs().amax(dim=1, keepdim=True).clamp(min=TINY)
    if demodulate:
        power = style.square() @ weight.square().sum(dim=(2, 3)).T  # (N, O)
        norm = (power + EPSILON).rsqrt() * gain
    if is_alone(x):
        after = _maps(norm[0][:, None]) if demodulate else gain
        return _convolve(x, weight * _maps(style) * after, kernel)
    x = _convolve(x * _maps(style).to(x.dtype), weight, kernel)
    return x * _maps(norm).to(x.dtype) if demodulate else x * gain


def _convolve(x: Tensor, weight: Tensor, kernel: Tensor | None) -> Tensor:
    weight = weight.to(x.dtype)
    if kernel is None:
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return upsample_conv2d(x, weight, kernel)


def _maps(x: Tensor) -> Tensor:  # (N, C) -> (N, C, 1, 1)
    return x[:, :, None, None]


class SynthesisLayer(nn.Module):
    """[upsample,] modulated 3 × 3 convolution, constant noise, bias, activation, clamp."""

    def __init__(
        self, config: StyleGAN2Config, inputs: int, outputs: int, resolution: int, up: bool
    ):
        super().__init__()
        self.affine = FullyConnected(config.w_dim, inputs)
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        # the original has a filter in every layer, and hands its setting to those that upsample
        taps = config.resample_filter if up else USUAL_FILTER
        self.register_buffer("resample_filter", setup_filter(taps))
        self.noisy = config.use_noise
        if self.noisy:
            self.register_buffer("noise_const", torch.zeros(resolution, resolution))
            self.noise_strength = nn.Parameter(torch.zeros(()))
        self.up, self.clamp, self.demodulate = up, config.conv_clamp, config.demodulate
        self.activation = activation_of(config.activation)

    def forward(self, x: Tensor, style: Tensor, gain: float = 1.0) -> Tensor:
        kernel = self.resample_filter if self.up else None
        before = self.activation.before(gain)
        x = modulated_conv2d(x, self.weight, style, kernel, before, self.demodulate)
        if self.noisy:
            x = x.add_((self.noise_const * (self.noise_strength * before)).to(x.dtype))
        x = x.add_((self.bias * before).to(x.dtype)[:, None, None])
        x = self.activation(x, gain, inplace=True)
        if self.clamp is None:
            return x
        limit = x.clamp if x.requires_grad else x.clamp_  # gradients need what came in
        return limit(-self.clamp * gain, self.clamp * gain)


class ToRGB(nn.Module):
    """Modulated 1 × 1 convolution to the image's channels, without unit norm; bias, clamp."""

    def __init__(self, config: StyleGAN2Config, inputs: int):
        super().__init__()
        self.affine = FullyConnected(config.w_dim, inputs)
        self.weight = nn.Parameter(torch.zeros(config.img_channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))
        self.weight_scale = 1.0 / math.sqrt(inputs)
        self.clamp = config.conv_clamp

    def forward(self, x: Tensor, style: Tensor) -> Tensor:  # -> (N, C, H, W) float32
        height, width = x.shape[2:]
        weight = self.weight[:, :, 0, 0] * (style * self.weight_scale)[:, None]  # (N, C, inputs)
        x = x.movedim(1, -1).flatten(1, 2) @ weight.mT.to(x.dtype)  # (N, H * W, C)
        x = (x + self.bias.to(x.dtype)).unflatten(1, (height, width)).movedim(-1, 1).float()
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ResidualPath(nn.Module):
    """1 × 1 convolution and doubling of height and width, beside a block of `resnet`."""

    def __init__(self, config: StyleGAN2Config, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 1, 1))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))
        self.weight_scale = 1.0 / math.sqrt(inputs)

    def forward(self, x: Tensor, gain: float) -> Tensor:
        x = F.conv2d(x, (self.weight * (self.weight_scale * gain)).to(x.dtype))
        return upsample2d(x, self.resample_filter)


class SynthesisBlock(nn.Module):
    """The layers of one resolution.

    Args:
        inputs: feature maps of the block before; 0 for the first one, which starts from a learned
            constant.
    """

    def __init__(self, config: StyleGAN2Config, inputs: int, outputs: int, resolution: int):
        super().__init__()
        self.half = resolution >= config.half_from
        self.residual = bool(inputs) and config.architecture == "resnet"
        taps = config.image_filter or config.resample_filter
        self.register_buffer("resample_filter", setup_filter(taps))
        if inputs:
            self.conv0 = SynthesisLayer(config, inputs, outputs, resolution, up=True)
        else:
            self.const = nn.Parameter(torch.zeros(outputs, resolution, resolution))
        self.conv1 = SynthesisLayer(config, outputs, outputs, resolution, up=False)
        self.to_image = resolution == config.img_resolution or config.architecture == "skip"
        if self.to_image:
            self.torgb = ToRGB(config, outputs)
        if self.residual:
            self.skip = ResidualPath(config, inputs, outputs)

    def affines(self) -> list[FullyConnected]:
        """The affine layers in the order in which `forward` takes their outputs."""
        names = ("conv0", "conv1", "torgb")
        return [getattr(self, name).affine for name in names if hasattr(self, name)]

    def forward(
        self, x: Tensor | None, image: Tensor | None, styles: Sequence[Tensor], half: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Feature maps and image of the block before -> those of this one."""
        dtype = torch.float16 if half and self.half else torch.float32
        style = iter(styles)
        gain = math.sqrt(0.5) if self.residual else 1.0
        if x is None:
            x = self.const.to(dtype).expand(len(styles[0]), -1, -1, -1)
            x = x.contiguous(memory_format=torch.channels_last)
        else:
            before = x = x.to(dtype)
            x = self.conv0(x, next(style))
        x = self.conv1(x, next(style), gain)
        if self.residual:
            x = x + self.skip(before, gain)
        if image is not None:
            image = upsample2d(image, self.resample_filter)
        if self.to_image:
            added = self.torgb(x, next(style))
            image = added if image is None else image + added
        return x, image
