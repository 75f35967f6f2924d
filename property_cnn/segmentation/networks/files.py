"""Networks of any number of classes: made by their names, and kept in one format of file.

A file holds the weights (the large ones in half precision) and a card: which network, its sizes,
the names and colours of its classes, and how it was made. Files of earlier versions are read too,
in which hair's students and their teachers had a format each.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from property_cnn.common.checks import choose
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, read_card
from property_cnn.common.networks import BatchedNetwork, save_network
from property_cnn.segmentation.labelled import Classes
from property_cnn.segmentation.networks.effisegnet import EffiSegNet, new_student
from property_cnn.segmentation.networks.segformer import CLASSES, Normalised, new_segformer
from property_cnn.segmentation.settings import (
    NETWORKS,
    SEGFORMER_LAYERS,
    SEGFORMERS,
    SIDE,
    SegformerSettings,
    StudentSettings,
)
from property_cnn.segmentation.training import enlarged

FORMAT, KEY = "property_cnn segmenter 2", "segmenter"
"""What a file says that it is, and the entry of its metadata that says it."""

_EFFISEGNET, _SEGFORMER = "effisegnet", "segformer"

_BEFORE = {
    "hair_segmenter": "property_cnn hair segmenter 1",
    "hair_teacher": "property_cnn hair teacher 1",
}
"""Entries and formats of files until version 1: hair's students and their teachers."""


class Loaded(NamedTuple):
    """What a file holds: the network, in evaluation mode, and its card."""

    network: nn.Module
    card: dict[str, Any]


class Segmenter(BatchedNetwork):
    """A network ready to tell the classes of pixels, in pictures of any size.

    Args:
        network: trained, with `logits` of images in [-1, 1].
        classes: what it tells apart.
        resize: longer side that larger pictures are made smaller to before they are read.
        device, batch_size: see `BatchedNetwork`.
    """

    def __init__(
        self,
        network: nn.Module,
        classes: Classes,
        resize: int | None = None,
        device: str | torch.device | None = None,
        batch_size: int = 8,
    ):
        super().__init__(network, device, batch_size)
        self.classes, self.resize = classes, resize

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] -> (N, C, H, W) probabilities of the classes.

        Raises:
            InputError: the images have another shape.
        """
        if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[-2:]) < 1:
            raise InputError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
        return torch.cat([self._answer(batch) for batch in images.split(self.batch_size)])

    def labels(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] -> (N, H, W) int64 numbers of the likeliest classes."""
        return self(images).argmax(dim=1)

    def _answer(self, images: Tensor) -> Tensor:
        size, inside = images.shape[-2:], images.to(self.device, torch.float32)
        if self.resize is not None and max(size) > self.resize:
            small = [max(1, round(side * self.resize / max(size))) for side in size]
            inside = nn.functional.interpolate(
                inside, small, mode="bilinear", align_corners=False, antialias=True
            )
        return enlarged(self.network.logits(inside), size).softmax(dim=1)


def new_network(name: str, classes: int, seed: int = 0) -> nn.Module:
    """A network with random weights that the seed fixes.

    Args:
        name: one of `settings.NETWORKS`: a SegFormer from b0 to b5, or EffiSegNet.
        classes: outputs a pixel.
        seed: of the weights.

    Raises:
        InputError: there is no such network.
    """
    choose("network", name, NETWORKS)
    if name in SEGFORMERS:
        return new_segformer(SEGFORMERS[name], classes, seed)
    return new_student(StudentSettings(classes=classes), seed)


def network_layers(network: nn.Module) -> tuple[str, ...]:
    """Its layers at 1/4, 1/8, 1/16 and 1/32 of the size, that maps of students are compared at."""
    if isinstance(network, Normalised):
        return tuple(f"network.{name}" for name in network_layers(network.network))
    if isinstance(network, EffiSegNet):
        return tuple(f"blocks.{block}" for block in sorted(network.tapped)[1:])
    return SEGFORMER_LAYERS


def save_segmenter(
    network: nn.Module,
    path: str | os.PathLike,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]] = (),
    metadata: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes a network and its card.

    Args:
        network: an EffiSegNet, or a SegFormer of `new_segformer`.
        path: a .safetensors file.
        classes: names of its classes; one name for hair alone.
        palette: (r, g, b) of each class.
        metadata: more plain values to keep with it, e.g. `resize` and how it was made.
        dtype: of the large weights in the file.
    """
    if isinstance(network, EffiSegNet):
        kind, settings = _EFFISEGNET, network.config
    else:
        kind, settings = _SEGFORMER, _segformer_settings(network)
    own = {
        "format": FORMAT,
        "network": kind,
        "settings": settings,
        "classes": list(classes),
        "palette": [list(map(int, colour)) for colour in palette],
    }
    save_network(path, network, KEY, {**(metadata or {}), **own}, dtype)


def load_network(path: str | os.PathLike) -> Loaded:
    """A network of any number of classes and its card, of this version or an earlier one.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    tensors, metadata = load_tensors(path)
    otherwise = f"{path} is no segmenter; give a file that hair distill or segment train wrote"
    card = _card(metadata, otherwise)
    try:
        classes = [str(name) for name in card["classes"]]
        if card["network"] == _EFFISEGNET:
            network = EffiSegNet(StudentSettings(**card["settings"]))
            told = network.settings.classes
        elif card["network"] == _SEGFORMER:
            settings = SegformerSettings(**card["settings"])
            network, told = new_segformer(settings, len(classes)), len(classes)
        else:
            raise ValueError("its network is of another kind")
        if told != len(classes):
            raise ValueError("the number of classes differs")
        network.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor
                                 for name, tensor in tensors.items()})  # fmt: skip
    except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights in {path} do not fit this version's network; make the segmenter again"
        ) from error
    return Loaded(network.eval(), card)


def _card(metadata: Mapping[str, str], otherwise: str) -> dict[str, Any]:
    """The card of this version, also of a file of an earlier one."""
    for key, form in _BEFORE.items():
        if key not in metadata:
            continue
        card = read_card(metadata, key, form, otherwise)
        if key == "hair_segmenter":
            return card | {"network": _EFFISEGNET, "classes": ["hair"], "palette": []}
        settings = card.get("settings")
        side = settings.get("side") if isinstance(settings, dict) else None
        return card | {
            "network": _SEGFORMER, "classes": list(CLASSES), "palette": [], "side": side
        }  # fmt: skip
    return read_card(metadata, KEY, FORMAT, otherwise)


def load_segmenter(path: str | os.PathLike, device: str | torch.device | None = None) -> Segmenter:
    """The segmenter of several classes in a file of `save_segmenter`.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
        InputError: it tells one class alone, as hair's do.
    """
    network, card = load_network(path)
    if len(card["classes"]) < 2:
        raise InputError(
            f"{path} tells {card['classes'][0]} alone; use it with: vectorfind hair segment"
        )
    palette = tuple(tuple(colour) for colour in card["palette"])
    classes = Classes(tuple(card["classes"]), palette)
    return Segmenter(network, classes, card.get("resize"), device)


def save_student(
    network: EffiSegNet,
    path: str | os.PathLike,
    side: int = SIDE,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Writes a hair segmenter, or a student of several classes without names.

    Args:
        network: trained.
        path: a .safetensors file.
        side: of the images that it was trained on.
        metadata: more plain values to keep with it, e.g. how it was made.
    """
    count = network.settings.classes
    names = ("hair",) if count == 1 else Classes.numbered(count).names
    save_segmenter(network, path, names, (), {**(metadata or {}), "side": side})


def load_student(path: str | os.PathLike) -> tuple[EffiSegNet, dict[str, Any]]:
    """An EffiSegNet trained at a `side`, and the card of its file.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    network, card = load_network(path)
    side = card.get("side")
    if not isinstance(network, EffiSegNet) or not isinstance(side, int):
        raise CheckpointError(f"{path} is no hair segmenter; give a file that hair distill wrote")
    return network, card


def _segformer_settings(network: nn.Module) -> dict[str, Any]:
    """Its `SegformerSettings`, but for the side of images, which is not the network's."""
    config = network.config
    return {
        "hidden_sizes": list(config.hidden_sizes),
        "depths": list(config.depths),
        "heads": list(config.num_attention_heads),
        "decoder": config.decoder_hidden_size,
        "stride": config.strides[0],
    }
