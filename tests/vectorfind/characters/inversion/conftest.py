"""A small smooth generator with w and w+, and readers that need no file."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vectorfind.characters.inversion import job as module
from vectorfind.characters.inversion.readers import Reader

SIDE, W_DIM, LAYERS = 16, 6, 3


def noise(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class TinyGenerator:
    """z (6) -> w (6), stretched and shifted; each of three layers shows its w in its own way."""

    z_dim, label_dim = W_DIM, 0
    digest, thread_safe = "tiny-generator", True
    available_layers = ("w", "w+")

    def __init__(self, layers=("w",)):
        self.layers = {name: W_DIM * (LAYERS if name == "w+" else 1) for name in layers}
        self.stretch = torch.tensor([2.0, 1.0, 1.0, 0.5, 0.5, 0.1])
        self.show = noise(LAYERS, W_DIM, 3 * SIDE * SIDE, seed=5) / 8

    def with_layer(self, layer):
        return TinyGenerator((*self.layers, layer))

    def map(self, z, label):
        w = z * self.stretch + 0.3
        return {name: w.repeat(1, size // W_DIM) for name, size in self.layers.items()}

    def synthesize(self, latents, layer):
        ws = latents.unflatten(1, (-1, W_DIM)).expand(-1, LAYERS, -1)
        bent = ws + 0.3 * torch.tanh(ws)
        shown = torch.einsum("nld,ldp->np", bent, self.show)
        return (shown / 4).unflatten(1, (3, SIDE, SIDE))


class TinyScorer:
    """One convolution, whose map is what a reader sees."""

    digest = "tiny-reader"

    def __init__(self):
        self.network = nn.Conv2d(3, 4, 3)
        with torch.no_grad():
            self.network.weight.copy_(noise(4, 3, 3, 3, seed=6))
            self.network.bias.zero_()
        self.network.requires_grad_(False)

    def __call__(self, images):
        return self.network(images).mean(dim=(2, 3))


@pytest.fixture
def generator():
    return TinyGenerator()


@pytest.fixture
def reader(monkeypatch):
    """Stands for the one that would be chosen."""
    given = Reader("default", TinyScorer())
    monkeypatch.setattr(module, "reader_for", lambda images: given)
    return given
