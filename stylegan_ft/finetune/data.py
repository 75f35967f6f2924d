"""Real images and labels of a run, in memory, and what a batch of them is."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.pictures import from_bytes
from stylegan_ft.training.image_folder import load_images, read_labels


@dataclass(frozen=True)
class RealImages:
    """Images to learn from.

    Attributes:
        images: (N, 3, R, R) uint8 RGB.
        labels: (N, L) float32 in the units of the scorer, or normalised; L is 0 without labels.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self):
        if len(self.images) != len(self.labels):
            raise InputError(f"{len(self.images)} images with {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name the data."""
        text = hashlib.sha256(str((tuple(self.images.shape), self.labels.shape)).encode())
        text.update(self.images.contiguous().numpy().tobytes())
        text.update(self.labels.contiguous().numpy().tobytes())
        return text.hexdigest()[:16]

    def rows(self, epoch: int, idx: int, batch_size: int, seed: int) -> Tensor:
        """Rows of batch `idx` of an epoch, whose order depends on seed and epoch alone."""
        rng = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = torch.randperm(len(self), generator=rng)
        return order[idx * batch_size : (idx + 1) * batch_size]

    def batch(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Images in [-1, 1] and labels of some rows, on the device."""
        return from_bytes(self.images[rows].to(device)), self.labels[rows].to(device)


def load_real_images(
    folder: str | os.PathLike, labels: tuple[str, ...], resolution: int, normalise: bool = False
) -> RealImages:
    """The images of an image folder (see `stylegan_ft.training.image_folder`), resized.

    Args:
        labels: columns of its `labels.csv` that the label is made of; () for none.
        normalise: bring each of them to mean 0 and deviation 1 over the folder.

    Raises:
        InputError: a label's column is missing, or a number in it.
    """
    table = read_labels(folder)
    missing = [name for name in labels if name not in table]
    if missing:
        raise InputError(
            f"{folder} has no {', '.join(missing)} in its labels.csv; it needs {', '.join(labels)}"
        )
    numbers = torch.from_numpy(table[list(labels)].to_numpy("float32").copy())
    if not bool(numbers.isfinite().all()):
        raise InputError(f"{folder}: a label of {', '.join(labels)} is no number")
    if normalise and labels:
        std, mean = torch.std_mean(numbers.double(), dim=0, correction=0)
        numbers = ((numbers - mean) / torch.where(std > 0, std, 1.0)).float()
    return RealImages(load_images(folder, list(table["file"]), resolution), numbers)
