"""What the scores of a test's images amount to: corr-coefs, slopes, and their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from property_cnn.common.prompt import Shown
from reports.statistics import Estimate, bootstrap, interval_stream
from vectorfind.config import EvaluateSettings
from vectorfind.evaluation.design import Design
from vectorfind.evaluation.statistics import case_correlations, case_slopes


@dataclass(frozen=True, eq=False, repr=False)
class Measurement(Shown):
    """What the images of C cases say: S edits a case, P strengths, A scores.

    Attributes:
        scores: (C, S, A) float32; a row of NaN where an image could not be read.
        correlations: (C, Q) signed, of the Q strengths whose property is read; NaN where
            undefined. Of the scorer that directions were found with, Q is P.
        slopes: (C, P, A) standard deviations of the score a unit of strength; NaN where undefined.
        correlation: over cases, (Q,).
        abs_correlation: the same without signs, (Q,).
        sum_abs_correlation: of the cases' sums over properties, (); an undefined case has none.
        slope: over cases, (P, A): effects on a strength's own score, and leaks to the others.
        undefined: cases of which a correlation is undefined.
        unreadable: images that could not be read.
    """

    scores: np.ndarray
    correlations: np.ndarray
    slopes: np.ndarray
    correlation: Estimate
    abs_correlation: Estimate
    sum_abs_correlation: Estimate
    slope: Estimate
    undefined: int
    unreadable: int


def measure(
    settings: EvaluateSettings,
    design: Design,
    scores: np.ndarray,
    own: Mapping[int, int],
    score_std: np.ndarray,
) -> Measurement:
    """Correlations, slopes and their intervals.

    Args:
        settings: with the seed and the number of the bootstrap's resamples.
        design: of S edits a case.
        scores: (C, S, A).
        own: place of each strength whose property is read -> place of its score.
        score_std: (A,) the unit of the slopes; 0 counts as 1, and NaN leaves them undefined.
    """
    grid, crossed = design.strengths[: design.crossed], scores[:, : design.crossed]
    correlations = case_correlations(grid[:, list(own)], crossed[..., list(own.values())])
    slopes = case_slopes(grid, crossed, score_std)
    slopes[..., np.isnan(score_std)] = np.nan

    def estimate(values: np.ndarray) -> Estimate:
        return bootstrap(values, interval_stream(settings.seed), settings.bootstrap)

    return Measurement(
        scores=scores,
        correlations=correlations,
        slopes=slopes,
        correlation=estimate(correlations),
        abs_correlation=estimate(np.abs(correlations)),
        sum_abs_correlation=estimate(np.abs(correlations).sum(axis=1)),
        slope=estimate(slopes),
        undefined=int(np.isnan(correlations).any(axis=1).sum()),
        unreadable=int(np.isnan(scores).any(axis=2).sum()),
    )
