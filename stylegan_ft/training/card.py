"""The card of the shipped generator: what it is, how it was made, and how good it was measured.

Written by the command that makes the models, never by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from property_cnn.common.files import atomic_write
from property_cnn.faces import render_faces, sample_attributes
from property_cnn.properties import GROUPING, PROPERTIES
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.training.measures import frechet_distance, linear_r2, nearest
from stylegan_ft.training.samples import fixed_latents, fixed_samples, save_grid

SAMPLES_PNG = "generator_samples.png"
NEIGHBOURS_PNG = "generator_neighbours.png"
SAMPLES = 4096

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """Figures of a generator; scores are the scorer's, z-normalised over rendered faces.

    Attributes:
        n: samples measured, and rendered faces in each comparison set.
        spread: std of each property's score over samples, as a share of that over faces.
        medians: each property's median over the samples.
        frechet, frechet_floor: distance to rendered faces, and between two sets of those.
        correlations: (P, P) of the scores over samples.
        r2: input name -> (P,) linear R² of the scores.
        neighbours: root-mean-square differences of 8 samples to their nearest training faces.
    """

    n: int
    spread: Scores
    medians: Scores
    frechet: float
    frechet_floor: float
    correlations: Scores
    r2: dict[str, Scores]
    neighbours: Scores


@torch.inference_mode()
def measure(
    network: GeneratorNetwork,
    features: Callable[[Tensor], Tensor],
    score: Callable[[Tensor], Tensor],
    training_faces: Callable[[int], Tensor],
    folder: Path,
    n: int | None = None,
    seed: int = 100,
) -> Measured:
    """Measures the generator and draws the card's two pictures into `folder`.

    Args:
        features, score: of the scorer; images (N, 3, H, W) -> (N, F) and (N, P).
        training_faces: gives so many (N, 3, R, R) faces that the generator was trained on.
        n: samples, more than there are features; `SAMPLES` if not given.
        seed: of the samples; those shown are uncurated, the first 64.
    """
    n = SAMPLES if n is None else n
    size = network.config.resolution
    z, label = fixed_latents(network, n, seed)
    images = fixed_samples(network, n, seed)
    faces = [render_faces(sample_attributes(n, seed + k), size) for k in (1, 2)]
    scores, real = _rows(score, images), _rows(score, faces[0])
    deep = [_rows(features, batch) for batch in (images, *faces)]
    inputs = {"z and label": torch.cat([z, label], dim=1)}
    inputs |= network.mapping(z, label)
    save_grid(folder / SAMPLES_PNG, images[:64], columns=16, scale=1)
    trained = training_faces(4 * n)
    order, distance = nearest(_small(images[:8]), _small(trained), 2)
    pairs = [images[:8], *(trained[torch.from_numpy(order[:, k].copy())] for k in range(2))]
    save_grid(folder / NEIGHBOURS_PNG, torch.cat(pairs), columns=8, scale=2)
    return Measured(
        n=n,
        spread=scores.std(axis=0) / real.std(axis=0),
        medians=np.median(scores, axis=0),
        frechet=frechet_distance(deep[0], deep[1]),
        frechet_floor=frechet_distance(deep[1], deep[2]),
        correlations=np.corrcoef(scores.T),
        r2={name: linear_r2(values.numpy(), scores) for name, values in inputs.items()},
        neighbours=distance[:, 0],
    )


def card_text(measured: Measured, made: Sequence[tuple[str, str]]) -> str:
    """The card as Markdown.

    Args:
        measured: the figures.
        made: (what, how) rows on the making: method, seed, command, sizes, …
    """
    header = "| | " + " | ".join(PROPERTIES) + " |\n|---" + "|---:" * len(PROPERTIES) + "|\n"

    def row(name: str, values: Scores, digits: int = 2) -> str:
        return f"| {name} | " + " | ".join(f"{value:.{digits}f}" for value in values) + " |\n"

    medians = dict(zip(PROPERTIES, measured.medians, strict=True))
    return (
        "# The shipped base generator\n\n"
        + "".join(f"- **{what}**: {how}\n" for what, how in made)
        + "\nIt was trained on rendered faces alone; no photograph of a person was involved.\n"
        + "\n## Samples\n\n64 samples, not chosen (truncation psi 1):\n\n"
        + f"![samples]({SAMPLES_PNG})\n"
        + f"\n## Spread\n\nStandard deviation of the scores over {measured.n:,} samples, as a "
        "share of that over as many rendered faces, and the samples' medians; "
        "those of the grouping properties split samples into groups "
        f"({', '.join(f'{name} {medians[name]:+.3f}' for name in GROUPING)}).\n\n"
        + header
        + row("spread", measured.spread)
        + row("median", measured.medians)
        + "\n## Fréchet distance\n\nIn the last features of the scorer: "
        f"**{measured.frechet:.3f}** between samples and rendered faces; "
        f"{measured.frechet_floor:.3f} between two sets of rendered faces "
        f"({measured.n:,} each).\n"
        + "\n## Entanglement\n\nLinear R² of each score (fitted on half of the samples, "
        "measured on the other):\n\n"
        + header
        + "".join(row(name, values) for name, values in measured.r2.items())
        + "\nCorrelations of the scores over the samples:\n\n"
        + header
        + "".join(
            row(name, values)
            for name, values in zip(PROPERTIES, measured.correlations, strict=True)
        )
        + "\n## No copying\n\nFirst row: samples; below each the two nearest of "
        f"{4 * measured.n:,} faces shown in training (root-mean-square difference of 16 × 16 "
        f"pixels, {measured.neighbours.min():.3f} to {measured.neighbours.max():.3f} of a range "
        f"of 2).\n\n![neighbours]({NEIGHBOURS_PNG})\n"
    )


def write_card(path: Path, measured: Measured, made: Sequence[tuple[str, str]]) -> None:
    """Writes the card's text; its pictures are already beside it."""
    atomic_write(path, card_text(measured, made))


def _rows(function: Callable[[Tensor], Tensor], images: Tensor, batch_size: int = 256) -> Scores:
    return torch.cat([function(part).float() for part in images.split(batch_size)]).numpy()


def _small(images: Tensor) -> Scores:
    return F.adaptive_avg_pool2d(images, 16).flatten(1).numpy()
