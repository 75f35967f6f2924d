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
from torch.autograd.function import once_differentiable

SLOPE = 0.2
"""Negative slope of every leaky ReLU."""

EPSILON = 1e-8
"""Added to mean squares before their root is taken."""

FUSED_FROM = 128
"""Resolution from which upsampling and convolution are one transposed convolution."""


def pixel_norm(x: Tensor) -> Tensor:
    """Divides each row by the root of its mean square; (N, D) -> (N, D)."""
    return x / torch.sqrt(x.square().mean(dim=1, keepdim=True) + EPSILON)


class _StyleNorm(torch.autograd.Function):
    """`style_norm` with its gradient in closed form: a third faster in training than autograd's."""

    @staticmethod
    def forward(ctx, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        centred = x - _means(x, scale)
        inverse = _inverse_std(centred)
        ctx.save_for_backward(centred, scale, inverse)
        return torch.addcmul(_maps(shift), centred, _maps(scale * inverse))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        centred, scale, inverse = ctx.saved_tensors
        pixels = centred.shape[2] * centred.shape[3]
        d_shift = grad.sum(dim=(2, 3))
        d_scale = (grad * centred).sum(dim=(2, 3)) * inverse
        slope = scale * inverse
        by_x = -slope * inverse * d_scale / pixels
        constant = -slope * d_shift / pixels
        d_x = torch.addcmul(_maps(constant), centred, _maps(by_x)).addcmul_(grad, _maps(slope))
        return d_x, d_scale, d_shift


def _means(x: Tensor, scale: Tensor) -> Tensor:
    """Means (N, C, 1, 1) of feature maps, in the type of a style, as all statistics here."""
    return x.mean(dim=(2, 3), keepdim=True, dtype=scale.dtype)


def _inverse_std(centred: Tensor) -> Tensor:
    """One over the deviations (N, C) of feature maps whose means are taken off.

    The difference of mean square and squared mean would save a pass, and lose all digits where a
    map hardly varies around a large mean.
    """
    return torch.rsqrt(centred.square().mean(dim=(2, 3)) + EPSILON)


def _maps(x: Tensor) -> Tensor:  # (N, C) -> (N, C, 1, 1)
    return x[:, :, None, None]


def style_norm(x: Tensor, scale: Tensor, shift: Tensor, inplace: bool = False) -> Tensor:
    """Instance norm, then modulation by a style: the channel's mean is `shift`, its std `scale`.

    Args:
        x: feature maps (N, C, H, W).
        scale, shift: (N, C).
        inplace: whether x may be overwritten where no gradient is asked for, which saves the time
            that the second pass over it takes.
    """
    if torch.is_grad_enabled() and any(given.requires_grad for given in (x, scale, shift)):
        return _StyleNorm.apply(x, scale, shift)
    means = _means(x, scale)
    centred = x.sub_(means) if inplace and x.dtype == means.dtype else x - means
    slope = scale * _inverse_std(centred)
    return torch.addcmul(_maps(shift), centred, _maps(slope), out=centred)


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


class _Symmetric(torch.autograd.Function):
    """Depthwise convolution with a symmetric kernel: its gradient is the same operation."""

    @staticmethod
    def forward(ctx, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.save_for_backward(kernel)
        kernel = kernel.to(x.dtype)  # which autocast has made smaller
        return F.conv2d(x, kernel, padding=kernel.shape[-1] // 2, groups=x.shape[1])

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        return _Symmetric.apply(grad, *ctx.saved_tensors), None


class Blur(nn.Module):
    """Depthwise 3 × 3 binomial filter [1, 2, 1] ⊗ [1, 2, 1] / 16 with zeros around the image."""

    def __init__(self, channels: int):
        super().__init__()
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(line, line).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:  # (N, C, H, W)
        return _Symmetric.apply(x, self.kernel)


class Noise(nn.Module):
    """Adds, in place, a bias and weighted noise to feature maps.

    The noise is the stored one, or a fresh one for each row where a generator is given.

    Args:
        noise_type: "spatial", an image that each channel weighs, or "channel", a number for each
            channel that each pixel weighs.
    """

    def __init__(
        self, resolution: int, channels: int, rng: torch.Generator, noise_type: str = "spatial"
    ):
        super().__init__()
        image, spatial = (resolution, resolution), noise_type == "spatial"
        shape = (1, 1, *image) if spatial else (1, channels, 1, 1)
        self.register_buffer("noise", torch.randn(shape, generator=rng))
        self.weight = nn.Parameter(torch.zeros(channels if spatial else image))

    def forward(self, x: Tensor, bias: Tensor, rng: torch.Generator | None) -> Tensor:
        noise = self.noise
        if rng is not None:
            noise = torch.randn(len(x), *noise.shape[1:], generator=rng, device=rng.device)
        if self.weight.ndim == 2:
            return x.add_(noise.to(x) * self.weight + bias[:, None, None])
        added = noise.to(x).movedim(1, 3) * self.weight + bias  # (1 or N, H, W, C)
        return x.add_(added.movedim(3, 1))


class Style(nn.Module):
    """Affine map from w to a scale (around 1) and a shift for each channel."""

    def __init__(self, w_dim: int, channels: int, rng: torch.Generator):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2 * channels, w_dim, generator=rng))
        self.bias = nn.Parameter(torch.zeros(2 * channels))
        self.weight_scale = 1.0 / math.sqrt(w_dim)

    def forward(self, w: Tensor) -> tuple[Tensor, Tensor]:  # (N, w_dim) -> (N, C), (N, C)
        weight, bias = self.weight * self.weight_scale, self.bias
        if w.device.type == "cpu" and not torch.is_grad_enabled():
            # A product rounds differently for other numbers of rows, and instance norm amplifies
            # that; in double precision it does not show, so images do not depend on the batch.
            style = F.linear(w.double(), weight.double(), bias.double()).float()
        else:
            style = F.linear(w, weight, bias)
        scale, shift = style.chunk(2, dim=1)
        return scale + 1.0, shift


class ConstLayer(nn.Module):
    """First layer of synthesis: the learned constant image, noise, bias, leaky ReLU, style."""

    def __init__(
        self, channels: int, w_dim: int, rng: torch.Generator, noise_type: str = "spatial"
    ):
        super().__init__()
        self.const = nn.Parameter(torch.ones(1, channels, 4, 4))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.apply_noise = Noise(4, channels, rng, noise_type)
        self.style = Style(w_dim, channels, rng)

    def forward(self, w: Tensor, rng: torch.Generator | None) -> Tensor:  # -> (N, C, 4, 4)
        rows = 1 if rng is None else len(w)  # one row serves all where the noise is the stored one
        x = self.apply_noise(self.const.repeat(rows, 1, 1, 1), self.bias, rng)
        x = F.leaky_relu(x, SLOPE).expand(len(w), -1, -1, -1)
        x = style_norm(x, *self.style(w))  # (N, C, 4, 4)
        return x.contiguous(memory_format=torch.channels_last)


class InputLayer(nn.Module):
    """First layer of synthesis without a constant: w becomes maps of 4 × 4 by a convolution that
    meets it in one pixel alone; then noise, bias, leaky ReLU, style.
    """

    def __init__(
        self, channels: int, w_dim: int, rng: torch.Generator, noise_type: str = "spatial"
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, w_dim, 4, 4, generator=rng))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.weight_scale = math.sqrt(2.0 / (16 * w_dim))
        self.apply_noise = Noise(4, channels, rng, noise_type)
        self.style = Style(w_dim, channels, rng)

    def forward(self, w: Tensor, rng: torch.Generator | None) -> Tensor:  # -> (N, C, 4, 4)
        x = F.conv2d(w[:, :, None, None], self.weight * self.weight_scale, padding=3)
        x = F.leaky_relu(self.apply_noise(x, self.bias, rng), SLOPE, inplace=True)
        x = style_norm(x, *self.style(w), inplace=True)
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
        noise_type: str = "spatial",
    ):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3, generator=rng))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_scale = math.sqrt(2.0 / (9 * inputs))
        self.upsample = upsample
        self.fused = resolution >= FUSED_FROM
        if upsample:
            self.blur = Blur(outputs)
        self.apply_noise = Noise(resolution, outputs, rng, noise_type)
        self.style = Style(w_dim, outputs, rng)

    def forward(self, x: Tensor, w: Tensor, rng: torch.Generator | None) -> Tensor:
        weight = self.weight * self.weight_scale
        if self.upsample:
            x = upsample_conv_turned(x, weight) if self.fused else upsample_conv(x, weight)
            x = self.blur(x)
        else:
            x = F.conv2d(x, weight, padding=1)
        x = self.apply_noise(x, self.bias, rng)
        return style_norm(F.leaky_relu(x, SLOPE, inplace=True), *self.style(w), inplace=True)


def upsample(x: Tensor) -> Tensor:
    """Doubles height and width by repeating pixels."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def upsample_conv(x: Tensor, weight: Tensor) -> Tensor:
    """`upsample`, then a 3 × 3 convolution; (N, I, H, W), (O, I, 3, 3) -> (N, O, 2H, 2W).

    Both are done as one transposed convolution, which takes 4/9 of the multiplications.
    """
    return upsample_conv_turned(x, weight.flip(2, 3))


def upsample_conv_turned(x: Tensor, weight: Tensor) -> Tensor:
    """As `upsample_conv` with the kernel turned by 180 degrees: the original's from 128 × 128."""
    weight = F.pad(weight, (1, 1, 1, 1))  # (O, I, 5, 5)
    weight = weight[:, :, 1:] + weight[:, :, :-1]
    weight = weight[..., 1:] + weight[..., :-1]  # (O, I, 4, 4)
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
