"""EffiSegNet: EfficientNet features, projected, summed at one size and refined by Ghost modules.

After Vezakis et al., "EffiSegNet: gastrointestinal polyp segmentation through a pre-trained
EfficientNet-based network with a simplified decoder" (2024), and for the Ghost module Han et al.,
"GhostNet: more features from cheap operations" (CVPR 2020).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, read_card
from property_cnn.common.networks import save_network
from property_cnn.common.prompt import extra_module
from property_cnn.segmentation.settings import SIDE, SMALLEST, StudentSettings

TAPPED_STAGES = (0, 1, 2, 4, 6)
"""Stages of EfficientNet whose last maps are used: the last one of each size."""

FORMAT, KEY = "property_cnn hair segmenter 1", "hair_segmenter"
"""What a student's file says that it is, and the entry of its metadata that says it."""


class GhostModule(nn.Module):
    """Half of the outputs by a 1×1 convolution, the other half from them by a cheap 3×3 one."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        half = outputs // 2
        self.primary = nn.Sequential(
            nn.Conv2d(inputs, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.cheap = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
        )

    def forward(self, maps: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w), or enlarged to `size` by nearest pixels.

        A 1×1 convolution of enlarged maps is the enlarged convolution, so that comes first.
        """
        primary = self.primary(maps)
        if size is not None:
            primary = F.interpolate(primary, size, mode="nearest")
        return torch.cat([primary, self.cheap(primary)], dim=1)


class EffiSegNet(nn.Module):
    """Segments images of any size of at least 32 × 32.

    Attributes:
        feature_channels: channels of the five encoder maps: 16, 24, 40, 112, 320 for B0.
    """

    def __init__(self, settings: StudentSettings | None = None):
        super().__init__()
        self.settings = settings = settings or StudentSettings()
        self.stem, self.blocks, ends, self.feature_channels = _encoder(settings)
        self._taps = frozenset(ends)
        channels = settings.channels
        self.project = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, channels, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.BatchNorm2d(channels),
            )
            for inputs in self.feature_channels
        )
        self.norm = nn.BatchNorm2d(channels)
        self.ghost1 = GhostModule(channels, channels)
        self.ghost2 = GhostModule(channels, channels)
        self.head = nn.Conv2d(channels, settings.classes, 1)

    @property
    def config(self) -> dict[str, float]:
        """The settings as plain values, for a checkpoint's metadata."""
        return asdict(self.settings)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] -> (N, classes, H, W) probabilities.

        One class: that of hair, by a sigmoid; several: of each, by a softmax.
        """
        logits = self.logits(images)
        return logits.sigmoid() if self.settings.classes == 1 else logits.softmax(dim=1)

    def logits(self, images: Tensor) -> Tensor:
        """(N, classes, H, W) scores before the sigmoid or softmax.

        Raises:
            InputError: the images are not (N, 3, H, W), or smaller than 32 × 32.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[-2:]) < SMALLEST:
            raise InputError(
                f"images are (N, 3, H, W), at least {SMALLEST} × {SMALLEST}, "
                f"not {tuple(images.shape)}"
            )
        total: Tensor | None = None
        for convolve, maps in zip(
            reversed(self.project), reversed(self.features(images)), strict=True
        ):
            maps = convolve(maps)  # from coarse to fine: enlarging step by step gives the same sum
            if total is not None:
                maps = maps + F.interpolate(total, maps.shape[-2:], mode="nearest")
            total = maps
        size = (images.shape[-2], images.shape[-1])
        return self.head(self.ghost2(self.ghost1(self.norm(total), size)))

    def features(self, images: Tensor) -> list[Tensor]:
        """The five encoder maps, fine to coarse, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size."""
        maps = self.stem(images)
        tapped = []
        for index, block in enumerate(self.blocks):
            maps = block(maps)
            if index in self._taps:
                tapped.append(maps)
        return tapped


def new_student(settings: StudentSettings | None = None, seed: int = 0) -> EffiSegNet:
    """A student with random weights that the seed fixes; the global generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EffiSegNet(settings).to(memory_format=torch.channels_last)


def save_student(
    network: EffiSegNet,
    path: str | os.PathLike,
    side: int = SIDE,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes a student's weights (the large ones in half precision) and how it is built.

    Args:
        network: trained.
        path: a .safetensors file.
        side: of the images that it was trained on.
        metadata: more plain values to keep with it, e.g. how it was made.
    """
    own = {"format": FORMAT, "side": side, "settings": network.config}
    save_network(path, network, KEY, {**(metadata or {}), **own})


def load_student(path: str | os.PathLike) -> tuple[EffiSegNet, dict[str, Any]]:
    """A student, and what `save_student` kept beside the weights: `side`, the metadata.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    tensors, metadata = load_tensors(path)
    otherwise = f"{path} is no hair segmenter; give a file that hair distill wrote"
    card = read_card(metadata, KEY, FORMAT, otherwise)
    try:
        network = EffiSegNet(StudentSettings(**card["settings"]))
        network.load_state_dict(tensors)
        card["side"] = int(card["side"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights in {path} do not fit this version's network; make the segmenter again"
        ) from error
    return network, card


def _encoder(settings: StudentSettings):
    """Stem, blocks, numbers of the tapped blocks and their channels."""
    transformers = extra_module("transformers", "hair")  # takes seconds to import
    config = transformers.EfficientNetConfig(
        width_coefficient=settings.width,
        depth_coefficient=settings.depth,
        hidden_dim=max(8, int(1280 * settings.width + 4) // 8 * 8),
        drop_connect_rate=0.0,
    )
    network = transformers.EfficientNetModel(config)
    blocks = network.encoder.blocks
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1  # transformers hands TensorFlow's 0.99, the share that is kept
    counts = [int(-(-settings.depth * repeats // 1)) for repeats in config.num_block_repeats]
    stage_ends = list(accumulate(counts))
    ends = [stage_ends[stage] - 1 for stage in TAPPED_STAGES]
    channels = tuple(blocks[end].projection.project_conv.out_channels for end in ends)
    return network.embeddings, blocks, ends, channels
