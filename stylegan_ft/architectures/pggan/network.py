"""PGGAN's generator: from a latent to an image by convolutions alone, without w or noise.

Karras et al., "Progressive Growing of GANs for Improved Quality, Stability, and Variation" (2018),
grown to its full resolution. Each layer brings every pixel's feature maps to a mean square of one
before it convolves.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_ft.architectures.pggan.settings import PGGANConfig
from stylegan_ft.architectures.stylegan1.layers import SLOPE, pixel_norm, upsample_conv


class Layer(nn.Module):
    """Pixel norm, [doubling of height and width by repeating,] convolution, bias; equalised."""

    def __init__(self, inputs: int, outputs: int, side: int, gain: float = math.sqrt(2.0)):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_scale = gain / math.sqrt(inputs * side**2)

    def forward(self, x: Tensor, padding: int = 0, up: bool = False) -> Tensor:
        x, weight = pixel_norm(x), self.weight * self.weight_scale
        if up:
            return upsample_conv(x, weight) + self.bias[:, None, None]
        return F.conv2d(x, weight, self.bias, padding=padding)


class Latent(nn.Module):
    """What a mapping is to the other generators: the latent with its label behind it."""

    def forward(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        return {"z": z if label is None else torch.cat([z, label], dim=1)}


class PGGAN(nn.Module):
    """The network of such settings; all weights are zero until a state dict is loaded."""

    def __init__(self, config: PGGANConfig):
        super().__init__()
        self.config = config
        self.mapping = Latent()
        self.layers = nn.ModuleList()
        inputs = config.z_dim + config.label_dim
        for k, outputs in enumerate(config.channels):
            self.layers.append(Layer(inputs, outputs, 3 if k else 4))
            self.layers.append(Layer(outputs, outputs, 3))
            inputs = outputs
        self.output = Layer(inputs, config.image_channels, 1, gain=1.0)

    def forward(self, latents: Tensor) -> Tensor:
        """Images (N, C, R, R) of latents (N, z_dim + label_dim), the label last."""
        config = self.config
        if config.label_dim and not config.joint_label:
            z, label = latents.split([config.z_dim, config.label_dim], dim=1)
            # genforce's: a length of z_dim, beside which a label is small
            latents = torch.cat([pixel_norm(z) * math.sqrt(config.z_dim), label], dim=1)
        x = latents[:, :, None, None]
        for k, layer in enumerate(self.layers):
            x = layer(x, padding=1 if k else 3, up=k > 0 and k % 2 == 0)
            x = F.leaky_relu(x, SLOPE, inplace=True)
            if k == 0:
                x = x.contiguous(memory_format=torch.channels_last)
        image = self.output(x)
        if config.final_activation == "tanh":
            return torch.tanh(image)
        return image.clamp(-1.0, 1.0) if config.final_activation == "hardtanh" else image

    def style_weights(self) -> list[tuple[int, Tensor]]:
        """None: no layer takes a w."""
        return []
