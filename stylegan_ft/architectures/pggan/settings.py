"""Settings of a PGGAN."""

from __future__ import annotations

from dataclasses import dataclass

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.settings import check_counts, check_sizes, check_switches

FINAL = ("linear", "tanh", "hardtanh")
"""What images pass at the end; "hardtanh" cuts them off at -1 and 1."""


@dataclass(frozen=True)
class PGGANConfig:
    """Sizes of a PGGAN's generator.

    Args:
        resolution: side of the images in pixels, a power of two from 4 to 8192.
        channels: feature maps of each block, 4 × 4 first.
        label_dim: numbers in a label, which joins the latent as it is; 0 without labels.
        final_activation: what images pass at the end, one of `FINAL`.
        joint_label: whether latent and label are brought to a mean square of one as one vector;
            else the latent is first brought to it by itself, as genforce has it.

    Raises:
        InputError: a setting is not one of the allowed ones.
    """

    resolution: int
    channels: tuple[int, ...]
    z_dim: int = 512
    label_dim: int = 0
    image_channels: int = 3
    final_activation: str = "linear"
    joint_label: bool = False

    def __post_init__(self):
        object.__setattr__(self, "channels", tuple(self.channels))
        check_sizes(self, resolution=(4, 8192), z_dim=1, label_dim=0, image_channels=1)
        check_counts("channels", self.channels)
        check_switches(self, "joint_label")
        if self.resolution != 2 * 2 ** len(self.channels):
            raise InputError(
                f"resolution {self.resolution}, channels {self.channels}: the resolution must be "
                "a power of two, with a number of channels for each one from 4 up"
            )
        if self.final_activation not in FINAL:
            raise InputError(
                f"final_activation {self.final_activation!r}: it must be {' or '.join(FINAL)}"
            )
