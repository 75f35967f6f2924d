"""StyleGAN2 and StyleGAN2-ADA: the network with NVlabs' names of weights.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (2020) and "Training
Generative Adversarial Networks with Limited Data" (2020).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from stylegan_ft.architectures.mapping import MappingNetwork
from stylegan_ft.architectures.network import StyleGANNetwork
from stylegan_ft.architectures.stylegan2.layers import SynthesisBlock
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config


class StyleGAN2(StyleGANNetwork):
    """The network of such settings; see `StyleGANNetwork` for what it has and does."""

    def __init__(self, config: StyleGAN2Config):
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(
            config,
            config.embed_features,
            config.layer_features,
            config.mapping_activation,
            config.joint_label,
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
        pairs = zip(self._affines(), self._ws, strict=True)
        return [affine(ws[:, index]) for affine, index in pairs]

    def style_weights(self) -> list[tuple[int, Tensor]]:
        pairs = zip(self._ws, self._affines(), strict=True)
        return [(index, affine.weight * affine.weight_scale) for index, affine in pairs]

    def images(self, styles: Sequence[Tensor], half: bool = False) -> Tensor:
        x = image = None
        first = 0
        for block in self.synthesis.values():
            last = first + len(block.affines())
            x, image = block(x, image, styles[first:last], half)
            first = last
        return image.tanh() if self.config.final_tanh else image

    def _affines(self) -> list[nn.Module]:
        return [affine for block in self.synthesis.values() for affine in block.affines()]
