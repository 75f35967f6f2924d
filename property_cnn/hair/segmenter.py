"""The hair segmenter that users meet: trained weights that answer masks of the images' size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.networks import BatchedNetwork
from property_cnn.segmentation.networks.effisegnet import EffiSegNet
from property_cnn.segmentation.networks.files import load_student
from property_cnn.segmentation.settings import SIDE, SMALLEST

if TYPE_CHECKING:
    from property_cnn.hair.photographs import PhotographSegmenter

SHIPPED = Path(__file__).parent.parent / "weights" / "hair.safetensors"
"""Weights that come with the package."""

PHOTOGRAPHS_STUDENT = "photographs-student"
"""Name of the shipped segmenter that learned from photographs too."""

NAMED = {PHOTOGRAPHS_STUDENT: SHIPPED.with_name("hair_photographs.safetensors")}
"""Names of shipped weights."""

PHOTOGRAPHS = "photographs"
"""Name of the masks of photographs, which need no training; see `property_cnn.hair.photographs`."""

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
        side: int = SIDE,
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
) -> HairSegmenter | PhotographSegmenter:
    """The segmenter in a file of `save_student`, or the one shipped with the package.

    Args:
        path: the file; None for the shipped one, which learned from rendered faces, and
            "photographs-student" for that which learned from photographs too; "photographs" for
            the teacher of the latter, whose networks are fetched.
        device: where it runs.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    if path == PHOTOGRAPHS:
        from property_cnn.hair.photographs import PhotographSegmenter, load_photograph_teacher

        return PhotographSegmenter(load_photograph_teacher(device))
    if path is None and not SHIPPED.is_file():
        raise CheckpointError(f"no hair segmenter is shipped at {SHIPPED}; make one: {MAKING}")
    network, card = load_student(SHIPPED if path is None else NAMED.get(str(path), path))
    return HairSegmenter(network, device, card["side"])


def _resized(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    smaller = maps.shape[-2] > size[0] or maps.shape[-1] > size[1]
    return F.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=smaller)
