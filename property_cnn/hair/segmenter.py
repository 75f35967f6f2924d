"""The hair segmenter that users meet: trained weights that answer masks of the images' size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors
from property_cnn.network.scorer import BatchedNetwork, read_card, save_network
from property_cnn.segmentation.student import SMALLEST, EffiSegNet, StudentSettings

SHIPPED = Path(__file__).parent.parent / "weights" / "hair.safetensors"
"""Weights that come with the package."""

FORMAT = "property_cnn hair segmenter 1"
KEY = "hair_segmenter"

MAKING = "vectorfind hair teacher --out runs/hair && vectorfind hair distill --out runs/hair"
"""Commands that make a student."""


class HairSegmenter(BatchedNetwork):
    """A student ready to tell where hair is.

    Args:
        network: trained, of one class.
        side: images are resized to this side inside.
        device, batch_size: see `BatchedNetwork`.
    """

    network: EffiSegNet

    def __init__(
        self,
        network: EffiSegNet,
        device: str | torch.device | None = None,
        side: int = 224,
        batch_size: int = 16,
    ):
        if network.settings.classes != 1:
            raise InputError(f"a hair segmenter has 1 class, not {network.settings.classes}")
        if side < SMALLEST:
            raise InputError(f"side {side}; need at least {SMALLEST}")
        super().__init__(network, device, batch_size)
        self.side = side

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Soft hair masks.

        Args:
            images: (N, 3, H, W) floats in [-1, 1], any size and device.

        Returns:
            (N, 1, H, W) float32 probabilities of hair, on the segmenter's device.

        Raises:
            InputError: the images have another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[-2:]) < 1:
            raise InputError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
        return torch.cat([self._masks(batch) for batch in images.split(self.batch_size)])

    def _masks(self, images: Tensor) -> Tensor:
        inside = _resized(images.to(self.device, torch.float32), (self.side, self.side))
        masks = self.network(inside.contiguous(memory_format=torch.channels_last))
        return _resized(masks, (images.shape[-2], images.shape[-1])).clamp(0, 1).contiguous()


def load_hair_segmenter(
    path: str | Path | None = None, device: str | torch.device | None = None
) -> HairSegmenter:
    """The segmenter in a file of `save_hair_segmenter`, or the one shipped with the package.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    if path is None and not SHIPPED.is_file():
        raise CheckpointError(f"no hair segmenter is shipped at {SHIPPED}; make one: {MAKING}")
    path = SHIPPED if path is None else Path(path)
    tensors, metadata = load_tensors(path)
    card = segmenter_metadata(path, metadata)
    try:
        network = EffiSegNet(StudentSettings(**card["settings"]))
        network.load_state_dict(tensors)
        return HairSegmenter(network, device, int(card["side"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights in {path} do not fit this version's network; make the segmenter again"
        ) from error


def save_hair_segmenter(
    network: EffiSegNet,
    path: str | Path,
    side: int = 224,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes a student's weights (the large ones in half precision) and how it is built.

    Args:
        network: a trained student of one class.
        path: a .safetensors file.
        side: of the images that it was trained on.
        metadata: more plain values to keep with it, e.g. how it was made.
    """
    own = {"format": FORMAT, "side": side, "settings": network.config}
    save_network(path, network, KEY, {**(metadata or {}), **own})


def segmenter_metadata(path: str | Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What `save_hair_segmenter` kept beside the weights, from the metadata of the file.

    Raises:
        CheckpointError: the file holds something else.
    """
    otherwise = f"{path} is no hair segmenter; give a file that hair distill wrote"
    return read_card(metadata, KEY, FORMAT, otherwise)


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    smaller = maps.shape[-2] > size[0] or maps.shape[-1] > size[1]
    return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=smaller)
