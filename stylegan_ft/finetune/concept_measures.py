"""How a generator's samples fare in the concept's filter, and how much their scores vary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from stylegan_ft.concept import CONCEPT, Thresholds

BLOCK = 256
"""Latents drawn together. Changing it changes every latent."""

_BEST = (1.0, 1.0, 0.0, 0.0)  # probabilities that any thresholds of the concept let pass


class Source(Protocol):
    """What is needed of a generator; see `stylegan_ft.architectures.layered.LayeredGenerator`."""

    z_dim: int
    label_dim: int
    device: torch.device

    def map(self, z: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        """Latents -> layer -> vectors, with w among the layers."""
        ...

    def synthesize(self, latents: Tensor, layer: str) -> Tensor:
        """Vectors at a layer -> images (N, 3, H, W) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class ConceptFigures:
    """A generator's samples in the filter.

    Attributes:
        share: of the samples that pass; `passed` of `n`.
        attribute_shares: shares within each attribute's own threshold, in the order of `CONCEPT`.
        mean_scores: mean probabilities, in the same order.
        score_stds: standard deviations of the property scores over the samples.
    """

    n: int
    passed: int
    attribute_shares: tuple[float, ...]
    mean_scores: tuple[float, ...]
    score_stds: tuple[float, ...]

    @property
    def share(self) -> float:
        """Share of the samples that pass."""
        return self.passed / self.n


@torch.inference_mode()
def concept_figures(  # noqa: PLR0913 - a public function whose keywords are the interface
    generator: Source,
    classifiers: Callable[[Tensor], Tensor],
    scorer: Callable[[Tensor], Tensor],
    thresholds: Thresholds,
    n: int = 4096,
    seed: int = 0,
    batch_size: int = 64,
    progress: Callable[[int], None] | None = None,
) -> ConceptFigures:
    """Draws n samples and measures them.

    Two generators with the same size of z get the same z, whether they take labels or not; the
    batch size changes nothing but rounding.

    Args:
        generator: without labels if its label_dim is 0.
        classifiers: images (N, 3, H, W) in [-1, 1] -> probabilities (N, 4), columns `CONCEPT`.
        scorer: the same images -> scores (N, A).
        thresholds: tells which probabilities pass.
        n: samples, at least 2.
        seed: of the latents.
        batch_size: images a batch.
        progress: called with the size of each finished batch.

    Raises:
        InputError: n or the batch size is too small.
    """
    if n < 2 or batch_size < 1:
        raise InputError(f"n is {n}, batch_size {batch_size}; give at least 2 and at least 1")
    probabilities, scores = [], []
    z, label = concept_latents(generator.z_dim, generator.label_dim, n, seed)
    for rows in range(0, n, batch_size):
        part = slice(rows, rows + batch_size)
        own = label[part].to(generator.device) if generator.label_dim else None
        latents = generator.map(z[part].to(generator.device), own)["w"]
        images = generator.synthesize(latents, "w")
        probabilities.append(classifiers(images).float().cpu())
        scores.append(scorer(images).double().cpu())
        if progress is not None:
            progress(len(images))
    given = torch.cat(probabilities)
    within = []
    for index in range(len(CONCEPT)):
        alone = torch.tensor(_BEST).repeat(n, 1)
        alone[:, index] = given[:, index]
        within.append(float(thresholds.passes(alone).double().mean()))
    return ConceptFigures(
        n=n,
        passed=int(thresholds.passes(given).sum()),
        attribute_shares=tuple(within),
        mean_scores=tuple(given.double().mean(dim=0).tolist()),
        score_stds=tuple(torch.cat(scores).std(dim=0).tolist()),
    )


def concept_latents(z_dim: int, label_dim: int, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Standard normal z (n, z_dim) and labels (n, label_dim), each from streams of its own."""
    sides = []
    for stream, size in enumerate((z_dim, label_dim)):
        blocks = [
            np.random.default_rng([seed, block, stream]).standard_normal((BLOCK, size), np.float32)
            for block in range(-(-n // BLOCK))
        ]
        sides.append(torch.tensor(np.concatenate(blocks)[:n]))
    return sides[0], sides[1]
