"""What a file holds, told without reading its large tensors."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import torch

from property_cnn.properties import PROPERTIES
from stylegan_ft.architectures.build import W_AVG
from stylegan_ft.architectures.layered import SHOWN_AS
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.exports.generator import describe_export, is_export
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.records import Checkpoint, FileInfo
from stylegan_ft.generator import Generator, StyleGANGenerator, generator_of
from stylegan_ft.shapes import shapes_alone

LICENCES = {
    "NVlabs TensorFlow": "NVIDIA's, no commercial use (progressive GAN and StyleGAN: CC BY-NC 4.0)",
    "NVlabs": "NVIDIA Source Code License, no commercial use",
    "rosinality": "MIT; weights made of NVIDIA's are under NVIDIA's",
    "genforce": "MIT; weights made of NVIDIA's are under NVIDIA's",
    "InterFaceGAN": "MIT; weights made of NVIDIA's are under NVIDIA's",
    "HiGAN": "MIT; weights made of NVIDIA's are under NVIDIA's",
    "MobileStyleGAN": "Apache-2.0; the weights descend from NVIDIA's, no commercial use",
}
"""Beginning of what wrote a file -> what its project states; its weights may have other terms."""


@shapes_alone()
def describe_file(path: str | os.PathLike) -> FileInfo:
    """Architecture, sizes, layers and digest of the network in a file.

    Only the digest takes the whole file, which is streamed: some seconds for each GiB.

    Raises:
        CheckpointError: see `stylegan_ft.formats.load.read_checkpoint`; or weights are missing or
            foreign.
        MissingError: it is an export whose runtime is not installed.
    """
    if is_export(path):
        return describe_export(path)
    checkpoint = read_checkpoint(path, payload=False)
    notes = checkpoint.notes
    if checkpoint.architecture == "property_cnn":
        notes = (*notes, f"scores: {', '.join(_scored(checkpoint.config))}")
    common = {
        "kind": checkpoint.kind,
        "architecture": checkpoint.architecture,
        "parameters": sum(tensor.numel() for tensor in checkpoint.state.values()),
        "digest": checkpoint.digest,
        "metadata": checkpoint.metadata,
        "notes": notes,
        "licence": _licence(checkpoint),
    }
    if checkpoint.architecture in ("property_cnn", "other"):
        return FileInfo(**common)
    generator = _without_numbers(checkpoint, source=str(path))
    shown = SHOWN_AS[generator.image_channels]
    common["notes"] = (*notes, shown) if shown else notes
    return FileInfo(
        **common,
        resolution=generator.resolution,
        z_dim=generator.z_dim,
        w_dim=getattr(generator.network.config, "w_dim", None),
        label_dim=generator.label_dim,
        layers=dict(generator.layers),
        available_layers=generator.available_layers,
        synthesis_layers=generator.synthesis_layers,
    )


def _licence(checkpoint: Checkpoint) -> str:
    """What the project states whose file it is, or was before it was converted."""
    origins = (checkpoint.metadata.get("source", ""), checkpoint.kind)
    return next(
        (text for origin in origins for name, text in LICENCES.items() if origin.startswith(name)),
        "",
    )


def _scored(config: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What a property CNN reads, by its settings; the eight of rendered faces where none say."""
    try:
        return tuple(name for head in config["heads"] for name in head["properties"])
    except (KeyError, TypeError):
        return PROPERTIES


def _without_numbers(checkpoint: Checkpoint, source: str) -> Generator | StyleGANGenerator:
    """The generator of a checkpoint whose tensors have their shapes alone."""
    config = checkpoint.config
    if isinstance(config, StyleGAN2Config | MobileConfig) and not config.c_dim:
        mean = {W_AVG: torch.zeros(config.w_dim)}  # else it would be measured
        checkpoint = dataclasses.replace(checkpoint, state=mean | checkpoint.state)
    return generator_of(checkpoint, source)
