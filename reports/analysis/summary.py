"""What a table of cases says: statistics made anew from it, and passes tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import columns as c
from reports.folders import Results
from reports.reading import result_properties
from reports.statistics import (
    RESAMPLES,
    Estimate,
    Interval,
    bootstrap,
    interval_stream,
    passes,
    wilson,
)
from reports.tables import statistics_table


@dataclass(frozen=True, eq=False)
class Summary:
    """What C cases say of P properties.

    Attributes:
        properties: P names.
        thresholds: the least |corr| of a pass, by property.
        corrs: (C, P) signed; NaN where undefined.
        passed: (C,) bool, by the thresholds.
        disagreeing: cases whose mark in the file says otherwise.
        found: measure -> mean and interval over cases, as the run measured them where it is known.
        random: the same of random directions; empty without a control.
        statistics: one row, the columns of a run's `test_statistics.csv` and more.
        groups: a row a group: cases, passed, their share with its interval, mean corr-coefs.
    """

    properties: tuple[str, ...]
    thresholds: dict[str, float]
    corrs: np.ndarray
    passed: np.ndarray
    disagreeing: int
    found: dict[str, Interval]
    random: dict[str, Interval]
    statistics: pd.DataFrame
    groups: pd.DataFrame

    @property
    def reversed(self) -> tuple[str, ...]:
        """Properties of which more corr-coefs are negative than positive."""
        signs = np.nansum(np.sign(self.corrs), axis=0)
        return tuple(name for name, sum_ in zip(self.properties, signs, strict=True) if sum_ < 0)

    @property
    def share(self) -> Interval:
        """The share of cases that pass, with its interval."""
        row = self.statistics.iloc[0]
        ends = (c.low_column(c.PASSED_RATIO), c.high_column(c.PASSED_RATIO))
        return tuple(float(row[column]) for column in (c.PASSED_RATIO, *ends))


def summarise(results: Results, defaults: Mapping[str, float]) -> Summary:
    """The statistics of the cases; thresholds and seed are the run's where they are known.

    Args:
        results: the cases.
        defaults: property -> the least |corr| of a pass, where the run has none of its own.
    """
    table, names = results.table, result_properties(results.table)
    settings = results.config.get("evaluate") or {}
    thresholds = dict(defaults) | dict(settings.get("thresholds") or {})
    corrs = table[[c.corr_column(name) for name in names]].to_numpy(np.float64)
    passed, disagreeing = passes(table, thresholds)

    def estimate(values: np.ndarray) -> Estimate:
        rng = interval_stream(settings.get("seed", 0))
        return bootstrap(values, rng, settings.get("bootstrap", RESAMPLES))

    correlation, sizes = estimate(corrs), estimate(np.abs(corrs))
    measured = {c.corr_column(name): correlation.at(i) for i, name in enumerate(names)}
    measured |= {c.abs_corr_column(name): sizes.at(i) for i, name in enumerate(names)}
    measured[c.SUM_ABS_CORR] = estimate(table[c.SUM_ABS_CORR].to_numpy(np.float64)).at()
    marked = table.assign(**{c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)})
    statistics = statistics_table(marked, names).drop(columns=c.UNREADABLE)
    for name in names:
        column, size = c.corr_column(name), c.abs_corr_column(name)
        statistics[c.low_column(column)], statistics[c.high_column(column)] = measured[column][1:]
        statistics[c.mean_column(size)] = measured[size][0]
        statistics[c.low_column(size)], statistics[c.high_column(size)] = measured[size][1:]
    low, high = wilson(int(passed.sum()), len(passed))
    statistics[c.low_column(c.PASSED_RATIO)], statistics[c.high_column(c.PASSED_RATIO)] = low, high
    return Summary(
        properties=names,
        thresholds={name: thresholds[name] for name in names},
        corrs=corrs,
        passed=passed,
        disagreeing=disagreeing,
        found=measured | _intervals(results.control, c.FOUND),
        random=_intervals(results.control, c.RANDOM),
        statistics=statistics,
        groups=group_statistics(marked, names),
    )


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
        notes.append(
            f"{summary.disagreeing} case{verb} marked otherwise in the file than the thresholds "
            f"say ({least_text(summary)}); the thresholds count here"
        )
    undefined = int(np.isnan(summary.corrs).any(axis=1).sum())
    if undefined:
        verb, they = ("case has", "it counts") if undefined == 1 else ("cases have", "they count")
        notes.append(f"{undefined} {verb} an undefined corr-coef; {they} as failed")
    return notes


def least_text(summary: Summary) -> str:
    """The thresholds in words: "eyes 0.92, mouth 0.88"."""
    return ", ".join(f"{name} {value:g}" for name, value in summary.thresholds.items())


def _intervals(control: pd.DataFrame | None, which: str) -> dict[str, Interval]:
    """Measure -> mean and interval of the directions found, or of random ones."""
    if control is None:
        return {}
    rows = control[control[c.DIRECTIONS] == which].to_dict("records")
    return {row[c.MEASURE]: (row[c.MEAN], row[c.LOW], row[c.HIGH]) for row in rows}
