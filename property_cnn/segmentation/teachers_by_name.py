"""Teachers by name: the shipped one, a file, a local folder, or the hub when it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.segmentation.segformer import SegformerTeacher, load_face_parser, load_segformer

SHIPPED = Path(__file__).parents[1] / "weights" / "hair_teacher.safetensors"
"""Weights that come with the package."""

HUB = "hub:"
"""Beginning of a name on the Hugging Face hub, e.g. hub:jonathandinu/face-parsing."""


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
    return load_segformer(path, device)
