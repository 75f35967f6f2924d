"""What a StyleGAN2 and a StyleGAN3 have in common, which is all that a generator needs of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor, nn

from stylegan_ft.architectures.mapping import MappingConfig, MappingNetwork


class NetworkConfig(MappingConfig, Protocol):
    """Settings that both have, whatever else they are made of."""

    img_resolution: int
    img_channels: int


class StyleGANNetwork(nn.Module, ABC):
    """Mapping and synthesis; all weights are zero until a state dict is loaded.

    Attributes:
        config: its settings.
        mapping: from z and label to w.
        num_ws: how many w vectors synthesis takes.
        style_sizes: size of each affine layer's output, in the network's order.
        row_numbers: numbers in the largest feature maps of one image.
    """

    config: NetworkConfig
    mapping: MappingNetwork
    num_ws: int
    style_sizes: tuple[int, ...]
    row_numbers: int

    @abstractmethod
    def styles(self, ws: Tensor) -> list[Tensor]:
        """Outputs of all affine layers, (N, style_sizes[i]) each, of ws (N, num_ws, w_dim)."""

    @abstractmethod
    def style_weights(self) -> list[tuple[int, Tensor]]:
        """Of each affine layer, which of the w it takes, and what it multiplies that by
        (style_sizes[i], w_dim).
        """

    @abstractmethod
    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        """Images (N, C, R, R) float32 of the affine layers' outputs.

        Args:
            half: whether the highest resolutions run in half precision, as the original's do on a
                GPU.
        """

    def forward(self, z: Tensor, c: Tensor | None = None, psi: float = 1.0) -> Tensor:
        """Images of latents (N, z_dim) and labels (N, c_dim)."""
        ws = self.mapping(z, c)["w"][:, None].expand(-1, self.num_ws, -1)
        return self.images(self.styles(self.mapping.truncate(ws, psi)))
