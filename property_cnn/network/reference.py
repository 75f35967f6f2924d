"""The reference system's property CNN, so that its weights load by name.

A tower of plain 3 × 3 convolutions, leaky ReLU and max pooling for each property, on the crops of
`property_cnn.network.layout`; hairstyle has two. Names of weights are the reference's. Its dropout
is left out, as this network is for inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.checks import Settings, Whole
from property_cnn.common.errors import CheckpointError
from property_cnn.network.layout import CROPS, HEADS, Crop
from property_cnn.properties import PROPERTIES

SIDE = 256
"""Pixels of the images that the towers are laid out for; crops of others are resized."""

POOL = 0
"""Stands in a tower for halving by max pooling."""

TOWERS = {
    "eyes": (1, 2, POOL, 2, POOL, 4, POOL),
    "mouth": (1, 2, POOL, 2, POOL, 4, POOL),
    "pose": (1, 2, POOL, 2, POOL, 4, 4),
    "hair_color": (1, 2, POOL, 2, POOL, 4, POOL, 4, POOL, 4, POOL),
    "hair_length": (1, 2, POOL, 2, POOL, 4, POOL, 4, POOL, 4),
    "background": (1, 2, POOL, 2, POOL, 4, POOL, 4, POOL, 4),
    "hairstyle": (1, 2, POOL, 2, POOL, 3, POOL, 4, 4),
}
"""Channels of each convolution in multiples of the first one's, and where it is halved."""


@dataclass(frozen=True)
class ReferenceSettings(Settings):
    """Size of a reference property CNN.

    Attributes:
        width: channels of each tower's first convolution.
        features: numbers in each head's hidden layer; in that of hairstyle, twice as many.
    """

    width: Annotated[int, Whole(1, 1024)] = 32
    features: Annotated[int, Whole(1, 2**16)] = 256


class _Tower(nn.Module):
    """Convolutions without padding over one crop; (N, 3, H, W) images -> (N, outputs)."""

    def __init__(self, plan: tuple[int, ...], crop: Crop, width: int):
        super().__init__()
        self.plan, self.crop = plan, crop
        self.size = height, breadth = _pixels(crop.top, crop.bottom), _pixels(crop.left, crop.right)
        inputs = 3
        for k, times in enumerate(times for times in plan if times != POOL):
            convolution = nn.Conv2d(inputs, times * width, 3)
            self.add_module(f"conv{k + 1}", nn.Sequential(convolution, nn.LeakyReLU()))
            inputs = times * width
        for times in plan:
            shrunk = ((side // 2 if times == POOL else side - 2) for side in (height, breadth))
            height, breadth = shrunk
        self.outputs = inputs * height * breadth

    def forward(self, images: Tensor) -> Tensor:
        x = self.crop.of(images)
        if x.shape[-2:] != self.size:
            larger = x.shape[-2] > self.size[0]  # then each pixel is the mean of its area
            x = F.interpolate(x, self.size, mode="area" if larger else "bilinear")
        convolutions = iter(range(1, len(self.plan) + 1))
        for times in self.plan:
            pool = times == POOL
            x = F.max_pool2d(x, 2) if pool else getattr(self, f"conv{next(convolutions)}")(x)
        return x.flatten(1)


class _Head(_Tower):
    """A tower and what reads its property's scores off it."""

    def __init__(self, name: str, settings: ReferenceSettings):
        super().__init__(TOWERS[name], CROPS[name], settings.width)
        self.fc1 = nn.Sequential(nn.Linear(self.outputs, settings.features), nn.Tanh())
        self.fc_final = nn.Linear(settings.features, len(HEADS[name]))

    def hidden(self, images: Tensor) -> Tensor:
        return self.fc1(self(images))


class _HairstyleHead(nn.Module):
    """Two towers, for the left and the right half, and what reads the score off both."""

    def __init__(self, settings: ReferenceSettings):
        super().__init__()
        plan = TOWERS["hairstyle"]
        self.bottom_left_cnn = _Tower(plan, CROPS["hairstyle_left"], settings.width)
        self.bottom_right_cnn = _Tower(plan, CROPS["hairstyle_right"], settings.width)
        inputs = self.bottom_left_cnn.outputs + self.bottom_right_cnn.outputs
        self.fc1 = nn.Sequential(nn.Linear(inputs, 2 * settings.features), nn.Tanh())
        self.fc_final = nn.Linear(2 * settings.features, 1)

    def hidden(self, images: Tensor) -> Tensor:
        towers = (self.bottom_left_cnn, self.bottom_right_cnn)
        return self.fc1(torch.cat([tower(images) for tower in towers], dim=1))


class ReferenceCNN(nn.Module):
    """Reads the eight property scores off face images, z-normalised as in its training.

    The buffers `score_mean` and `score_std` are 0 and 1: the reference keeps neither.
    """

    properties = PROPERTIES

    def __init__(self, settings: ReferenceSettings | None = None):
        super().__init__()
        self.settings = settings = settings or ReferenceSettings()
        for name in HEADS:
            head = _HairstyleHead(settings) if name == "hairstyle" else _Head(name, settings)
            self.add_module(f"{name}_score_cnn", head)
        self.register_buffer("score_mean", torch.zeros(len(PROPERTIES)), persistent=False)
        self.register_buffer("score_std", torch.ones(len(PROPERTIES)), persistent=False)

    @property
    def config(self) -> dict[str, Any]:
        """The settings as plain values, for a checkpoint's metadata."""
        return {"layout": LAYOUT, **asdict(self.settings)}

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [-1, 1] of any size -> (N, 8), columns as in `PROPERTIES`."""
        scores = [head.fc_final(head.hidden(images)) for head in self.children()]
        return torch.cat(scores, dim=1)

    def features(self, images: Tensor) -> Tensor:
        """(N, 8 * features) activations below the outputs, for distances between image sets."""
        return torch.cat([head.hidden(images) for head in self.children()], dim=1)

    def denormalise(self, scores: Tensor) -> Tensor:
        """The scores themselves: the reference does not keep what they were normalised by."""
        return scores


LAYOUT = "reference"
"""What the settings in a file call this network."""


def reference_settings(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The settings, as in `ReferenceCNN.config`, that the reference's weights tell.

    Raises:
        CheckpointError: weights that tell them are missing.
    """
    try:
        width = state["eyes_score_cnn.conv1.0.weight"].shape[0]
        features = state["eyes_score_cnn.fc_final.weight"].shape[1]
    except (KeyError, IndexError) as error:
        raise CheckpointError(f"no whole property CNN of the reference ({error})") from error
    return {"layout": LAYOUT, "width": width, "features": features}


def _pixels(first: float, last: float) -> int:
    return round(last * SIDE) - round(first * SIDE)
