"""The property CNN: branches, each of which reads its own crop of an image, and heads on them.

What the branches see and the heads tell is laid out in `property_cnn.network.layout`. Branches for
small features keep their crop's full resolution in the first convolutions, so that a network for
64 × 64 sees single pixels of a mouth that is 12 × 16 there; those for large areas halve it at
once. One for 256 × 256 has two more halvings in each branch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.network.layout import Crop, NetworkSettings


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
        if crops.stride(1) != 1:  # cheaper here than of the whole images
            crops = crops.contiguous(memory_format=torch.channels_last)
        return self.layers(crops).flatten(1)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class PropertyCNN(nn.Module):
    """Reads scores of properties off images; of rendered faces the eight of `PROPERTIES`.

    After the reference system's scorer, with batch normalisation and narrower branches.

    The raw scores that it was trained on are `scores * score_std + score_mean`; both buffers are
    stored with the weights (see `denormalise`).

    Attributes:
        settings: its size and layout.
        properties: names of the P scores.
    """

    def __init__(self, settings: NetworkSettings | None = None):
        super().__init__()
        self.settings = settings = settings or NetworkSettings()
        self.properties = settings.properties
        self.crops = {branch.name: Crop(*branch.crop) for branch in settings.branches}
        self.branches = nn.ModuleDict(
            {
                branch.name: Branch(
                    *branch.pixels(settings.resolution), settings.width, branch.stride
                )
                for branch in settings.branches
            }
        )
        self.hidden = nn.ModuleDict()
        self.outputs = nn.ModuleDict()
        for head in settings.heads:
            inputs = sum(self.branches[name].outputs for name in head.branches)
            self.hidden[head.name] = nn.Sequential(
                nn.Linear(inputs, settings.features, bias=False),
                nn.BatchNorm1d(settings.features),
                nn.ReLU(inplace=True),
            )
            self.outputs[head.name] = nn.Linear(settings.features, len(head.properties))
        self.register_buffer("score_mean", torch.zeros(len(self.properties)))
        self.register_buffer("score_std", torch.ones(len(self.properties)))

    @property
    def config(self) -> dict[str, Any]:
        """The settings as plain values, for a checkpoint's metadata."""
        return self.settings.plain()

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] of any size -> (N, P) z-normalised scores.

        Columns are in the order of `properties`. Differentiable in the images.
        """
        return self._scores(self._hidden(images))

    def features(self, images: Tensor) -> Tensor:
        """(N, heads * features) activations below the outputs, for distances between image sets."""
        return torch.cat(list(self._hidden(images).values()), dim=1)

    def features_and_scores(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `features` and a call give, in one pass."""
        hidden = self._hidden(images)
        return torch.cat(list(hidden.values()), dim=1), self._scores(hidden)

    def denormalise(self, scores: Tensor) -> Tensor:
        """Raw scores, in the units that were learned, of (N, P) z-normalised ones."""
        return scores * self.score_std + self.score_mean

    def normalise(self, raw: Tensor) -> Tensor:
        """z-normalised scores of (N, P) raw ones."""
        return (raw - self.score_mean) / self.score_std

    def _scores(self, hidden: dict[str, Tensor]) -> Tensor:
        columns = [self.outputs[name](known).unbind(dim=1) for name, known in hidden.items()]
        return torch.stack([column for some in columns for column in some], dim=1)

    def _hidden(self, images: Tensor) -> dict[str, Tensor]:
        seen = {name: self.branches[name](crop.of(images)) for name, crop in self.crops.items()}
        return {
            head.name: self.hidden[head.name](
                torch.cat([seen[name] for name in head.branches], dim=1)
            )
            for head in self.settings.heads
        }
