"""Edits: vectors moved along directions, and the scores or images of what comes of them.

An edited vector re-enters the generator at its layer; the mapping is never run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch

from vectorfind.directions.courses import Course
from vectorfind.models.pair import Models


def strength_grid(strengths: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Every combination of the properties' strengths (S, P); the first property is the slowest."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return np.array(list(product(*strengths.values())), dtype=np.float32)


def edited(latents: np.ndarray, vectors: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Vectors (N, d), each moved along its directions (N, P, d) by its strengths (N, P)."""
    return latents + np.einsum("np,npd->nd", strengths, vectors)


def edited_grid(latents: np.ndarray, vectors: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Vectors (N, d), each moved by every row of the grid (S, P) -> (N, S, d)."""
    return latents[:, None] + grid @ vectors


@dataclass(frozen=True, eq=False)
class CaseEdits:
    """Cases that are to be edited by every row of a grid.

    Attributes:
        models: generator and scorer.
        latents: (C, d) vectors of the cases at `layer`.
        vectors: (C, P, d) directions of each.
        grid: (S, P) strengths.
        layer: where the edited vectors re-enter.
        batch_size: images a batch, rounded down to whole cases, of which there is at least one.
        course: how the first `len(groups)` cases are moved, if not straight on.
        groups: names of their groups.
    """

    models: Models
    latents: np.ndarray
    vectors: np.ndarray
    grid: np.ndarray
    layer: str
    batch_size: int
    course: Course | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.latents)

    def some(self, rows: slice) -> CaseEdits:
        """The same edits of some of the cases."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, latents=self.latents[rows], vectors=self.vectors[rows], groups=groups)

    def moved(self) -> np.ndarray:
        """All of the edited vectors (C, S, d)."""
        moved = edited_grid(self.latents, self.vectors, self.grid)
        if self.course is not None and len(self.groups):
            bent = len(self.groups)
            moved[:bent] = self.course.moved_grid(self.latents[:bent], self.groups, self.grid)
        return moved


def grid_scores(
    edits: CaseEdits, look: Callable[[int, torch.Tensor], None] | None = None
) -> np.ndarray:
    """The scores of all edits of some cases; all of a case's images are in one batch.

    Args:
        edits: of the cases.
        look: called with each case's number and its edits' images (S, 3, H, W).

    Returns:
        (C, S, A) float32; a row of NaN where an image could not be read.
    """
    models, count, size = edits.models, len(edits), len(edits.grid)
    scores = np.empty((count, size, len(models.scored)), np.float32)
    together = max(1, edits.batch_size // size)
    for start in range(0, count, together):
        batch = slice(start, min(start + together, count))
        moved = edits.some(batch).moved()
        images = models.synthesize(moved.reshape(-1, moved.shape[2]), edits.layer)
        scores[batch] = models.score(images).reshape(len(moved), size, -1)
        if look is not None:
            for place, some in enumerate(images.split(size)):
                look(start + place, some)
    return scores


def images_of(models: Models, latents: np.ndarray, layer: str, batch_size: int) -> torch.Tensor:
    """Vectors (N, d) at `layer` -> images (N, 3, H, W) in [-1, 1] on the generator's device."""
    batches = range(0, max(len(latents), 1), batch_size)  # one without rows, where there are none
    return torch.cat([models.synthesize(latents[i : i + batch_size], layer) for i in batches])
