"""The property CNN: eight branches, each of which reads its own crop of a face.

The crops are those of the reference system (docs/properties.md), as fractions of the
image's side. The branches for small features keep their crop's full resolution in the first
convolutions, so that a network for 64 × 64 sees single pixels of a mouth that is 12 × 16 there;
those for large areas halve it at once. One for 256 × 256 has two more halvings in each branch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.checks import Settings, Whole
from property_cnn.common.errors import InputError
from property_cnn.properties import PROPERTIES


class Crop(NamedTuple):
    """A part of the picture, in fractions of its side."""

    top: float
    bottom: float
    left: float
    right: float

    def of(self, images: Tensor) -> Tensor:
        """The part of (N, C, H, W) images, its borders rounded to whole pixels."""
        height, width = images.shape[-2:]
        rows = slice(round(self.top * height), round(self.bottom * height))
        return images[..., rows, round(self.left * width) : round(self.right * width)]


CROPS = {
    "eyes": Crop(3 / 8, 9 / 16, 1 / 4, 3 / 4),
    "hair_color": Crop(0, 1, 0, 1),
    "hair_length": Crop(1 / 2, 1, 0, 1),
    "mouth": Crop(5 / 8, 13 / 16, 3 / 8, 5 / 8),
    "pose": Crop(7 / 16, 5 / 8, 11 / 32, 21 / 32),
    "background": Crop(0, 1 / 2, 0, 1),
    "hairstyle_left": Crop(1 / 2, 1, 0, 3 / 8),
    "hairstyle_right": Crop(1 / 2, 1, 5 / 8, 1),
}
"""What each branch sees; the two of hairstyle share a head, that of background has two outputs."""

COARSE = ("hair_color", "hair_length", "background")
"""Branches that look at large areas, and halve them in their first convolution."""

HEADS = {
    "eyes": ("eyes",),
    "hair_color": ("hair_color",),
    "hair_length": ("hair_length",),
    "mouth": ("mouth",),
    "pose": ("pose",),
    "background": ("background_mean", "background_std"),
    "hairstyle": ("hairstyle",),
}
"""The properties that each head gives."""


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """Size of a property CNN.

    Attributes:
        resolution: side of the images that the branches are laid out for, a multiple of 32;
            crops of other images are resized to the crops of this side.
        width: channels of a branch's first convolution; later ones have up to four times as many.
        features: size of each head's last hidden layer.
    """

    resolution: Annotated[int, Whole(32, 4096)] = 64
    width: Annotated[int, Whole(1, 65_536)] = 16
    features: Annotated[int, Whole(1, 65_536)] = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resolution % 32:
            raise InputError(f"resolution {self.resolution}; need a multiple of 32")


class Branch(nn.Module):
    """Convolutions over one crop, which is halved until its shorter side is 4 pixels or less.

    Args:
        height, width: pixels of the crop.
        channels: of the first convolution.
        stride: of the first convolution.
    """

    def __init__(self, height: int, width: int, channels: int, stride: int = 1):
        super().__init__()
        self.size = (height, width)
        layers = [*_convolution(3, channels, stride), *_convolution(channels, channels)]
        height, width, last = -(-height // stride), -(-width // stride), channels
        while min(height, width) > 4:
            following = min(2 * last, 4 * channels)
            layers += [*_convolution(last, following, stride=2)]
            layers += [*_convolution(following, following)]
            height, width, last = (height + 1) // 2, (width + 1) // 2, following
        self.layers = nn.Sequential(*layers)
        self.outputs = last * height * width

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, h, w) crops of any size -> (N, outputs)."""
        if crops.shape[-2:] != self.size:
            larger = crops.shape[-2] > self.size[0]  # then each pixel is the mean of its area
            crops = F.interpolate(crops, self.size, mode="area" if larger else "bilinear")
        return self.layers(crops).flatten(1)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PropertyCNN(nn.Module):
    """Reads the eight property scores off face images.

    After the reference system's scorer, with batch normalisation and narrower branches.

    The raw scores that it was trained on are `scores * score_std + score_mean`; both buffers are
    stored with the weights (see `denormalise`).
    """

    def __init__(self, settings: NetworkSettings | None = None):
        super().__init__()
        self.settings = settings = settings or NetworkSettings()
        side = settings.resolution
        self.branches = nn.ModuleDict(
            {
                name: Branch(
                    round((crop.bottom - crop.top) * side),
                    round((crop.right - crop.left) * side),
                    settings.width,
                    stride=2 if name in COARSE else 1,
                )
                for name, crop in CROPS.items()
            }
        )
        self.hidden = nn.ModuleDict()
        self.outputs = nn.ModuleDict()
        for head, properties in HEADS.items():
            inputs = sum(self.branches[name].outputs for name in _branches_of(head))
            self.hidden[head] = nn.Sequential(
                nn.Linear(inputs, settings.features, bias=False),
                nn.BatchNorm1d(settings.features),
                nn.ReLU(inplace=True),
            )
            self.outputs[head] = nn.Linear(settings.features, len(properties))
        self.register_buffer("score_mean", torch.zeros(len(PROPERTIES)))
        self.register_buffer("score_std", torch.ones(len(PROPERTIES)))

    @property
    def config(self) -> dict[str, int]:
        """The settings as plain values, for a checkpoint's metadata."""
        return asdict(self.settings)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] of any size -> (N, 8) z-normalised scores.

        Columns are in the order of `PROPERTIES`. Differentiable in the images.
        """
        return self._scores(self._hidden(images))

    def features(self, images: Tensor) -> Tensor:
        """(N, 7 * features) activations below the outputs, for distances between image sets."""
        return torch.cat(list(self._hidden(images).values()), dim=1)

    def features_and_scores(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `features` and a call give, in one pass."""
        hidden = self._hidden(images)
        return torch.cat(list(hidden.values()), dim=1), self._scores(hidden)

    def denormalise(self, scores: Tensor) -> Tensor:
        """Raw scores, in the units of `parsing_scores`, of (N, 8) z-normalised ones."""
        return scores * self.score_std + self.score_mean

    def normalise(self, raw: Tensor) -> Tensor:
        """z-normalised scores of (N, 8) raw ones."""
        return (raw - self.score_mean) / self.score_std

    def _scores(self, hidden: dict[str, Tensor]) -> Tensor:
        columns: dict[str, Tensor] = {}
        for head, activations in hidden.items():
            scores = self.outputs[head](activations)  # (N, 1 or 2)
            columns.update(zip(HEADS[head], scores.unbind(dim=1), strict=True))
        return torch.stack([columns[name] for name in PROPERTIES], dim=1)

    def _hidden(self, images: Tensor) -> dict[str, Tensor]:
        seen = {name: self.branches[name](crop.of(images)) for name, crop in CROPS.items()}
        return {
            head: hidden(torch.cat([seen[name] for name in _branches_of(head)], dim=1))
            for head, hidden in self.hidden.items()
        }


def _branches_of(head: str) -> list[str]:
    """Names of the branches that feed a head."""
    return [name for name in CROPS if name == head or name.rpartition("_")[0] == head]
