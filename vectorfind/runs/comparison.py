"""Two runs compared case by case: the same cases, so each is its own control.

A mean over cases varies with the cases drawn; the difference of two runs on the same cases varies
much less, and its interval says whether one is better.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.streams import BOOTSTRAP, random_stream
from reports import build_page, figure_png
from reports import columns as c
from reports.pages.html import Page, Picture, Section, Table
from reports.plots.paired import paired_differences
from reports.reading import result_properties
from reports.tables import csv_text
from vectorfind.config import default_thresholds
from vectorfind.evaluation.statistics import bootstrap, wilson
from vectorfind.runs.folder import (
    CONFIG,
    FIGURES,
    LATENTS,
    REPORT,
    flat,
    read_arrays,
    writable_folder,
)
from vectorfind.runs.report_files import Results, read_results_at
from vectorfind.runs.result_summary import passes

COLUMNS = (
    c.MEASURE, c.MEAN_A, c.low_column("a"), c.high_column("a"),
    c.MEAN_B, c.low_column("b"), c.high_column("b"),
    c.DIFFERENCE, c.LOW, c.HIGH, c.B_HIGHER, c.CASES, c.LEFT_OUT, c.P_VALUE,
)  # fmt: skip
"""Columns of `comparison.csv`."""

_SEED = "evaluate.seed"

NOTES = {
    "difference": "The mean over cases of B less A within a case, with a 95 % bootstrap interval. "
    "A case undefined in either run is left out, and counted.",
    "B higher": "The share of cases in which B is higher than A.",
    "passed": "The share of cases that pass, with Wilson's interval; p is McNemar's exact test on "
    "the cases that pass in one run only.",
    "clear": "The interval of the difference leaves out 0.",
}


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
        InputError: the cases or the properties are not the same.
    """
    names = result_properties(table_a)
    if names != result_properties(table_b):
        there = ", ".join(result_properties(table_b))
        raise InputError(f"A has the properties {', '.join(names)}, B {there}; compare the same")
    if len(table_a) != len(table_b):
        raise InputError(
            f"A has {len(table_a)} cases, B {len(table_b)}; give two runs on the same cases"
        )
    if not np.array_equal(table_a[c.CASE], table_b[c.CASE]):
        raise InputError("the cases of A and B are numbered otherwise; give runs on the same cases")
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


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value of McNemar's test; 1 where the two never differ.

    Args:
        only_a, only_b: cases that pass in one run but not in the other.
    """
    total = only_a + only_b
    return float(binomtest(only_b, total).pvalue) if total else 1.0


def compare_files(a: str | os.PathLike, b: str | os.PathLike) -> tuple[pd.DataFrame, list[str]]:
    """The paired comparison of two runs' folders, or of two `test_result.csv`, and notes on it.

    Raises:
        InputError: a file is missing or of another kind, or the two are not on the same cases.
    """
    runs = [read_results_at(path) for path in (a, b)]
    check_comparable(*runs)
    sure = check_latents(Path(a), Path(b))
    seeds = [flat(run.config).get(_SEED) for run in runs]
    notes = []
    if not sure and None in seeds:
        notes.append(
            "the files do not tell whether the cases are the same; it is taken for granted"
        )
    seed = seeds[0] if isinstance(seeds[0], int) else 0
    return compare_results(*(_marked(run) for run in runs), seed), notes


def check_comparable(a: Results, b: Results) -> None:
    """Raises InputError where the settings of two runs say that their cases differ."""
    for key, what in (
        (_SEED, "the seed of the test"),
        ("models.generator", "the generator"),
        ("models.scorer", "the scorer"),
    ):
        there, here = flat(a.config).get(key), flat(b.config).get(key)
        if there not in (None, "") and here not in (None, "") and there != here:
            raise InputError(
                f"{what} differs: {there} in {a.name}, {here} in {b.name}; compare runs on the "
                "same cases and models"
            )


def check_latents(a: Path, b: Path) -> bool:
    """Whether two folders hold the same latents of their cases; False where one holds none.

    Raises:
        InputError: they hold different ones.
    """
    if not ((a / LATENTS).exists() and (b / LATENTS).exists()):
        return False
    one, other = (read_arrays(path / LATENTS, ("z", "label")) for path in (a, b))
    if any(not np.array_equal(one[key], other[key]) for key in ("z", "label")):
        raise InputError(f"the latents of {a} and {b} differ; compare runs on the same cases")
    return True


def write_comparison(
    a: str | os.PathLike, b: str | os.PathLike, table: pd.DataFrame, out: str | os.PathLike
) -> Path:
    """Writes `comparison.csv`, the plot and the page; returns the page's path.

    Raises:
        InputError: `out` is a run's own folder, or nothing can be written there.
    """
    if (Path(out) / CONFIG).exists():
        raise InputError(f"{out} is a run's own folder; choose another --out")
    folder = writable_folder(out)
    names = (_short(a), _short(b))
    names = ("A", "B") if names[0] == names[1] else names
    shown = main_rows(table).iloc[:-1]  # the share of passed cases has a scale of its own
    wide, narrow = (
        figure_png(paired_differences(shown, names, narrow)) for narrow in (False, True)
    )
    atomic_write(folder / "comparison.csv", csv_text(table))
    atomic_write(folder / FIGURES / "differences.png", wide)
    atomic_write(folder / REPORT, build_page(_page(table, names, wide, narrow)))
    return folder / REPORT


def comparison_lines(table: pd.DataFrame) -> list[str]:
    """The comparison as a short table of text."""
    lines = [f"{'':<15} {'A':>8} {'B':>8} {'B - A':>8}  95 % interval of it  B higher"]
    for row in main_rows(table).to_dict("records"):
        interval = f"[{row[c.LOW]:+.4f}, {row[c.HIGH]:+.4f}]"
        lines.append(
            f"{row[c.MEASURE]:<15} {row[c.MEAN_A]:>8.4f} {row[c.MEAN_B]:>8.4f} "
            f"{row[c.DIFFERENCE]:>+8.4f}  {interval:<19} {100 * row[c.B_HIGHER]:7.1f} %"
        )
    passed = table.iloc[-1]
    lines.append(f"cases: {passed[c.CASES]}, undefined in either: {table[c.LEFT_OUT].max()}")
    return [*lines, f"passed, McNemar's exact test: p = {passed[c.P_VALUE]:.3g}"]


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
    estimate = bootstrap(columns, random_stream(seed, BOOTSTRAP))
    parts = [
        float(part[index])
        for index in range(3)
        for part in (estimate.mean, estimate.low, estimate.high)
    ]
    higher = float((columns[:, 2] > 0).mean())
    return [measure, *parts, higher, int(both.sum()), int((~both).sum()), np.nan]


def _passed(a: np.ndarray, b: np.ndarray, seed: int) -> list[Any]:
    """The row of the shares of cases that pass, from marks (C,) bool."""
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    difference = bootstrap(b.astype(float) - a.astype(float), random_stream(seed, BOOTSTRAP))
    shares = []
    for passed in (a, b):
        shares += [passed.mean(), *wilson(int(passed.sum()), len(passed))]
    ends = [float(part) for part in (difference.mean, difference.low, difference.high)]
    higher = only_b / len(a)
    return [c.PASSED, *map(float, shares), *ends, higher, len(a), 0, mcnemar(only_a, only_b)]


def _marked(run: Results) -> pd.DataFrame:
    """The table with marks by the thresholds, the run's own where they are known."""
    names = result_properties(run.table)
    own = (run.config.get("evaluate") or {}).get("thresholds") or {}
    passed, _ = passes(run.table, default_thresholds(names) | dict(own))
    return run.table.assign(**{c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)})


def _page(table: pd.DataFrame, names: tuple[str, str], wide: bytes, narrow: bytes) -> Page:
    passed = table.iloc[-1]
    return Page(
        kind="vectorfind · paired comparison",
        verdict=comparison_verdict(table, names),
        summary=f"A is {names[0]}, B is {names[1]}: {passed[c.CASES]:,} cases, the same in both.",
        facts={
            "A passes": f"{100 * passed[c.MEAN_A]:.1f}\u00a0%",
            "B passes": f"{100 * passed[c.MEAN_B]:.1f}\u00a0%",
            "McNemar's exact p": f"{passed[c.P_VALUE]:.3g}",
            "undefined in either": f"{table[c.LEFT_OUT].max():,}",
        },
        sections=[
            Section(
                "B less A",
                (),
                [
                    Picture(
                        wide,
                        "Mean paired differences with their intervals",
                        "Mean paired difference of each measure with its 95 % interval; grey where "
                        "the interval holds 0.",
                        narrow,
                    )
                ],
                [_table(table)],
            )
        ],
        notes=NOTES,
    )


def comparison_verdict(table: pd.DataFrame, names: tuple[str, str] = ("A", "B")) -> str:
    """One sentence on the sum of |corr|."""
    row = table[table[c.MEASURE] == c.SUM_ABS_CORR].iloc[0]
    if row[c.LOW] > 0 or row[c.HIGH] < 0:
        ahead, behind = names[::-1] if row[c.LOW] > 0 else names
        low, high = sorted(abs(row[end]) for end in (c.LOW, c.HIGH))
        sentence = f"the sum of |corr| is higher by {low:.3f} to {high:.3f}"
        return f"{ahead} is ahead of {behind}: {sentence}."
    ends = f"{row[c.LOW]:+.3f} to {row[c.HIGH]:+.3f}".replace("-", "−")
    return f"Neither is clearly ahead: the sum of |corr| differs by {ends}."


def _table(table: pd.DataFrame) -> Table:
    rows = []
    for row in table.to_dict("records"):
        numbers = [
            f"{row[key]:.4f}".replace("-", "−") if np.isfinite(row[key]) else "–"
            for key in (c.MEAN_A, c.MEAN_B, c.DIFFERENCE, c.LOW, c.HIGH)
        ]
        mean_a, mean_b, difference, low, high = numbers
        higher = f"{100 * row[c.B_HIGHER]:.1f} %" if np.isfinite(row[c.B_HIGHER]) else "–"
        interval = f"{low} to {high}"
        counts = [f"{row[c.CASES]:,}", f"{row[c.LEFT_OUT]:,}"]
        rows.append([row[c.MEASURE], mean_a, mean_b, difference, interval, higher, *counts])
    columns = ["measure", "A", "B", "B − A", "95 % interval", "B higher", "cases", "left out"]
    return Table("Means over the cases that are defined in both.", columns, rows)


def _short(path: str | os.PathLike) -> str:
    path = Path(path).resolve()
    return path.name if path.name != "test_result.csv" else f"{path.parent.name}/{path.name}"
