"""Toy networks with planted answers, quick enough to run whole stages on.

The mapping bends the latents; from its first layer on, all is linear, so that each property has
one true direction at every layer: `ToyGenerator.truth`. Images are eight grey bands, a property
each, which `ToyScorer` reads back.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.properties import PROPERTIES
from tests.sketches import sketched
from vectorfind.config import CONTROLLED, FindSettings, GradientSettings
from vectorfind.models.pair import Models
from vectorfind.pipeline import fit_samples
from vectorfind.sampling.sampler import sample

SIDE = 8
RANGE = 10.0  # the score that white stands for


def rotation(size: int, seed: int) -> torch.Tensor:
    noise = torch.randn(size, size, generator=torch.Generator().manual_seed(seed))
    return torch.linalg.qr(noise)[0]


class ToyGenerator:
    """Latents (14 + 2) -> bent and turned to split1 (16) -> split2 (8 + 8), whose sum is w (8)."""

    z_dim, label_dim = 14, 2
    layers = {"mapping_split1": 16, "mapping_split2": 16, "w": 8}  # noqa: RUF012
    digest = "toy-generator"

    def __init__(self):
        self.bend, self.turn, self.read = rotation(16, 0), rotation(16, 1), rotation(8, 2)
        self.mapped = 0  # calls of the mapping

    def map(self, z, label):
        self.mapped += 1
        x = torch.cat([z, label], dim=1)
        split1 = x + 0.5 * torch.tanh(x @ self.bend)
        split2 = split1 @ self.turn
        return {"mapping_split1": split1, "mapping_split2": split2, "w": self.resume(split2)}

    def synthesize(self, latents, layer):
        split2 = latents @ self.turn if layer == "mapping_split1" else latents
        w = latents if layer == "w" else self.resume(split2)
        bands = (w @ self.read) / RANGE  # (N, 8)
        return bands[:, None, :, None].expand(-1, 3, -1, SIDE)

    @staticmethod
    def resume(split2):
        return split2[:, :8] + split2[:, 8:]

    def truth(self, layer: str) -> np.ndarray:
        """The unit direction (8, d) of each property at a layer."""
        at_split2 = torch.cat([self.read, self.read]).T / 2**0.5  # (8, 16)
        turned = {"w": self.read.T, "mapping_split2": at_split2}
        return turned.get(layer, at_split2 @ self.turn.T).numpy()


class ToyScorer:
    """Reads the bands; `spoil` may change the scores (N, 8) before they are answered."""

    digest = "toy-scorer"

    def __init__(self, spoil=None, properties=PROPERTIES):
        self.spoil, self.properties = spoil, tuple(properties)

    def __call__(self, images):
        scores = images.mean(dim=(1, 3)) * RANGE  # (N, 8)
        columns = [PROPERTIES.index(name) for name in self.properties]
        return scores[:, columns] if self.spoil is None else self.spoil(scores)


@pytest.fixture(scope="session")
def models() -> Models:
    return Models(ToyGenerator(), ToyScorer())


SETTINGS = FindSettings(
    n=2000,
    layer="mapping_split2",
    properties=CONTROLLED,
    group_by=("hair_color", "hair_length"),
    workers=1,
    gradient=GradientSettings(max_epochs=6),
)


@pytest.fixture(scope="session")
def samples(models):
    return sample(models, SETTINGS.n)


@pytest.fixture(scope="session")
def found(models, samples):
    """Directions by method and layer, found once."""
    cache = {}

    def find(method: str = "svm", layer: str = "mapping_split2"):
        if (method, layer) not in cache:
            settings = replace(SETTINGS, method=method, layer=layer)
            cache[method, layer] = fit_samples(models, samples, settings)
        return cache[method, layer]

    return find


@pytest.fixture(scope="module", autouse=True)
def quick_figures():
    """Figures are sketches."""
    with sketched():
        yield
