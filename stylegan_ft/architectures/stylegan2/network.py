"""StyleGAN2 and StyleGAN2-ADA: settings, and the network with NVlabs' names of weights.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020) and "Training
Generative Adversarial Networks with Limited Data" (2020).

StyleGAN2 and StyleGAN3 offer the same few things, which `stylegan_ft.architectures.adapter` uses:

    network.config          z_dim, c_dim, w_dim, img_resolution, img_channels among its fields
    network.mapping         a `MappingNetwork`
    network.num_ws          how many w vectors synthesis takes
    network.style_sizes     the size of each affine layer's output, in the network's order
    network.row_numbers     numbers in the largest feature maps of one image
    network.styles(ws)      (N, num_ws, w_dim), truncated or not -> list of (N, style_sizes[i])
    network.images(styles, half=False)
                            that list -> (N, C, H, W) float32; half: the layers that the original
                            runs in half precision do so
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.mapping import MappingNetwork, slope_and_gain
from stylegan_ft.architectures.settings import (
    LARGEST,
    Keywords,
    check_sizes,
    config_of,
    finite,
)
from stylegan_ft.architectures.stylegan2.layers import SynthesisBlock

ARCHITECTURES = ("skip", "resnet", "orig")
"""How the image comes about: the sum of all blocks' images, by residual blocks, or plainly."""

MOST = {"img_resolution": 8192, "mapping_layers": 64}
"""Largest values of settings from which sizes follow: a file that asks for more is damaged."""


@dataclass(frozen=True)
class StyleGAN2Config:
    """Sizes and choices of a StyleGAN2 generator.

    Args:
        img_resolution: side of the images in pixels, a power of two from 4 to 8192.
        channels: feature maps of each block, 4 × 4 first.
        c_dim: numbers in a label; 0 for a generator without labels.
        mapping_layers: dense layers from z to w.
        embed_features: numbers that the label becomes; None for w_dim.
        layer_features: width of the mapping's layers; None for w_dim.
        lr_multiplier: of the mapping's layers.
        mapping_activation, activation: "lrelu", "relu" or "linear", of mapping and synthesis.
        architecture: "skip", "resnet" or "orig".
        resample_filter: taps of the filter of every change of resolution.
        use_noise: whether the layers add their constant noise.
        conv_clamp: largest absolute value that a layer gives, in any precision; None: no limit.
        num_fp16_res: how many of the highest resolutions the original runs in half precision.

    Raises:
        InputError: a setting is not one of the allowed ones.
    """

    img_resolution: int
    channels: tuple[int, ...]
    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_channels: int = 3
    mapping_layers: int = 8
    embed_features: int | None = None
    layer_features: int | None = None
    lr_multiplier: float = 0.01
    mapping_activation: str = "lrelu"
    architecture: str = "skip"
    resample_filter: tuple[float, ...] = (1.0, 3.0, 3.0, 1.0)
    activation: str = "lrelu"
    use_noise: bool = True
    conv_clamp: float | None = None
    num_fp16_res: int = 0

    def __post_init__(self):
        self._fill()
        check_sizes(self, img_resolution=4, z_dim=1, c_dim=0, w_dim=1, img_channels=1)
        check_sizes(self, mapping_layers=1, embed_features=0, layer_features=1, num_fp16_res=0)
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise InputError(f"{name} {getattr(self, name)}: it must be at most {most}")
        if self.img_resolution != 2 ** (len(self.channels) + 1) or not all(
            type(count) is int and 1 <= count <= LARGEST for count in self.channels
        ):
            raise InputError(
                f"img_resolution {self.img_resolution}, channels {self.channels}: the resolution "
                "must be a power of two, with a number of channels for each one from 4 up"
            )
        if self.architecture not in ARCHITECTURES:
            raise InputError(
                f"architecture {self.architecture!r}: it must be one of {', '.join(ARCHITECTURES)}"
            )
        if not 2 <= len(self.resample_filter) <= 64 or not sum(self.resample_filter):
            raise InputError(
                f"resample_filter {self.resample_filter}: it must have 2 to 64 taps and a sum"
            )
        if type(self.use_noise) is not bool:
            raise InputError(f"use_noise {self.use_noise!r}: it must be True or False")
        slope_and_gain(self.activation)
        slope_and_gain(self.mapping_activation)

    @property
    def half_from(self) -> int:
        """The lowest resolution that the original runs in half precision."""
        return max(2 * self.img_resolution // 2**self.num_fp16_res, 8)

    def _fill(self) -> None:
        """Brings the settings to their types, and puts numbers where None stands for one."""
        clamp = self.conv_clamp
        embed = self.w_dim if self.embed_features is None else self.embed_features
        settings = {
            "channels": _listed("channels", self.channels),
            "resample_filter": tuple(
                finite("a tap of resample_filter", tap)
                for tap in _listed("resample_filter", self.resample_filter)
            ),
            "embed_features": embed if self.c_dim else 0,
            "layer_features": self.w_dim if self.layer_features is None else self.layer_features,
            "lr_multiplier": finite("lr_multiplier", self.lr_multiplier),
            "conv_clamp": None if clamp is None else finite("conv_clamp", clamp),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)


def _listed(name: str, value: object) -> tuple:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f"{name} {value!r}: it must be a list of numbers")
    return tuple(value)


def config_from_official(init_kwargs: Mapping[str, Any]) -> StyleGAN2Config:
    """The settings from the keyword arguments that an official pickle keeps of its generator.

    Args:
        init_kwargs: of stylegan2-ada-pytorch, with `synthesis_kwargs`, or of stylegan3's
            StyleGAN2, whose arguments of synthesis stand beside the others. The two differ in
            their defaults: stylegan3's clamps at 256 and has four resolutions in half precision.

    Raises:
        CheckpointError: an argument is missing, unknown, or not an allowed one.
    """
    given = Keywords("the generator's arguments", init_kwargs)
    mapping = Keywords("mapping_kwargs", given.take("mapping_kwargs", {}))
    nested = "synthesis_kwargs" in given.left
    synthesis = Keywords("synthesis_kwargs", given.take("synthesis_kwargs")) if nested else given
    synthesis.ignore("fp16_channels_last", "fused_modconv_default")
    mapping.ignore("w_avg_beta")
    if synthesis.take("kernel_size", 3) != 3:
        raise CheckpointError("the generator's kernel_size is not 3, which this library needs")
    resolution = given.take("img_resolution")
    base, most = synthesis.take("channel_base", 32768), synthesis.take("channel_max", 512)
    settings = {
        "channels": _channels(resolution, base, most),
        "img_resolution": resolution,
        **{name: given.take(name) for name in ("z_dim", "c_dim", "w_dim", "img_channels")},
        "mapping_layers": mapping.take("num_layers", 8),
        "embed_features": mapping.take("embed_features", None),
        "layer_features": mapping.take("layer_features", None),
        "lr_multiplier": mapping.take("lr_multiplier", 0.01),
        "mapping_activation": mapping.take("activation", "lrelu"),
        "architecture": synthesis.take("architecture", "skip"),
        "resample_filter": synthesis.take("resample_filter", (1, 3, 3, 1)),
        "activation": synthesis.take("activation", "lrelu"),
        "use_noise": synthesis.take("use_noise", True),
        "conv_clamp": synthesis.take("conv_clamp", None if nested else 256),
        "num_fp16_res": synthesis.take("num_fp16_res", 0 if nested else 4),
    }
    return config_of(StyleGAN2Config, settings, given, mapping, synthesis)


def _channels(resolution: int, base: int, most: int) -> tuple[int, ...]:
    """Feature maps of each block: `base // size`, at most `most`."""
    for name, value in (
        ("img_resolution", resolution),
        ("channel_base", base),
        ("channel_max", most),
    ):
        if type(value) is not int or not 1 <= value <= 2**30:
            raise CheckpointError(f"the generator's {name} {value!r} is no whole number from 1")
    return tuple(min(base // 2**k, most) for k in range(2, resolution.bit_length()))


class StyleGAN2(nn.Module):
    """Mapping and synthesis; all weights are zero until a state dict is loaded.

    Attributes:
        num_ws, style_sizes, row_numbers: see the module's text.
    """

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            config.mapping_layers,
            config.embed_features,
            config.layer_features,
            config.mapping_activation,
            config.lr_multiplier,
        )
        self.synthesis = nn.ModuleDict()
        self._ws: list[int] = []  # which w each affine layer takes
        inputs = used = 0
        for k, outputs in enumerate(config.channels):
            resolution = 4 * 2**k
            block = SynthesisBlock(config, inputs, outputs, resolution)
            self.synthesis[f"b{resolution}"] = block
            self._ws += range(used, used + len(block.affines()))
            used += len(block.affines()) - block.to_image  # the next block takes that w again
            inputs = outputs
        self.num_ws = used + 1
        self.style_sizes = tuple(affine.weight.shape[0] for affine in self._affines())
        sizes = enumerate(config.channels)
        self.row_numbers = max(count * (4 * 2**k) ** 2 for k, count in sizes)

    def styles(self, ws: Tensor) -> list[Tensor]:
        """Outputs of all affine layers, (N, style_sizes[i]) each, of ws (N, num_ws, w_dim)."""
        pairs = zip(self._affines(), self._ws, strict=True)
        return [affine(ws[:, index]) for affine, index in pairs]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        """Images (N, C, R, R) float32 of the affine layers' outputs.

        Args:
            half: whether the highest resolutions run in half precision, as the original's do on a
                GPU.
        """
        x = image = None
        first = 0
        for block in self.synthesis.values():
            last = first + len(block.affines())
            x, image = block(x, image, styles[first:last], half)
            first = last
        return image

    def forward(self, z: Tensor, c: Tensor | None = None, psi: float = 1.0) -> Tensor:
        """Images of latents (N, z_dim) and labels (N, c_dim)."""
        ws = self.mapping(z, c)["w"][:, None].expand(-1, self.num_ws, -1)
        return self.images(self.styles(self.mapping.truncate(ws, psi)))

    def _affines(self) -> list[nn.Module]:
        return [affine for block in self.synthesis.values() for affine in block.affines()]
