"""Settings of StyleGAN3, T and R, given or from the arguments in NVlabs' pickles."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.settings import (
    TRAINING,
    Keywords,
    check_sizes,
    config_of,
    finite,
)

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
        check_sizes(self, z_dim=1, c_dim=0, w_dim=1, img_channels=1, num_fp16_res=0)
        check_sizes(self, img_resolution=(8, 8192), mapping_layers=(1, 64), channel_max=1)
        check_sizes(self, num_layers=(2, 128), num_critical=1, margin_size=(0, 1024))
        check_sizes(self, conv_kernel=(1, 15), filter_size=(1, 32), lrelu_upsampling=(1, 8))
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
    mapping.ignore("w_avg_beta", *TRAINING)
    for name in ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels"):
        settings[name] = given.take(name)
    for field in dataclasses.fields(StyleGAN3Config):
        if field.name not in settings:
            settings[field.name] = given.take(field.name, nested.take(field.name, field.default))
    given.ignore("magnitude_ema_beta", "fused_modconv_default", *TRAINING)
    nested.ignore("magnitude_ema_beta", *TRAINING)
    return config_of(StyleGAN3Config, settings, given, mapping, nested)
