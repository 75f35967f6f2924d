"""Two tests compared case by case: the same cases, so each is its own control.

A mean over cases varies with the cases drawn; the difference of two runs on the same cases varies
much less, and its interval says whether one is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports import columns as c
from reports.reading import result_properties
from reports.statistics import bootstrap, interval_stream, mcnemar, resampled_means, wilson

COLUMNS = (
    c.MEASURE, c.MEAN_A, c.low_column("a"), c.high_column("a"),
    c.MEAN_B, c.low_column("b"), c.high_column("b"),
    c.DIFFERENCE, c.LOW, c.HIGH, c.B_HIGHER, c.CASES, c.LEFT_OUT, c.P_VALUE,
)  # fmt: skip
"""Columns of `comparison.csv`."""

COLUMNS_OF_MANY = (
    c.RUN, c.JUDGE, c.MEASURE, c.MEAN, c.LOW, c.HIGH,
    c.DIFFERENCE, c.low_column(c.DIFFERENCE), c.high_column(c.DIFFERENCE), c.CASES, c.LEFT_OUT,
)  # fmt: skip
"""Columns of `comparison.csv` of more than two runs."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a comparison takes of a run's cases.

    Attributes:
        values: (C, K) a row a case; NaN where undefined.
        figure: means (R, K) -> (R,) the figure that they amount to; None for the only mean.
    """

    values: np.ndarray
    figure: Callable[[np.ndarray], np.ndarray] | None = None


def compare_many(
    runs: Sequence[Mapping[tuple[str, str], Measured]], names: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """Several runs on the same cases: each figure with its interval, and less the first run's.

    Intervals are 95 % percentile bootstraps over cases, of differences with the same resampled
    cases in both runs; that of the share of passes is Wilson's.

    Args:
        runs: of each, judge (or "scorer") and measure -> what its cases say.
        names: of the runs.
        seed: of the intervals.
    """
    rows = []
    for key in dict.fromkeys(key for run in runs for key in run):
        first = None
        for place, (name, run) in enumerate(zip(names, runs, strict=True)):
            if key not in run:
                continue
            mean, means = _figures(run[key], seed)
            low, high = _bounds(means)
            undefined = np.isnan(run[key].values).any(axis=1)
            if key[1] == c.PASSED:
                low, high = wilson(int(run[key].values.sum()), len(undefined))
            first = (mean, means) if place == 0 else first
            beside = [np.nan] * 3
            if first is not None and place:
                beside = [mean - first[0], *_bounds(means - first[1])]
            counts = [len(undefined), int(undefined.sum())]
            rows.append([name, *key, mean, low, high, *beside, *counts])
    return pd.DataFrame(rows, columns=list(COLUMNS_OF_MANY))


def _figures(measured: Measured, seed: int) -> tuple[float, np.ndarray]:
    """The figure of all cases, and of each resample (R,)."""
    mean, means = resampled_means(measured.values.astype(np.float64), interval_stream(seed))
    both = np.concatenate([mean[None], means])
    figures = both[:, 0] if measured.figure is None else measured.figure(both)
    return float(figures[0]), figures[1:]


def _bounds(figures: np.ndarray) -> tuple[float, float]:
    if np.isnan(figures).all():
        return np.nan, np.nan
    return tuple(float(end) for end in np.nanpercentile(figures, [2.5, 97.5]))


def compare_results(table_a: pd.DataFrame, table_b: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The paired comparison of two tables of the same cases.

    Args:
        table_a, table_b: as from `reports.reading.read_results`, with marks O and X.
        seed: of the bootstrap.

    Returns:
        A row a measure: each property's signed corr-coef and |corr|, `sum_abs_corr`, and `passed`
        (shares of cases). Columns: measure, mean_a and mean_b with the ends of their intervals
        (a_low, …), difference (B less A) with low and high, b_higher (share of cases), cases,
        left_out (undefined in either), p_value (of `passed`: McNemar's exact test).

    Raises:
        ValueError: the cases or the properties are not the same.
    """
    names = result_properties(table_a)
    if names != result_properties(table_b):
        there = ", ".join(result_properties(table_b))
        raise ValueError(f"A has the properties {', '.join(names)}, B {there}; compare the same")
    if len(table_a) != len(table_b):
        raise ValueError(
            f"A has {len(table_a)} cases, B {len(table_b)}; give two runs on the same cases"
        )
    if not np.array_equal(table_a[c.CASE], table_b[c.CASE]):
        raise ValueError("the cases of A and B are numbered otherwise; give runs on the same cases")
    rows = []
    for name in names:
        column = c.corr_column(name)
        a, b = (table[column].to_numpy(np.float64) for table in (table_a, table_b))
        rows.append(_measured(column, a, b, seed))
        rows.append(_measured(c.abs_corr_column(name), np.abs(a), np.abs(b), seed))
    a, b = (table[c.SUM_ABS_CORR].to_numpy(np.float64) for table in (table_a, table_b))
    rows.append(_measured(c.SUM_ABS_CORR, a, b, seed))
    marks = [(table[c.PASSED] == c.PASS_MARK).to_numpy(bool) for table in (table_a, table_b)]
    rows.append(_passed(*marks, seed))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def main_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The comparison with one row a property, then the sum and the passes.

    The row is that of the signed corr-coefs; of |corr| where their mean is negative in either run.
    """
    rows = table.set_index(c.MEASURE, drop=False)
    lowest = rows[[c.MEAN_A, c.MEAN_B]].min(axis=1)
    unwanted = []
    for signed in rows.index[:-2:2]:
        name = signed.removesuffix(c.corr_column(""))
        unwanted.append(signed if lowest[signed] < 0 else c.abs_corr_column(name))
    return table[~table[c.MEASURE].isin(unwanted)]


def _measured(measure: str, a: np.ndarray, b: np.ndarray, seed: int) -> list[Any]:
    """One row: means and their paired difference over the cases (C,) defined in both."""
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return [measure, *[np.nan] * 10, 0, len(a), np.nan]
    columns = np.column_stack([a[both], b[both], b[both] - a[both]])
    estimate = bootstrap(columns, interval_stream(seed))
    parts = [value for index in range(3) for value in estimate.at(index)]
    higher = float((columns[:, 2] > 0).mean())
    return [measure, *parts, higher, int(both.sum()), int((~both).sum()), np.nan]


def _passed(a: np.ndarray, b: np.ndarray, seed: int) -> list[Any]:
    """The row of the shares of cases that pass, from marks (C,) bool."""
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    difference = bootstrap(b.astype(float) - a.astype(float), interval_stream(seed))
    shares = []
    for passed in (a, b):
        shares += [passed.mean(), *wilson(int(passed.sum()), len(passed))]
    higher = only_b / len(a)
    return [
        c.PASSED,
        *map(float, shares),
        *difference.at(),
        higher,
        len(a),
        0,
        mcnemar(only_a, only_b),
    ]
