"""StyleGAN3, T and R: the network with NVlabs' names of weights.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.network import StyleGANNetwork
from stylegan_ft.architectures.stylegan3.layers import (
    Signal,
    SynthesisInput,
    SynthesisLayer,
    ToRGB,
)
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config


def signals(config: StyleGAN3Config) -> list[Signal]:
    """What each layer gives, the first one's first: `num_layers` of them, then the image.

    Cut-off frequencies and stopbands grow geometrically up to the critical layers. Each sampling
    rate is the power of two that holds the stopband, at most the image's.
    """
    resolution, layers = config.img_resolution, config.num_layers
    growth = np.minimum(np.arange(layers + 1) / (layers - config.num_critical), 1.0)
    last_cutoff = resolution / 2
    last_stopband = last_cutoff * config.last_stopband_rel
    cutoffs = config.first_cutoff * (last_cutoff / config.first_cutoff) ** growth
    stopbands = config.first_stopband * (last_stopband / config.first_stopband) ** growth
    octaves = np.log2(np.minimum(2 * stopbands, resolution))
    rates = 2.0 ** np.ceil(octaves.round(9))  # an octave may be whole but for rounding: 256 × 256
    half_widths = np.maximum(stopbands, rates / 2) - cutoffs
    sizes = rates + 2 * config.margin_size
    sizes[-2:] = resolution
    channels = np.rint(np.minimum(config.channel_base / 2 / cutoffs, config.channel_max))
    channels[-1] = config.img_channels
    return [
        Signal(int(count), int(size), int(rate), float(cutoff), float(half_width))
        for count, size, rate, cutoff, half_width in zip(
            channels, sizes, rates, cutoffs, half_widths, strict=True
        )
    ]


class StyleGAN3(StyleGANNetwork):
    """The network of such settings; see `StyleGANNetwork` for what it has and does.

    The first style turns and shifts the input: a direction (cos, sin) and a shift (x, y).
    """

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config, config.w_dim, config.w_dim)
        targets = signals(config)
        self.synthesis = nn.ModuleDict({"input": SynthesisInput(config.w_dim, targets[0])})
        self._half = []  # whether the original runs the layer in half precision
        for k, target in enumerate(targets):
            source = targets[max(k - 1, 0)]
            name = f"L{k}_{target.size}_{target.channels}"
            self._half.append(target.rate * 2**config.num_fp16_res > config.img_resolution)
            if target is targets[-1]:
                layer = ToRGB(config.w_dim, source.channels, target.channels, config.conv_clamp)
            else:
                critical = k >= config.num_layers - config.num_critical
                radial = config.use_radial_filters and not critical
                layer = SynthesisLayer(config, source, target, radial)
            self.synthesis[name] = layer
        self.num_ws = len(self.synthesis)
        self.style_sizes = tuple(len(layer.affine.bias) for layer in self.synthesis.values())
        self.row_numbers = max(target.channels * target.size**2 for target in targets)

    def styles(self, ws: Tensor) -> list[Tensor]:
        layers = zip(self.synthesis.values(), ws.unbind(1), strict=True)
        return [layer.affine(w) for layer, w in layers]

    def style_weights(self) -> list[tuple[int, Tensor]]:
        affines = [layer.affine for layer in self.synthesis.values()]
        return [(k, affine.weight * affine.weight_scale) for k, affine in enumerate(affines)]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        first, *layers = self.synthesis.values()
        x = first(styles[0])
        for layer, style, halved in zip(layers, styles[1:], self._half, strict=True):
            x = layer(x.to(torch.float16 if half and halved else torch.float32), style)
        return x.float() * self.config.output_scale
