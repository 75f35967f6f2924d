"""Which cases make characters: passed ones, ranked by how well they can be driven."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reports import columns as c
from vectorfind.characters.picking.cases import Cases
from vectorfind.evaluation.statistics import case_slopes

WORST, LEAK, SAME, STEADY, SMOOTH, SUITABILITY = (
    "worst_corr",
    "leak",
    "identity",
    "hair",
    "smoothness",
    "suitability",
)
"""Columns of what is measured of a case; those that a run did not measure are left out."""

CHARACTER = "character"
"""Column of the files of those that a person kept."""


def ranked(cases: Cases, score_std: np.ndarray, passed_only: bool = True) -> pd.DataFrame:
    """A row a case, the most suitable first.

    Args:
        cases: of a run.
        score_std: (A,) of the samples' scores.
        passed_only: leave out cases that did not pass, where any did.

    Returns:
        case, group_name, passed, and columns in [0, 1] or NaN: `worst_corr`, the least of the
        corr-coefs; `leak`, how much the other controlled scores move in the mean, as a share of
        the own one's; `identity` (mean cosine by a judge); `hair` (mean IoU); `smoothness`, the
        share of a score's way along its strength that is monotone; and `suitability`, the
        geometric mean of these (of 1 / (1 + leak)).
    """
    table = cases.table
    names = [c.corr_column(name) for name in cases.properties]
    found = pd.DataFrame({c.CASE: table[c.CASE], c.GROUP_NAME: table[c.GROUP_NAME]})
    found[c.PASSED] = table[c.PASSED]
    found[WORST] = table[names].abs().min(axis=1, skipna=False).clip(0, 1)
    found[LEAK] = _leaks(cases, score_std)
    if cases.cosine is not None:
        found[SAME] = np.clip(_row_means(cases.cosine), 0, 1)
    if cases.hair is not None:
        found[STEADY] = _row_means(cases.hair)
    found[SMOOTH] = smoothness(cases)
    parts = [name for name in (WORST, SAME, STEADY, SMOOTH) if name in found]
    factors = np.column_stack([found[parts].to_numpy(float), 1 / (1 + found[LEAK])])
    found[SUITABILITY] = np.exp(np.log(np.maximum(factors, 1e-6)).mean(axis=1))
    passed = found[c.PASSED] == c.PASS_MARK
    if passed_only and passed.any():
        found = found[passed]
    return found.sort_values(
        [SUITABILITY, c.CASE], ascending=[False, True], na_position="last", ignore_index=True
    )


def smoothness(cases: Cases) -> np.ndarray:
    """(C,) the share of each score's way along its strength that is monotone, in the mean.

    A strength's main effect is the mean of its score at each of its levels. 1 where that only
    rises or only falls, 0 where it ends where it began.
    """
    grid, scores = cases.strengths[: cases.crossed], cases.scores[:, : cases.crossed]
    shares = []
    for place, name in enumerate(cases.properties):
        column = cases.scored.index(name)
        levels = np.unique(grid[:, place])
        means = np.stack(
            [_row_means(scores[:, grid[:, place] == level, column]) for level in levels], axis=1
        )
        steps = np.diff(means, axis=1)
        way = np.abs(steps).sum(axis=1)
        shares.append(np.abs(steps.sum(axis=1)) / np.where(way > 0, way, np.nan))
    return np.mean(shares, axis=0)


def _leaks(cases: Cases, score_std: np.ndarray) -> np.ndarray:
    """(C,) mean over properties of the mean |slope| on the other controlled scores, over the
    |slope| on the own one."""
    columns = [cases.scored.index(name) for name in cases.properties]
    grid, scores = cases.strengths[: cases.crossed], cases.scores[:, : cases.crossed]
    slopes = np.abs(case_slopes(grid, scores[..., columns], score_std[columns]))  # (C, P, P)
    own = np.diagonal(slopes, axis1=1, axis2=2)
    others = len(columns) - 1
    if not others:
        return np.zeros(len(slopes))
    with np.errstate(divide="ignore", invalid="ignore"):
        return ((slopes.sum(axis=2) - own) / others / own).mean(axis=1)


def _row_means(values: np.ndarray) -> np.ndarray:
    """Means of rows without their NaN; NaN where nothing is left."""
    read = np.isfinite(values)
    count = np.where(read.any(axis=1), read.sum(axis=1), np.nan)
    return np.where(read, values, 0).sum(axis=1) / count
