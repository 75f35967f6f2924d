"""Directions on networks of one's own: a DCGAN, which knows nothing but z, and a colour scorer.

    python examples/own_networks.py own

Neither needs a base class, see `vectorfind.models.protocols`. The DCGAN has random weights here, so
that all takes some seconds and needs no file. It leaves `directions.npz` and `strip_warm.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import vectorfind
from property_cnn.common.files import atomic_write
from reports import figure_png, image_strip

Z_DIM = 16


class Dcgan:
    """A generator with the one layer z, as `vectorfind.models.protocols.Generator` says."""

    z_dim, label_dim = Z_DIM, 0
    layers = {"z": Z_DIM}  # noqa: RUF012
    digest = "random-dcgan-0"
    thread_safe = True

    def __init__(self) -> None:
        self.network = nn.Sequential(
            nn.ConvTranspose2d(Z_DIM, 32, 4, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        ).eval()
        random = torch.Generator().manual_seed(0)
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4  # they blur, so that colours make patches
        with torch.no_grad():
            for index, smooth in ((0, 1.0), (3, taps.outer(taps)), (6, taps.outer(taps))):
                weight = self.network[index].weight  # (inputs, outputs, 4, 4)
                size = weight.shape if index == 0 else (*weight.shape[:2], 1, 1)
                drawn = torch.randn(size, generator=random) * smooth
                weight.copy_(drawn / len(weight) ** 0.5)

    def map(self, z: torch.Tensor, label: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """(N, 16) latents -> themselves."""
        return {"z": z}

    def synthesize(self, latents: torch.Tensor, layer: str) -> torch.Tensor:
        """(N, 16) vectors of z -> images (N, 3, 16, 16) in [-1, 1]."""
        return self.network(latents[:, :, None, None])


def colours(images: np.ndarray) -> dict[str, np.ndarray]:
    """Images (N, 16, 16, 3) uint8 -> two scores, a number an image each."""
    red, green, blue = np.moveaxis(images.mean(axis=(1, 2)), 1, 0)
    return {"warm": red - blue, "bright": (red + green + blue) / 3}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = Dcgan()
    scorer = vectorfind.CallableScorer(
        colours, ("warm", "bright"), takes="pixels", digest="colours-1"
    )

    # Nothing else needs to be told: the layer is the last, the properties are all that are
    # scored, and there are no groups, as the scorer does not read what groups are made by.
    directions = vectorfind.find_directions(2000, generator=generator, scorer=scorer, quiet=True)
    directions.save(folder / "directions.npz")
    evaluation = vectorfind.evaluate(directions, cases=40, quiet=True)
    for index, name in enumerate(directions.properties):
        found, chance = (
            measured.correlation.mean[index]
            for measured in (evaluation.measured, evaluation.control)
        )
        print(f"{name}: mean corr-coef {found:.3f}, of random directions {chance:.3f}")

    # Groups by a score of one's own, in three parts: a direction for dark, middling and bright.
    grouped = vectorfind.find_directions(
        2000, generator=generator, scorer=scorer, properties=("warm",), group_by=("bright",),
        quantiles=3, quiet=True,
    )  # fmt: skip
    print(f"groups by brightness: {', '.join(grouped.groups)}")

    strengths = (-2.0, -1.0, 0.0, 1.0, 2.0)
    columns = [directions.edit(evaluation.z[:4], warm=warm).cpu().numpy() for warm in strengths]
    images = np.stack(columns, axis=1)  # (4, 5, 3, 16, 16)
    strip = folder / "strip_warm.png"
    atomic_write(strip, figure_png(image_strip(images, strengths, "warm", ("cold", "warm"))))
    print(f"strip: {strip}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/own_networks.py FOLDER")
    main(Path(sys.argv[1]))
