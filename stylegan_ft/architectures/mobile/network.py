"""MobileStyleGAN as a network that can be left and re-entered at every layer.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (2021). Its heads at several resolutions give small images at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.mobile.layers import Block, FirstLayer, Head
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.network import StyleGANNetwork

PER_BLOCK = 3
"""w vectors of a block: of its first layer and what comes before it, of its second, of its head."""


class Synthesis(nn.Module):
    """The layers up to the head that the settings' size needs, and that head."""

    def __init__(self, config: MobileConfig):
        super().__init__()
        w_dim, channels = config.w_dim, config.channels[: config.depth]
        self.const = nn.Parameter(torch.zeros(channels[0], 4, 4))
        self.first = FirstLayer(w_dim, channels[0], 4)
        self.blocks = nn.ModuleList(
            Block(w_dim, inputs, outputs, 8 * 2**k)
            for k, (inputs, outputs) in enumerate(pairwise(channels))
        )
        self.heads = nn.ModuleDict({str(config.head): Head(w_dim, channels[-1])})


class MobileStyleGAN(StyleGANNetwork):
    """The network of such settings; see `StyleGANNetwork` for what it has and does.

    Images of every size take as many w, of which those beyond the size's layers do nothing: what
    is found at one size holds at every other.
    """

    def __init__(self, config: MobileConfig):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config, 0, config.w_dim)
        self.synthesis = Synthesis(config)
        self.num_ws = PER_BLOCK * (len(config.channels) - 1) + 2
        self._ws = [0]  # which w each affine layer takes
        for k in range(len(self.synthesis.blocks)):
            first = PER_BLOCK * k + 1
            self._ws += [first, first, first + 1]
        self._ws.append(PER_BLOCK * len(self.synthesis.blocks) or 1)
        self.style_sizes = tuple(affine.out_features for affine in self._affines())
        sizes = enumerate(config.channels[: config.depth])
        self.row_numbers = max(count * (4 * 2**k) ** 2 for k, count in sizes)

    def styles(self, ws: Tensor) -> list[Tensor]:
        pairs = zip(self._affines(), self._ws, strict=True)
        return [affine(ws[:, index]) for affine, index in pairs]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        x = self.features(styles)
        head = self.synthesis.heads[str(self.config.head)]
        return head(x, styles[-1], half=self.config.size != self.config.head)

    def features(self, styles: Sequence[Tensor]) -> Tensor:
        """The maps (N, C, R, R) that the head reads."""
        parts = self.synthesis
        x = parts.first(parts.const.expand(len(styles[0]), -1, -1, -1), styles[0])
        for k, block in enumerate(parts.blocks):
            x = block(x, *styles[PER_BLOCK * k + 1 : PER_BLOCK * (k + 1) + 1])
        return x

    def _affines(self) -> list[nn.Linear]:
        parts = self.synthesis
        affines = [parts.first.affine]
        for block in parts.blocks:
            affines += block.affines()
        return [*affines, parts.heads[str(self.config.head)].affine]
