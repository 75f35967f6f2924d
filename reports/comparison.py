"""Two tests compared case by case: the same cases, so each is its own control.

A mean over cases varies with the cases drawn; the difference of two runs on the same cases varies
much less, and its interval says whether one is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import columns as c
from reports.reading import result_properties
from reports.statistics import bootstrap, interval_stream, mcnemar, wilson

COLUMNS = (
    c.MEASURE, c.MEAN_A, c.low_column("a"), c.high_column("a"),
    c.MEAN_B, c.low_column("b"), c.high_column("b"),
    c.DIFFERENCE, c.LOW, c.HIGH, c.B_HIGHER, c.CASES, c.LEFT_OUT, c.P_VALUE,
)  # fmt: skip
"""Columns of `comparison.csv`."""


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
