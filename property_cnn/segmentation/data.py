"""Data sets to train on: what the loop needs, and images with label maps as squares."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.pictures import to_tensor
from property_cnn.segmentation.labelled import LabelledImages, files_digest, resized


class Dataset(Protocol):
    """What the training loop needs.

    Attributes:
        digest: text that names the contents.
    """

    digest: str

    def __len__(self) -> int: ...

    def batch(self, rows: np.ndarray, side: int) -> tuple[Tensor, Tensor]:
        """Images (B, 3, side, side) in [-1, 1], and what they shall be segmented into: soft
        masks (B, C, side, side), or label maps (B, side, side) int64.
        """
        ...


class LabelledSquares:
    """Images with label maps, resized to squares.

    Args:
        data: the images; its own `resize` comes first.
        hair: number of the class that is hair, to learn soft masks of it alone; None to learn
            all classes.

    Raises:
        InputError: `hair` is no class.
    """

    def __init__(self, data: LabelledImages, hair: int | None = None):
        classes = len(data.classes)
        if not (hair is None or 0 <= hair < classes):
            raise InputError(f"hair is class {hair}; there are 0 … {classes - 1}")
        self.data, self.hair = data, hair
        self.digest = f"folder {files_digest(data.files, classes, hair)}"

    def __len__(self) -> int:
        return len(self.data)

    def batch(self, rows: np.ndarray, side: int) -> tuple[Tensor, Tensor]:
        """Images (B, 3, side, side) in [-1, 1], and label maps (B, side, side) int64, 255 where
        none counts, or masks (B, 1, side, side) of hair.

        Raises:
            InputError: see `LabelledImages.read`.
        """
        images, labels = [], []
        for row in rows:
            square, near = resized(*self.data.read(row), (side, side))
            images.append(square)
            labels.append(near)
        maps = torch.from_numpy(np.stack(labels).astype(np.int64))
        wanted = maps if self.hair is None else (maps == self.hair).float()[:, None]
        return to_tensor(np.stack(images)), wanted
