"""What a table of cases says: statistics made anew from it, and passes tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from property_cnn.common.streams import BOOTSTRAP, random_stream
from reports import columns as c
from reports.reading import result_properties
from reports.tables import statistics_table
from vectorfind.config import default_thresholds
from vectorfind.evaluation.statistics import Estimate, bootstrap, wilson
from vectorfind.runs.report_files import Results
from vectorfind.runs.run_page import interval_at

ROUNDING = 0.00005 + 1e-9
"""How far a corr-coef of four decimals may lie from what was measured."""

RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Summary:
    """What C cases say of P properties.

    Attributes:
        properties: P names.
        thresholds: the least |corr| of a pass, by property.
        corrs: (C, P) signed; NaN where undefined.
        passed: (C,) bool, by the thresholds.
        disagreeing: cases whose mark in the file says otherwise.
        correlation, abs_correlation: over cases, (P,).
        sum_abs_correlation: over cases, ().
        statistics: one row, the columns of a run's `test_statistics.csv` and more.
        groups: a row a group: cases, passed, their share with its interval, mean corr-coefs.
    """

    properties: tuple[str, ...]
    thresholds: dict[str, float]
    corrs: np.ndarray
    passed: np.ndarray
    disagreeing: int
    correlation: Estimate
    abs_correlation: Estimate
    sum_abs_correlation: Estimate
    statistics: pd.DataFrame
    groups: pd.DataFrame

    @property
    def reversed(self) -> tuple[str, ...]:
        """Properties of which more corr-coefs are negative than positive."""
        signs = np.nansum(np.sign(self.corrs), axis=0)
        return tuple(name for name, sum_ in zip(self.properties, signs, strict=True) if sum_ < 0)


def summarise(results: Results) -> Summary:
    """The statistics of the cases; thresholds and seed are the run's where they are known."""
    table, names = results.table, result_properties(results.table)
    settings = results.config.get("evaluate") or {}
    thresholds = default_thresholds(names) | dict(settings.get("thresholds") or {})
    corrs = table[[c.corr_column(name) for name in names]].to_numpy(np.float64)
    passed, disagreeing = passes(table, thresholds)

    def estimate(values: np.ndarray) -> Estimate:
        rng = random_stream(settings.get("seed", 0), BOOTSTRAP)
        return bootstrap(values, rng, settings.get("bootstrap", RESAMPLES))

    correlation, sizes = estimate(corrs), estimate(np.abs(corrs))
    marked = table.assign(**{c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)})
    statistics = statistics_table(marked, names).drop(columns=c.UNREADABLE)
    for index, name in enumerate(names):
        for column, part in ((c.corr_column(name), correlation), (c.abs_corr_column(name), sizes)):
            if part is sizes:
                statistics[f"{column}_mean"] = part.mean[index]
            statistics[c.low_column(column)] = part.low[index]
            statistics[c.high_column(column)] = part.high[index]
    low, high = wilson(int(passed.sum()), len(passed))
    statistics[c.low_column(c.PASSED_RATIO)], statistics[c.high_column(c.PASSED_RATIO)] = low, high
    return Summary(
        properties=names,
        thresholds={name: thresholds[name] for name in names},
        corrs=corrs,
        passed=passed,
        disagreeing=disagreeing,
        correlation=correlation,
        abs_correlation=sizes,
        sum_abs_correlation=estimate(table[c.SUM_ABS_CORR].to_numpy(np.float64)),
        statistics=statistics,
        groups=group_statistics(marked, names),
    )


def passes(table: pd.DataFrame, thresholds: Mapping[str, float]) -> tuple[np.ndarray, int]:
    """Which cases pass, (C,) bool, and how many the table's own marks contradict.

    Corr-coefs of a file are rounded: where that leaves a pass open, the table's mark decides.
    """
    names = result_properties(table)
    sizes = table[[c.corr_column(name) for name in names]].abs().to_numpy(np.float64)
    least = np.array([thresholds[name] for name in names])
    surely = (sizes >= least + ROUNDING).all(axis=1)
    perhaps = (sizes >= least - ROUNDING).all(axis=1)
    if c.PASSED not in table.columns:
        return (sizes >= least - 1e-9).all(axis=1), 0
    marked = (table[c.PASSED] == c.PASS_MARK).to_numpy(bool)
    passed = surely | (perhaps & marked)
    return passed, int((passed != marked).sum())


def group_statistics(marked: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """One row a group: cases, passed, share with Wilson's interval, mean signed corr-coefs."""
    rows = []
    for group, cases in marked.groupby(c.GROUP_NAME, sort=True):
        passed = int((cases[c.PASSED] == c.PASS_MARK).sum())
        low, high = wilson(passed, len(cases))
        row = {c.GROUP_NAME: group, c.CASES: len(cases), c.PASSED: passed}
        row |= {c.PASSED_RATIO: passed / len(cases), c.low_column(c.PASSED_RATIO): low}
        row |= {c.high_column(c.PASSED_RATIO): high}
        row |= {c.corr_mean_column(name): cases[c.corr_column(name)].mean() for name in names}
        rows.append(row | {c.SUM_ABS_CORR_MEAN: cases[c.SUM_ABS_CORR].mean()})
    return pd.DataFrame(rows)


def result_lines(summary: Summary) -> list[str]:
    """The result in a few lines."""
    row, names = summary.statistics.iloc[0], summary.properties
    low, high = (100 * row[f"{c.PASSED_RATIO}_{end}"] for end in (c.LOW, c.HIGH))
    share = 100 * row[c.PASSED_RATIO]
    means = [abs(row[c.corr_mean_column(name)]) for name in names]
    sizes = [row[f"{c.abs_corr_column(name)}_mean"] for name in names]
    lines = [
        f"cases: {len(summary.passed)}",
        f"passed: {summary.passed.sum()} ({share:.1f} %, 95 % interval {low:.1f} to {high:.1f} %)",
        f"mean |corr|: {_numbered(names, sizes)}",
        f"|mean corr|, as the reference gives it: {_numbered(names, means)}",
        "mean corr, signed, with its 95 % interval:",
    ]
    for index, name in enumerate(names):
        mean, low, high = interval_at(summary.correlation, index)
        lines.append(f"  {name}: {mean:.4f} [{low:.4f}, {high:.4f}]")
    return [*lines, *(f"note: {note}" for note in file_notes(summary))]


def file_notes(summary: Summary) -> list[str]:
    """What a reader must know of the file before the figures."""
    notes = []
    if summary.reversed:
        notes.append(
            f"most corr-coefs of {', '.join(summary.reversed)} are negative: the directions were "
            "not signed, so look at |corr|"
        )
    if summary.disagreeing:
        verb = " is" if summary.disagreeing == 1 else "s are"
        least = ", ".join(f"{name} {value:g}" for name, value in summary.thresholds.items())
        notes.append(
            f"{summary.disagreeing} case{verb} marked otherwise in the file than the thresholds "
            f"say ({least}); the thresholds count here"
        )
    undefined = int(np.isnan(summary.corrs).any(axis=1).sum())
    if undefined:
        verb, they = ("case has", "it counts") if undefined == 1 else ("cases have", "they count")
        notes.append(f"{undefined} {verb} an undefined corr-coef; {they} as failed")
    return notes


def _numbered(names: tuple[str, ...], values: list[float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in zip(names, values, strict=True))
