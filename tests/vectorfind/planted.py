"""A toy generator and scorer with known answers, quick enough to run whole tests on.

Latents are eight numbers, one a property; every layer holds them under a fixed rotation, the
image shows them as eight bands of grey, and the scorer reads the bands.
"""

from __future__ import annotations

import torch

from property_cnn.properties import PROPERTIES

SIZE = 16
_RANGE = 10.0  # the value that a white band stands for


class PlantedGenerator:
    """Properties are linear in every layer; column k of `readout(layer)` is that of property k."""

    z_dim = 6
    label_dim = 2
    resolution = SIZE
    digest = "planted-generator"

    def __init__(self, layers: tuple[str, ...] = ("mapping_split1", "mapping_split2", "w")):
        self.layers = {name: 14 - 2 * index for index, name in enumerate(layers)}

    def readout(self, layer: str) -> torch.Tensor:
        size = self.layers[layer]
        noise = torch.randn(size, size, generator=torch.Generator().manual_seed(size))
        return torch.linalg.qr(noise)[0][:, : len(PROPERTIES)]  # (d, 8), orthonormal columns

    def map(self, z, label):
        values = torch.cat([z, label], dim=1)  # (N, 8)
        return {name: values @ self.readout(name).T for name in self.layers}

    def synthesize(self, latents, layer):
        values = latents @ self.readout(layer)  # (N, 8)
        bands = (values / _RANGE).clamp(-1, 1).repeat_interleave(SIZE // 8, dim=1)  # (N, 16)
        return bands[:, None, :, None].expand(-1, 3, -1, SIZE)


class PlantedScorer:
    """Reads the bands back; `spoil` may change the scores (N, 8) before they are answered."""

    properties = PROPERTIES
    digest = "planted-scorer"

    def __init__(self, spoil=None):
        self.spoil = spoil

    def __call__(self, images):
        rows = images.mean(dim=(1, 3))  # (N, 16)
        scores = rows.unflatten(1, (len(PROPERTIES), -1)).mean(dim=2) * _RANGE
        return scores if self.spoil is None else self.spoil(scores)
