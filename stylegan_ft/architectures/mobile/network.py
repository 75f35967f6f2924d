"""MobileStyleGAN as a network that can be left and re-entered at every layer.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (2021). Its heads at several resolutions give small images at a fraction of the cost.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.mobile.layers import Block, FirstLayer, Head
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.network import StyleGANNetwork

PER_BLOCK = 3
"""w vectors of a block: of its first layer and what comes before it, of its second, of its head."""

BAND = 2**19
"""Numbers in the maps of one image that a block makes at once on a CPU: 2 MiB, so that they stay
in a core's cache. From 2**18 to 2**20 it makes little difference."""


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

    def style_weights(self) -> list[tuple[int, Tensor]]:
        pairs = zip(self._ws, self._affines(), strict=True)
        return [(index, affine.weight) for index, affine in pairs]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        head, last = self.synthesis.heads[str(self.config.head)], len(self.synthesis.blocks) - 1
        halved = self.config.size != self.config.head
        *_, x = self.maps(styles, max(last, 0))
        bands = (x,) if last < 0 else self._bands(last, x, styles)
        return _stacked(head(band, styles[-1], half=halved) for band in bands)

    def maps(self, styles: Sequence[Tensor], blocks: int | None = None) -> Iterator[Tensor]:
        """The maps (N, C, R, R) of each resolution, 4 × 4 first; the last ones the head reads.

        Args:
            styles: see `images`.
            blocks: how many blocks are run; None for all.
        """
        parts = self.synthesis
        x = parts.first(parts.const.expand(len(styles[0]), -1, -1, -1), styles[0])
        yield x
        for k in range(len(parts.blocks) if blocks is None else blocks):
            x = _stacked(self._bands(k, x, styles))
            yield x

    def _bands(self, k: int, x: Tensor, styles: Sequence[Tensor]) -> Iterator[Tensor]:
        """The maps of block k, in bands of rows on a CPU, whole elsewhere."""
        block = self.synthesis.blocks[k]
        own = styles[PER_BLOCK * k + 1 : PER_BLOCK * (k + 1) + 1]
        numbers = BAND // len(x) if x.device.type == "cpu" else sys.maxsize
        for start, stop in block.bands(numbers):
            yield block(x, *own, start, stop)

    def _affines(self) -> list[nn.Linear]:
        parts = self.synthesis
        affines = [parts.first.affine]
        for block in parts.blocks:
            affines += block.affines()
        return [*affines, parts.heads[str(self.config.head)].affine]


def _stacked(bands: Iterable[Tensor]) -> Tensor:
    """Bands of rows (N, C, _, W), channels-last in memory, as one."""
    first, *others = [band.movedim(1, -1) for band in bands]
    return (torch.cat([first, *others], dim=1) if others else first).movedim(-1, 1)
