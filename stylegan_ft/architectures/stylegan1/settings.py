"""Sizes of a StyleGAN 1, without its network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.settings import check_counts, check_sizes, check_switches, finite

NOISE_TYPES = ("spatial", "channel")
"""What noise is: an image that each channel weighs, or a number for each channel."""


def default_channels(resolution: int, base: int = 16384, most: int = 512) -> tuple[int, ...]:
    """The original's channels of each block from 4 × 4 up: `min(base // size, most)`."""
    return tuple(min(base // 4 // 2**k, most) for k in range(int(math.log2(resolution)) - 1))


def block_count(resolution: int, channels: tuple[int, ...]) -> int:
    """Number of resolutions from 4 × 4 up; InputError unless there is one channel count each."""
    blocks = len(channels)
    if resolution < 8 or resolution & (resolution - 1):
        raise InputError(f"resolution {resolution}: it must be a power of two from 8")
    if resolution != 2 * 2**blocks:
        raise InputError(
            f"channels {tuple(channels)}: resolution {resolution} takes "
            f"{resolution.bit_length() - 2} numbers"
        )
    return blocks


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of a generator.

    Args:
        resolution: side of the images in pixels, a power of two from 8.
        label_dim: numbers in a label, 0 for a generator without labels.
        label_embedding: numbers that the label becomes before it joins z.
        split: whether the last two mapping layers have the second, wide path.
        channels: feature maps of each block, 4 × 4 first.
        hidden_dim, wide_dim: widths of the mapping's layers and of the second path.
        lr_mul: learning-rate multiplier of the mapping's layers.
        final_tanh: whether images pass a hyperbolic tangent.
        noise_type: "spatial", an image that each channel weighs, or "channel", a number for each
            channel that each pixel weighs.
        const_input: whether synthesis starts from a learned constant, else from w.
        repeat_w: whether one w serves all layers; else the mapping gives one for each, `w` being
            all of them, one after the other.

    Raises:
        InputError: a setting is not one of the allowed ones.
    """

    resolution: int = 64
    z_dim: int = 512
    w_dim: int = 512
    label_dim: int = 7
    label_embedding: int = 16
    split: bool = True
    channels: tuple[int, ...] = (128, 128, 96, 64, 32)
    hidden_dim: int = 512
    wide_dim: int = 2048
    mapping_layers: int = 8
    lr_mul: float = 0.01
    image_channels: int = 3
    final_tanh: bool = False
    noise_type: str = "spatial"
    const_input: bool = True
    repeat_w: bool = True

    def __post_init__(self):
        object.__setattr__(self, "channels", tuple(self.channels))
        check_sizes(self, resolution=(8, 8192), z_dim=1, w_dim=1, label_dim=0, label_embedding=0)
        check_sizes(self, hidden_dim=1, wide_dim=0, image_channels=1)
        check_sizes(self, mapping_layers=(3 if self.split else 1, 64))
        check_counts("channels", self.channels)
        block_count(self.resolution, self.channels)
        finite("lr_mul", self.lr_mul)
        check_switches(self, "final_tanh", "const_input", "repeat_w", "split")
        if self.noise_type not in NOISE_TYPES:
            raise InputError(
                f"noise_type {self.noise_type!r}: it must be {' or '.join(NOISE_TYPES)}"
            )
        if self.split and not self.repeat_w:
            raise InputError("repeat_w False: a split mapping gives one w; give split False")

    @property
    def synthesis_layers(self) -> int:
        """Layers of synthesis that take a w."""
        return 2 * len(self.channels)

    @property
    def w_size(self) -> int:
        """Numbers that the mapping gives."""
        return self.w_dim if self.repeat_w else self.w_dim * self.synthesis_layers

    @property
    def vectors(self) -> dict[str, int]:
        """What the mapping passes through, in order: name -> size of the vector."""
        trunk = self.mapping_layers - 2 if self.split else self.mapping_layers
        sizes = {"z": self.z_dim + self.label_dim}
        sizes |= {f"mapping.{i}": self.hidden_dim for i in range(trunk)}
        if self.split:
            sizes["mapping_split1"] = self.hidden_dim + self.wide_dim
            sizes["mapping_split2"] = 2 * self.w_dim
        else:
            sizes[f"mapping.{trunk - 1}"] = self.w_size
        return {**sizes, "w": self.w_size}

    @property
    def layers(self) -> dict[str, int]:
        """Where directions live by default: name -> size of the vector."""
        names = ("mapping_split1", "mapping_split2", "w") if self.split else ("z", "w")
        return {name: self.vectors[name] for name in names}
