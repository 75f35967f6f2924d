"""The generator of the rest of the library, over a network of StyleGAN2 or StyleGAN3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from stylegan_ft.architectures.build import Network
from stylegan_ft.architectures.layer_names import LayerNames
from stylegan_ft.architectures.layered import LayeredGenerator


class StyleGANGenerator(LayeredGenerator):
    """A StyleGAN2 or StyleGAN3; see `LayeredGenerator` for what it does.

    Args:
        network: the weights; it is put into evaluation mode and moved to `device`.
        device: where it runs; None leaves it where it is.
        digest: names the weights; made from them if not given.
        psi, trunc_layers: truncation of the first layers' w (all of them, if None) towards the
            mean w; as it stands, none.
        half: whether the layers that the original runs in half precision do so on a GPU too.

    Raises:
        InputError: the images are not RGB, or there is no such device.
    """

    network: Network

    def __init__(
        self,
        network: Network,
        device: str | torch.device | None = None,
        digest: str | None = None,
        psi: float = 1.0,
        trunc_layers: int | None = None,
        half: bool = False,
    ):
        config = network.config
        self.half = half
        self.one_hot_labels = config.c_dim > 0  # the originals' labels name classes
        super().__init__(
            network,
            LayerNames(
                network.mapping.vectors, config.z_dim, network.num_ws, sum(network.style_sizes)
            ),
            ("z", "w"),
            label_dim=config.c_dim,
            resolution=config.img_resolution,
            row_numbers=network.row_numbers,
            image_channels=config.img_channels,
            device=device,
            digest=digest,
            psi=psi,
            trunc_layers=trunc_layers,
        )

    def _truncate(self, ws: Tensor) -> Tensor:
        return self.network.mapping.truncate(ws, self.psi, self.trunc_layers)

    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        return self.network.styles(ws)

    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        return self.network.images(styles, self.half and self.device.type == "cuda")
