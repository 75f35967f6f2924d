"""Pictures of coloured shapes whose labels follow from their colours, and tiny networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from property_cnn.segmentation.labelled import Classes, LabelledImages

PALETTE = ((70, 70, 70), (190, 70, 70), (70, 170, 70), (80, 80, 190))
CLASSES = Classes(("ground", "red", "green", "blue"), PALETTE)


def shapes(count: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Label maps (count, size, size) uint8: on the ground a red, a green and a blue rectangle."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((count, size, size), np.uint8)
    for each in labels:
        for label in rng.permutation([1, 2, 3]):
            (height, width), (top, left) = rng.integers(8, 16, 2), rng.integers(0, size - 8, 2)
            each[top : top + height, left : left + width] = label
    return labels


def painted(labels: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Pictures (..., 3) uint8 in the colours of label maps, with normal noise on every value."""
    rng = np.random.default_rng(seed)
    exact = np.array(PALETTE)[labels]
    return (exact + noise * rng.standard_normal(exact.shape)).clip(0, 255).round().astype(np.uint8)


def written(folder: Path, pictures, labels, classes: Classes = CLASSES) -> LabelledImages:
    """The pictures and label maps as files 00.png, …, and as data to train on."""
    for name, arrays in (("images", pictures), ("labels", labels)):
        (folder / name).mkdir(parents=True)
        for row, array in enumerate(arrays):
            Image.fromarray(array).save(folder / name / f"{row:02d}.png")
    return LabelledImages(folder / "images", folder / "labels", classes)


class ByColour(nn.Module):
    """Answers by a formula: the class of the nearest colour, of the mean of 5×5 pixels.

    Args:
        mistaken: a class -> the one that it is taken for, with the same confidence.
    """

    def __init__(self, mistaken: dict[int, int] | None = None):
        super().__init__()
        self.register_buffer("colours", torch.tensor(PALETTE).float().div(127.5).sub(1))
        self.mistaken = mistaken or {}

    def logits(self, images: Tensor) -> Tensor:
        smooth = F.avg_pool2d(F.pad(images, (2, 2, 2, 2), mode="replicate"), 5, stride=1)
        apart = smooth[:, None] - self.colours[None, :, :, None, None]  # (N, C, 3, H, W)
        scores = -16 * apart.square().sum(dim=2)
        for own, taken in self.mistaken.items():
            scores[:, taken] = torch.maximum(scores[:, taken], scores[:, own])
            scores[:, own] = scores.amin(dim=1) - 4
        return scores


class Tiny(nn.Module):
    """Three convolutions; its seed fixes the first weights."""

    def __init__(self, classes: int = len(CLASSES), channels: int = 8, seed: int = 0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(3, channels, 3, padding=1)
            self.norm = nn.BatchNorm2d(channels)
            self.second = nn.Conv2d(channels, channels, 3, padding=1)
            self.head = nn.Conv2d(channels, classes, 1)

    def logits(self, images: Tensor) -> Tensor:
        return self.head(self.second(self.norm(self.first(images)).relu()).relu())
