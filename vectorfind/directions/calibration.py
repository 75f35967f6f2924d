"""The unit of strengths: raw lengths, or standard deviations of the score.

Directions are unit vectors, so that a strength is a length at their layer, which means something
else on every generator, layer and property. Calibrated on images, a strength of 1 moves the score
by one standard deviation of the samples' scores, on average over faces.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vectorfind.directions.edits import CaseEdits, grid_scores
from vectorfind.models.pair import Models

FACES = 32
"""Samples that a unit is measured on."""

LEAST = 0.05
"""Least effect, in standard deviations, of a length that the samples say moves a score by one; what
moves it less is told, and that length is the unit."""

REACH = (1.0, 99.0)
"""Percentiles of the samples' scores between which a score is said to be reachable."""


@dataclass(frozen=True)
class Calibration:
    """What a strength of one property means.

    Attributes:
        step: length at the layer that moves the score by one standard deviation, on average.
        low, high: the scores between which all but 2 % of the samples lie, in the scorer's units.
        radius: length of a move from the mean that 99 % of the samples stay within.
    """

    step: float
    low: float
    high: float
    radius: float

    def stored(self) -> dict[str, float]:
        """As JSON can hold it."""
        return asdict(self)


def read_calibration(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Calibration]:
    """Property -> calibration, from what `Calibration.stored` gave.

    Raises:
        TypeError, ValueError: something is missing or no number.
    """
    read = {
        name: Calibration(**{key: float(value) for key, value in one.items()})
        for name, one in stored.items()
    }
    if not all(np.isfinite(one.step) and one.step > 0 for one in read.values()):
        raise ValueError("a step that is no length")
    return read


def first_guess(vectors: np.ndarray, directions: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Lengths (P,) that should move each score by one, by how it rises along each direction.

    Args:
        vectors: (n, d) of samples.
        directions: (P, d) of unit norm.
        scores: (n, P) in standard deviations.
    """
    along = (vectors - vectors.mean(axis=0)).astype(np.float64) @ directions.T.astype(np.float64)
    rise = (along * (scores - scores.mean(axis=0))).mean(axis=0) / along.var(axis=0)
    fallback = along.std(axis=0)  # where the scores say nothing
    return np.where(rise > 0.2 / fallback, 1 / np.maximum(rise, 1e-12), fallback)


def measured_steps(  # noqa: PLR0913 - what it takes to make and read images
    models: Models,
    latents: np.ndarray,
    directions: np.ndarray,
    layer: str,
    guess: np.ndarray,
    columns: Sequence[int],
    score_std: np.ndarray,
    batch_size: int,
    names: Sequence[str],
) -> np.ndarray:
    """Lengths (P,) that move each score by one standard deviation, measured on images.

    Args:
        models: generator and scorer.
        latents: (M, d) vectors of some faces at `layer`.
        directions: (M, P, d) of unit norm.
        layer: where they re-enter.
        guess: (P,) lengths to measure with, each both ways.
        columns: (P,) places of the scores.
        score_std: (A,) of the samples.
        batch_size: images a batch.
        names: of the properties, for warnings: of a direction that does not move its score the
            unit is the guess.
    """
    steps = np.empty(len(names))
    for place, column in enumerate(columns):
        moved = directions[:, [place]] * np.float32(guess[place])
        grid = np.array([[-0.5], [0.5]], np.float32)
        edits = CaseEdits(models, latents, moved, grid, layer, batch_size)
        scores = grid_scores(edits)
        rise = np.nanmean(scores[:, 1, column] - scores[:, 0, column]) / score_std[column]
        if not rise >= LEAST:
            warnings.warn(
                f"a step of {guess[place]:.3g} along the direction of {names[place]} moves it by "
                f"{rise:.2f} standard deviations, too little to be a unit; that length is taken "
                "for one",
                stacklevel=2,
            )
            rise = 1.0
        steps[place] = guess[place] / rise
    return steps
