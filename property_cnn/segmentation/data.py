"""Data sets to train on: what the loop needs, and images with label maps of any classes on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.pictures import SUFFIXES, read_image, read_labels, to_tensor
from property_cnn.segmentation.settings import IGNORED


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


class LabelledFolder:
    """Images of one folder and label maps of the same names, but for the suffix, in another.

    Label maps are 8-bit pictures whose values (or palette indices) are class numbers; 255 marks
    pixels that do not count. All is read when it is needed, and resized to squares.

    Args:
        images: folder of pictures.
        labels: folder of label maps, as .png.
        classes: number of classes.
        hair: number of the class that is hair, to learn soft masks of it alone; None to learn
            all classes.

    Attributes:
        names: of the images, sorted.

    Raises:
        InputError: a folder is missing, an image has no label map, or there are no images.
    """

    def __init__(
        self, images: str | Path, labels: str | Path, classes: int, hair: int | None = None
    ):
        images, labels = Path(images), Path(labels)
        for folder in (images, labels):
            if not folder.is_dir():
                raise InputError(f"no folder {folder}; give one with pictures")
        if classes < 2 or not (hair is None or 0 <= hair < classes):
            raise InputError(f"{classes} classes with hair {hair}; need at least 2 and one of them")
        self._images = sorted(p for p in images.iterdir() if p.suffix.lower() in SUFFIXES)
        self._labels = [labels / f"{path.stem}.png" for path in self._images]
        missing = [path.name for path in self._labels if not path.is_file()]
        if missing or not self._images:
            what = f"no {missing[0]} in {labels}" if missing else f"no pictures in {images}"
            raise InputError(f"{what}; every image needs a label map of its name as .png")
        self.classes, self.hair = classes, hair
        self.names = [path.stem for path in self._images]
        stamp = hashlib.sha256(repr((classes, hair)).encode())
        for path in (*self._images, *self._labels):
            stamp.update(f"{path.name} {path.stat().st_size}\n".encode())
        self.digest = f"folder {stamp.hexdigest()[:16]}"

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, rows: np.ndarray, side: int) -> tuple[Tensor, Tensor]:
        """Images (B, 3, side, side) in [-1, 1], and label maps (B, side, side) int64, or masks
        (B, 1, side, side) of hair.

        Raises:
            InputError: a file is damaged, sizes differ, or a label is no class.
        """
        images, labels = [], []
        for row in rows:
            picture, label_map = read_image(self._images[row]), read_labels(self._labels[row])
            if picture.shape[:2] != label_map.shape:
                raise InputError(
                    f"{self._labels[row]} is {label_map.shape}, its image {picture.shape[:2]}"
                )
            if ((label_map >= self.classes) & (label_map != IGNORED)).any():
                raise InputError(f"{self._labels[row]} has labels beyond {self.classes - 1}")
            square = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
            images.append(np.asarray(square))
            near = Image.fromarray(label_map).resize((side, side), Image.Resampling.NEAREST)
            labels.append(np.asarray(near))
        pixels = to_tensor(np.stack(images))
        maps = torch.from_numpy(np.stack(labels).astype(np.int64))
        return pixels, maps if self.hair is None else (maps == self.hair).float()[:, None]
