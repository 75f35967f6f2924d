"""Settings of StyleGAN2 and StyleGAN2-ADA, given or from the arguments in NVlabs' pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.mapping import activation_of
from stylegan_ft.architectures.settings import (
    TRAINING,
    Keywords,
    check_counts,
    check_sizes,
    check_switches,
    config_of,
    finite,
)

ARCHITECTURES = ("skip", "resnet", "orig")
"""How the image comes about: the sum of all blocks' images, by residual blocks, or plainly."""


USUAL_FILTER = (1.0, 3.0, 3.0, 1.0)
"""Taps of the filter where nothing else is said."""

MOST_TAPS = 64


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
        mapping_activation, activation: of mapping and synthesis, see
            `stylegan_ft.architectures.mapping.ACTIVATIONS`.
        architecture: "skip", "resnet" or "orig".
        resample_filter: taps of the filter of every change of resolution, 1 to 64 of them.
        image_filter: of that of the sum of images alone, where it is another; None for the same.
        use_noise: whether the layers add their constant noise.
        conv_clamp: largest absolute value that a layer gives, in any precision; None: no limit.
        joint_label: whether latent and embedded label are brought to a mean square of one as one
            vector, else each by itself.
        final_tanh: whether images pass a hyperbolic tangent.
        num_fp16_res: how many of the highest resolutions the original runs in half precision.
        demodulate: whether the layers' modulated weights are brought to unit norm.

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
    resample_filter: tuple[float, ...] = USUAL_FILTER
    activation: str = "lrelu"
    use_noise: bool = True
    conv_clamp: float | None = None
    num_fp16_res: int = 0
    joint_label: bool = False
    final_tanh: bool = False
    image_filter: tuple[float, ...] | None = None
    demodulate: bool = True

    def __post_init__(self):
        self._fill()
        check_sizes(self, z_dim=1, c_dim=0, w_dim=1, img_channels=1, num_fp16_res=0)
        check_sizes(self, embed_features=0, layer_features=1)
        check_sizes(self, img_resolution=(4, 8192), mapping_layers=(1, 64))
        check_counts("channels", self.channels)
        if self.img_resolution != 2 ** (len(self.channels) + 1):
            raise InputError(
                f"img_resolution {self.img_resolution}, channels {self.channels}: the resolution "
                "must be a power of two, with a number of channels for each one from 4 up"
            )
        if self.architecture not in ARCHITECTURES:
            raise InputError(
                f"architecture {self.architecture!r}: it must be one of {', '.join(ARCHITECTURES)}"
            )
        for name in ("resample_filter", "image_filter"):
            taps = getattr(self, name)
            if taps is not None and (not 1 <= len(taps) <= MOST_TAPS or not sum(taps)):
                raise InputError(f"{name} {taps}: it must have 1 to {MOST_TAPS} taps and a sum")
        check_switches(self, "use_noise", "joint_label", "final_tanh", "demodulate")
        activation_of(self.activation)
        activation_of(self.mapping_activation)

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
            "resample_filter": _taps("resample_filter", self.resample_filter),
            "image_filter": None
            if self.image_filter is None
            else _taps("image_filter", self.image_filter),
            "embed_features": embed if self.c_dim else 0,
            "layer_features": self.w_dim if self.layer_features is None else self.layer_features,
            "lr_multiplier": finite("lr_multiplier", self.lr_multiplier),
            "conv_clamp": None if clamp is None else finite("conv_clamp", clamp),
        }
        for name, value in settings.items():
            object.__setattr__(self, name, value)


def _taps(name: str, value: object) -> tuple[float, ...]:
    return tuple(finite(f"a tap of {name}", tap) for tap in _listed(name, value))


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
    given.ignore("fused_modconv_default", *TRAINING)
    synthesis.ignore("fp16_channels_last", "fused_modconv_default", *TRAINING)
    mapping.ignore("w_avg_beta", *TRAINING)
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
        "resample_filter": _official_taps(synthesis.take("resample_filter", USUAL_FILTER)),
        "activation": synthesis.take("activation", "lrelu"),
        "use_noise": synthesis.take("use_noise", True),
        "conv_clamp": synthesis.take("conv_clamp", None if nested else 256),
        "num_fp16_res": synthesis.take("num_fp16_res", 0 if nested else 4),
    }
    return config_of(StyleGAN2Config, settings, given, mapping, synthesis)


def _official_taps(given: object) -> object:
    """NVlabs' argument, in which None and a number stand for a filter of one tap."""
    return (1.0,) if given is None or isinstance(given, int | float) else given


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
