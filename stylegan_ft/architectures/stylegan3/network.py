"""StyleGAN3, T and R: settings, and the network with NVlabs' names of weights.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021). The network offers the same few
things as StyleGAN2; see `stylegan_ft.architectures.stylegan2.network`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.settings import Keywords, check_sizes, config_of, finite
from stylegan_ft.architectures.stylegan3.layers import (
    Signal,
    SynthesisInput,
    SynthesisLayer,
    ToRGB,
)

MOST = {
    "img_resolution": 8192,
    "mapping_layers": 64,
    "num_layers": 128,
    "margin_size": 1024,
    "conv_kernel": 15,
    "filter_size": 32,
    "lrelu_upsampling": 8,
}
"""Largest values of settings from which sizes follow: a file that asks for more is damaged."""

CONFIG_R = {
    "conv_kernel": 1,
    "channel_base": 65536,
    "channel_max": 1024,
    "use_radial_filters": True,
}
"""The settings in which the original's configuration R differs from T, whose are the defaults."""


@dataclass(frozen=True)
class StyleGAN3Config:
    """Sizes and choices of a StyleGAN3 generator; the defaults are those of configuration T.

    Frequencies are in cycles an image width.

    Args:
        img_resolution: side of the images in pixels, a power of two from 8.
        c_dim: numbers in a label; 0 for a generator without labels.
        mapping_layers: dense layers from z to w.
        lr_multiplier: of the mapping's layers.
        channel_base, channel_max: a layer has `channel_base / (2 * cutoff)` feature maps, at most
            `channel_max`.
        num_layers: layers between the input and the last one, which makes the image.
        num_critical: how many of them, the last ones, keep all frequencies that pixels can hold.
        first_cutoff, first_stopband: the first layer's cut-off frequency, and the frequency from
            which on its filter lets nothing pass.
        last_stopband_rel: the last layer's stopband, divided by its cut-off frequency.
        margin_size: pixels around the image that the layers compute too.
        output_scale: factor of the image.
        num_fp16_res: how many of the highest resolutions the original runs in half precision.
        conv_kernel: side of the convolutions' kernels.
        filter_size: taps of the filters for each pixel of the lower resolution.
        lrelu_upsampling: the leaky ReLU's sampling rate, divided by its layer's.
        use_radial_filters: whether the downsampling filters are the same in all directions.
        conv_clamp: largest absolute value that a layer gives; None: no limit.

    Raises:
        InputError: a setting is not one of the allowed ones.
    """

    img_resolution: int
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    mapping_layers: int = 2
    lr_multiplier: float = 0.01
    channel_base: int = 32768
    channel_max: int = 512
    num_layers: int = 14
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2.0**2.1
    last_stopband_rel: float = 2.0**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    num_fp16_res: int = 4
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    use_radial_filters: bool = False
    conv_clamp: float | None = 256.0

    def __post_init__(self):
        check_sizes(self, img_resolution=8, z_dim=1, c_dim=0, w_dim=1, img_channels=1)
        check_sizes(self, mapping_layers=1, channel_max=1, num_layers=2, num_critical=1)
        check_sizes(self, margin_size=0, num_fp16_res=0, conv_kernel=1, filter_size=1)
        check_sizes(self, lrelu_upsampling=1)
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise InputError(f"{name} {getattr(self, name)}: it must be at most {most}")
        resolution, base = self.img_resolution, self.channel_base
        if resolution & (resolution - 1):
            raise InputError(f"img_resolution {resolution}: it must be a power of two")
        if self.num_critical >= self.num_layers:
            raise InputError(
                f"num_critical {self.num_critical}: it must be below num_layers {self.num_layers}"
            )
        if type(base) is not int or not resolution <= base <= 2**30:
            raise InputError(
                f"channel_base {base!r}: it must be a whole number from img_resolution, "
                f"{resolution}, to {2**30}"
            )
        self._floats(
            lr_multiplier=(1e-6, 1e6),
            first_cutoff=(1.0, resolution / 2),
            first_stopband=(1.0, resolution),
            last_stopband_rel=(1.0, 16.0),
            output_scale=(1e-6, 1e6),
        )
        if self.conv_clamp is not None:
            self._floats(conv_clamp=(1e-6, 1e6))
        object.__setattr__(self, "use_radial_filters", bool(self.use_radial_filters))

    def _floats(self, **ranges: tuple[float, float]) -> None:
        """Turns settings into floats; InputError unless they lie in their ranges."""
        for name, (least, most) in ranges.items():
            value = finite(name, getattr(self, name))
            if not least <= value <= most:
                raise InputError(f"{name} {value:g}: it must be from {least:g} to {most:g}")
            object.__setattr__(self, name, value)


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


def config_from_official(init_kwargs: Mapping[str, Any]) -> StyleGAN3Config:
    """The settings from the keyword arguments that an official pickle keeps of its generator.

    Args:
        init_kwargs: those of synthesis may stand beside the others, as in stylegan3, or in
            `synthesis_kwargs`.

    Raises:
        CheckpointError: an argument is missing, unknown, or not an allowed one.
    """
    given = Keywords("the generator's arguments", init_kwargs)
    mapping = Keywords("mapping_kwargs", given.take("mapping_kwargs", {}))
    nested = Keywords("synthesis_kwargs", given.take("synthesis_kwargs", {}))
    settings = {"mapping_layers": mapping.take("num_layers", 2)}
    settings["lr_multiplier"] = mapping.take("lr_multiplier", 0.01)
    mapping.ignore("w_avg_beta", "freeze_layers", "freeze_embed")
    for name in ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels"):
        settings[name] = given.take(name)
    for field in dataclasses.fields(StyleGAN3Config):
        if field.name not in settings:
            settings[field.name] = given.take(field.name, nested.take(field.name, field.default))
    given.ignore("magnitude_ema_beta")
    nested.ignore("magnitude_ema_beta")
    return config_of(StyleGAN3Config, settings, given, mapping, nested)


class StyleGAN3(nn.Module):
    """Mapping and synthesis; the weights are zero until a state dict is loaded.

    Attributes:
        num_ws, style_sizes, row_numbers: see `stylegan_ft.architectures.stylegan2.network`. The
            first style turns and shifts the input: a direction (cos, sin) and a shift (x, y).
    """

    def __init__(self, config: StyleGAN3Config):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            config.mapping_layers,
            embed_features=config.w_dim,
            layer_features=config.w_dim,
            lr_multiplier=config.lr_multiplier,
        )
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
                layer = SynthesisLayer(
                    config.w_dim,
                    source,
                    target,
                    kernel=config.conv_kernel,
                    filter_size=config.filter_size,
                    upsampling=config.lrelu_upsampling,
                    radial=config.use_radial_filters and not critical,
                    clamp=config.conv_clamp,
                )
            self.synthesis[name] = layer
        self.num_ws = len(self.synthesis)
        self.style_sizes = tuple(len(layer.affine.bias) for layer in self.synthesis.values())
        self.row_numbers = max(target.channels * target.size**2 for target in targets)

    def styles(self, ws: Tensor) -> list[Tensor]:
        """Outputs of all affine layers, (N, style_sizes[i]) each, of ws (N, num_ws, w_dim)."""
        layers = zip(self.synthesis.values(), ws.unbind(1), strict=True)
        return [layer.affine(w) for layer, w in layers]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        """Images (N, C, R, R) float32 of the affine layers' outputs.

        Args:
            half: whether the highest resolutions run in half precision, as the original's do on a
                GPU.
        """
        first, *layers = self.synthesis.values()
        x = first(styles[0])
        for layer, style, halved in zip(layers, styles[1:], self._half, strict=True):
            x = layer(x.to(torch.float16 if half and halved else torch.float32), style)
        return x.float() * self.config.output_scale

    def forward(self, z: Tensor, c: Tensor | None = None, psi: float = 1.0) -> Tensor:
        """Images of latents (N, z_dim) and labels (N, c_dim)."""
        ws = self.mapping(z, c)["w"][:, None].expand(-1, self.num_ws, -1)
        return self.images(self.styles(self.mapping.truncate(ws, psi)))
