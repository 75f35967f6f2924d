"""The hair teacher: a SegFormer that was trained on rendered faces, or any face parser."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError
from property_cnn.common.networks import weights_digest
from property_cnn.segmentation.networks.effisegnet import EffiSegNet
from property_cnn.segmentation.networks.files import load_network, save_segmenter
from property_cnn.segmentation.networks.segformer import (
    CLASSES,
    HUB,
    least_side,
    load_parser,
    preprocessing,
)
from property_cnn.segmentation.settings import SIDE
from property_cnn.segmentation.teachers import hair_class

SHIPPED = Path(__file__).parent.parent / "weights" / "hair_teacher.safetensors"
"""Weights that come with the package."""


class SegformerTeacher:
    """A SegFormer ready to answer; see `teachers.Teacher`.

    Args:
        network: a `SegformerForSemanticSegmentation`; put in evaluation mode, its gradients off.
        classes: names of its labels; one is "hair".
        side: images are resized to this side.
        mean, std: of each colour, in [0, 1], that images are normalised by.
        device: where it runs.
    """

    def __init__(
        self,
        network: nn.Module,
        classes: Sequence[str],
        side: int = SIDE,
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        device: str | torch.device | None = None,
    ):
        self.classes = tuple(classes)
        self.hair = hair_class(self.classes)
        self.side = side
        self.device = choose_device(device)
        self.digest = weights_digest(network.state_dict())
        self.network = network.eval().requires_grad_(False).to(self.device)
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        return self.logits(images).softmax(dim=1)

    def logits(self, images: Tensor) -> Tensor:
        """(N, C, h, w) scores before the softmax, at the size that the network answers in."""
        images = images.to(self.device, torch.float32)
        size = (self.side, self.side)
        if images.shape[-2:] != size:
            smaller = min(images.shape[-2:]) > self.side
            images = F.interpolate(
                images, size, mode="bilinear", align_corners=False, antialias=smaller
            )
        return self.network.logits((images.add(1).div(2) - self._mean) / self._std).float()


def save_teacher(
    network: nn.Module,
    path: str | os.PathLike,
    side: int = SIDE,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes a SegFormer that was trained on rendered faces.

    Args:
        network: of `CLASSES`.
        path: a .safetensors file.
        side: of the images that it was trained on.
        metadata: more plain values to keep with it, e.g. how it was made.
    """
    save_segmenter(network, path, CLASSES, (), {**(metadata or {}), "side": side})


def load_teacher(
    source: str | os.PathLike = "default", device: str | torch.device | None = None
) -> SegformerTeacher:
    """A teacher from wherever it is.

    Args:
        source: "default" for the one that the package ships, a .safetensors file of `vectorfind
            hair teacher`, a local folder of a Hugging Face SegFormer, or "hub:OWNER/NAME"; the
            network is used for the last one only.
        device: where it runs; the first GPU, or the CPU, if not given.

    Raises:
        CheckpointError: there is none there, or it is damaged.
        InputError: it does not tell hair.
    """
    text = os.fspath(source)
    if text.startswith(HUB):
        return load_face_parser(text.removeprefix(HUB), device, from_hub=True)
    path = SHIPPED if text == "default" else Path(source)
    if path.is_dir():
        return load_face_parser(path, device)
    if not path.is_file():
        raise CheckpointError(
            f"no teacher at {path}; make one with: vectorfind hair teacher --out FOLDER"
        )
    network, card = load_network(path)
    side = card.get("side")
    if isinstance(network, EffiSegNet) or not isinstance(side, int) or side < least_side(network):
        raise CheckpointError(f"{path} is no hair teacher; make one with: vectorfind hair teacher")
    return SegformerTeacher(network, card["classes"], side, device=device)


def load_face_parser(
    name: str | os.PathLike, device: str | torch.device | None = None, from_hub: bool = False
) -> SegformerTeacher:
    """A Hugging Face SegFormer that parses faces, e.g. a copy of `jonathandinu/face-parsing`.

    Its labels must name one "hair". Weights are read from safetensors only; no code of the
    folder is run.

    Args:
        name: a local folder with `config.json` and `model.safetensors`; with `from_hub` the name
            on the hub, which is then asked over the network.
        device: where it runs.
        from_hub: whether the network may be used.

    Raises:
        CheckpointError: the folder is missing, damaged, or holds no SegFormer.
        InputError: none of its labels is hair.
    """
    network, classes = load_parser(name, from_hub)
    return SegformerTeacher(network, classes, *preprocessing(name), device)
