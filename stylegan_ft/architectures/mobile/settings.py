"""Sizes of a MobileStyleGAN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.settings import check_counts, check_sizes, finite


@dataclass(frozen=True)
class MobileConfig:
    """Sizes of a MobileStyleGAN generator.

    Args:
        channels: feature maps at each resolution, 4 × 4 first.
        heads: sides of the images that heads of the network give, each twice the side of the
            features that it reads; the lowest first. One's half is there too: it is the low band
            of the head's wavelets.
        size: side of the images in pixels, that of a head or half of one.
        mapping_layers: dense layers from z to w.
        lr_multiplier: of the mapping's layers.

    Raises:
        InputError: a setting is not one of the allowed ones.
    """

    channels: tuple[int, ...]
    heads: tuple[int, ...]
    size: int
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    lr_multiplier: float = 0.01

    c_dim = 0
    img_channels = 3

    def __post_init__(self):
        for name in ("channels", "heads"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise InputError(f"{name} {value!r}: it must be a list of numbers")
            object.__setattr__(self, name, tuple(value))
            check_counts(name, getattr(self, name))
        check_sizes(self, z_dim=1, w_dim=1, mapping_layers=(1, 64), size=(4, 8192))
        object.__setattr__(self, "lr_multiplier", finite("lr_multiplier", self.lr_multiplier))
        if not 1 <= len(self.channels) <= 11 or any(count % 4 for count in self.channels[:-1]):
            raise InputError(
                f"channels {self.channels}: they must be 1 to 11 numbers, all but the last "
                "multiples of 4"
            )
        sides = {8 * 2**k for k in range(len(self.channels))}
        if not self.heads or not {*self.heads} <= sides or [*self.heads] != sorted(self.heads):
            raise InputError(
                f"heads {self.heads}: they must be some of {sorted(sides)}, the lowest first"
            )
        if self.size not in self.sizes:
            raise InputError(
                f"size {self.size}: this generator makes images of "
                f"{', '.join(map(str, self.sizes))} pixels"
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the images that can be had, the smallest first."""
        return tuple(sorted({*self.heads} | {head // 2 for head in self.heads}))

    @property
    def head(self) -> int:
        """The head that images of `size` come from."""
        return self.size if self.size in self.heads else 2 * self.size

    @property
    def depth(self) -> int:
        """Resolutions that images of `size` need, 4 × 4 included."""
        return (self.head // 8).bit_length()

    def needs(self, name: str) -> bool:
        """Whether images of `size` need the weight of this name."""
        _, part, number = [*name.split("."), "", ""][:3]
        if part == "blocks":
            return int(number) < self.depth - 1
        return part != "heads" or int(number) == self.head

    @property
    def img_resolution(self) -> int:
        """Side of the images, by the name that it has in other generators."""
        return self.size
