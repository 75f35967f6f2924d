"""Statistics within a case of the image-generation test: plain arrays in, plain arrays out.

Scores of an image that could not be read are NaN. A case's numbers are undefined, NaN, where
fewer than half of its images, or fewer than three, were read. Means over cases, with their
intervals, are in `reports.statistics`.
"""

from __future__ import annotations

import numpy as np

from vectorfind.config import LEAST_READ

CONSTANT = 1e-6
"""Scores are constant where they spread over less than this share of their largest magnitude."""


def case_correlations(strengths: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Pearson's correlation of intended strengths and scores within each case.

    Args:
        strengths: (S, P) of the grid.
        scores: (C, S, P) of the same properties.

    Returns:
        (C, P), signed; NaN where undefined, also because strengths or scores are constant.
    """
    read = ~np.isnan(scores).any(axis=2)[..., None]  # (C, S, 1)
    count = read.sum(axis=1, keepdims=True)
    y = np.where(read, scores, 0.0).astype(np.float64)
    x = np.where(read, strengths, 0.0).astype(np.float64)
    constant = (_spread(y, read) <= CONSTANT * np.abs(y).max(axis=1)) | (_spread(x, read) == 0.0)
    x = np.where(read, x - x.sum(axis=1, keepdims=True) / np.maximum(count, 1), 0.0)
    y = np.where(read, y - y.sum(axis=1, keepdims=True) / np.maximum(count, 1), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    undefined = constant | ~enough_read(scores)[:, None]
    return np.where(undefined, np.nan, np.clip(r, -1.0, 1.0))


def case_slopes(strengths: np.ndarray, scores: np.ndarray, score_std: np.ndarray) -> np.ndarray:
    """Least-squares effect of each strength on each score within each case.

    All strengths and an intercept are fitted together.

    Args:
        strengths: (S, P) of the grid.
        scores: (C, S, A).
        score_std: (A,) population standard deviations of the scores; 0 counts as 1.

    Returns:
        (C, P, A), standard deviations a unit of strength; NaN where undefined.
    """
    design = np.column_stack([np.ones(len(strengths)), strengths]).astype(np.float64)
    unit = np.where(score_std > 0, score_std, 1.0)
    read = ~np.isnan(scores).any(axis=2)  # (C, S)
    slopes = np.full((len(scores), strengths.shape[1], scores.shape[2]), np.nan)
    whole = read.all(axis=1)
    if whole.any() and np.linalg.matrix_rank(design) == design.shape[1]:
        slopes[whole] = np.linalg.pinv(design)[1:] @ scores[whole].astype(np.float64) / unit
    for case in np.flatnonzero(~whole & enough_read(scores)):
        rows = read[case]
        fit, _, rank, _ = np.linalg.lstsq(design[rows], scores[case, rows] / unit, rcond=None)
        if rank == design.shape[1]:
            slopes[case] = fit[1:]
    return slopes


def enough_read(scores: np.ndarray) -> np.ndarray:
    """(C,) bool: at least half of the case's S images, and three, have scores (C, S, A)."""
    count = (~np.isnan(scores).any(axis=2)).sum(axis=1)
    return count >= max(LEAST_READ, scores.shape[1] / 2)


def _spread(values: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Largest minus smallest of the values (C, S, P) that were read; -inf where none was."""
    return np.where(read, values, -np.inf).max(axis=1) - np.where(read, values, np.inf).min(axis=1)
