"""Courses of edits that are not one straight step: curved ones, and ones that end at a target.

Where directions differ from vector to vector, an edit can take them anew on its way, so that it
follows the curve along which its score alone changes. An edit to a target looks at its image after
each step, and corrects what is missing, until the score is where it shall be: a feedback loop, with
the scorer as its sensor. It can deceive the scorer no more than the directions do that it moves
along, but it does correct the scorer's errors too: let other judges look at what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from property_cnn.common.prompt import Shown
from vectorfind.models.pair import Models
from vectorfind.sampling.sampler import read_all

TOLERANCE = 0.25
"""Largest distance from its target, in standard deviations, at which a score has reached it."""

FARTHEST = 2.0
"""Longest way to a target, as a multiple of the strength that should do; what is farther, as a
closed mouth that shall close, would leave the faces."""

HOLD = 1.0
"""Longest way, in strengths, by which a score that shall stay is held against the others' leaks."""

Vectors = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Vectors (N, d) and groups (N,) -> directions (N, P, d), see `Directions.vectors`."""


@dataclass(frozen=True, eq=False, repr=False)
class Driven(Shown):
    """Where edits to targets ended.

    Attributes:
        latents: (N, d) vectors at the layer.
        wanted: (N, P) scores that were aimed at, in the scorer's units, within reach.
        reached: (N, P) scores of the images of `latents`.
        missed: (N, P) bool, True where the score is not where it should be, or was beyond reach.
    """

    latents: np.ndarray
    wanted: np.ndarray
    reached: np.ndarray
    missed: np.ndarray


@dataclass(frozen=True, eq=False)
class Course:
    """How an edit moves.

    Attributes:
        vectors_at: the directions at a vector, of which a strength of 1 is what it is.
        steps: directions are taken anew before each; to a target, images are looked at after each.
        target: whether strengths are standard deviations above a face's own scores, which the edit
            shall reach, not lengths of the way.
        models, layer: networks, and where vectors re-enter.
        columns: (P,) places of the scores.
        std, low, high: (P,) their standard deviations, and between what they are reachable.
        batch_size: images a batch.
    """

    vectors_at: Vectors
    steps: int
    target: bool
    models: Models
    layer: str
    columns: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    batch_size: int

    @property
    def key(self) -> str:
        """What names it among others with the same directions."""
        return f"{'target' if self.target else 'curve'} {self.steps} {FARTHEST} {HOLD} {TOLERANCE}"

    def moved(self, latents: np.ndarray, groups: np.ndarray, strengths: np.ndarray) -> np.ndarray:
        """Where vectors (N, d) of images in groups (N,) end, of strengths (N, P)."""
        if self.target:
            return self.driven(latents, groups, strengths).latents
        return self._curved(latents, groups, strengths)

    def moved_grid(self, latents: np.ndarray, groups: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """Vectors (N, d), each moved by every row of the grid (S, P) -> (N, S, d)."""
        count, size = len(latents), len(grid)
        moved = self.moved(
            np.repeat(latents, size, axis=0), np.repeat(groups, size), np.tile(grid, (count, 1))
        )
        return moved.reshape(count, size, -1)

    def driven(
        self,
        latents: np.ndarray,
        groups: np.ndarray,
        strengths: np.ndarray,
        scores: np.ndarray | None = None,
    ) -> Driven:
        """Edits to targets.

        Each step moves by what is missing, of scores that shall stay too; of all steps' images the
        best counts. An image that cannot be read ends its way.

        Args:
            latents: (N, d) vectors at the layer.
            groups: (N,) names.
            strengths: (N, P) standard deviations above each face's own scores; 0 for those that
                shall stay.
            scores: (N, P) scores to end at, in the scorer's units, in place of strengths; NaN
                where these count.
        """
        own = self._read(latents)
        wanted = own + strengths * self.std
        if scores is not None:
            wanted = np.where(np.isnan(scores), wanted, scores)
        within = np.clip(wanted, np.minimum(self.low, own), np.maximum(self.high, own))
        best, reached, errors = latents.copy(), own, self._errors(within, own)
        gone, here = np.zeros_like(strengths, dtype=np.float64), latents
        asked = np.nan_to_num(np.abs(wanted - own) / self.std)
        longest = np.where(asked > 0, FARTHEST * asked, HOLD)
        missing = (within - own) / self.std
        for _ in range(self.steps):
            amounts = np.clip(gone + missing, -longest, longest) - gone
            here = _stepped(here, self.vectors_at(here, groups), amounts)
            gone = gone + amounts
            scores = self._read(here)
            now = self._errors(within, scores)
            better = now < errors  # False of NaN
            best[better], reached = here[better], np.where(better[:, None], scores, reached)
            errors = np.where(better, now, errors)
            missing = np.nan_to_num((within - scores) / self.std)
        missed = ~(np.abs(reached - wanted) <= TOLERANCE * self.std)
        return Driven(best, within, reached, missed)

    def _curved(self, latents: np.ndarray, groups: np.ndarray, strengths: np.ndarray) -> np.ndarray:
        here = latents
        for _ in range(self.steps):
            here = _stepped(here, self.vectors_at(here, groups), strengths / self.steps)
        return here

    def _read(self, latents: np.ndarray) -> np.ndarray:
        scores = read_all(self.models, latents, self.layer, self.batch_size)
        return scores[:, self.columns].astype(np.float64)

    def _errors(self, wanted: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """(N,) root-mean-square distances from the targets, in standard deviations."""
        return np.sqrt((((wanted - scores) / self.std) ** 2).mean(axis=1))


def _stepped(latents: np.ndarray, vectors: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    moved = latents + np.einsum("np,npd->nd", amounts, vectors)
    return moved.astype(np.float32)
