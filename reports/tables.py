"""The CSV tables of a run, built from arrays and checked when read back.

An undefined number is NaN in arrays and an empty cell in files; means leave it out.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd

from reports import columns as c

_TEXTS = (
    *(c.GROUP_NAME, c.RUN, c.DIRECTIONS, c.MEASURE, c.STRENGTH, c.SCORE, c.PROPERTY, c.FIT),
    *(c.JUDGE, c.LEAK_SCORE),
)
_NUMBERS = (c.MEAN, c.LOW, c.HIGH, c.SLOPE, c.VALUE)
"""Columns of a run's tables whose kind is known, whatever a file's cells look like."""

LONGEST_NAME = 100
"""Most characters of a name that a file gives to a column, a group, a method or a layer."""


def result_table(
    groups: Sequence[str], passed: np.ndarray, corrs: np.ndarray, properties: Sequence[str]
) -> pd.DataFrame:
    """One row a case: its group, O or X, the corr-coef of each property, the sum of their |corr|.

    Args:
        groups: C group names.
        passed: (C,) bool.
        corrs: (C, P) signed corr-coefs; NaN where undefined, and then in the sum too.
        properties: P names.
    """
    frame = pd.DataFrame(
        {c.CASE: np.arange(len(corrs)), c.GROUP_NAME: list(groups)}
        | {c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)}
    )
    for index, name in enumerate(properties):
        frame[c.corr_column(name)] = corrs[:, index]
    frame[c.SUM_ABS_CORR] = np.abs(corrs).sum(axis=1)
    return frame


def statistics_table(
    result: pd.DataFrame, properties: Sequence[str], unreadable: int = 0
) -> pd.DataFrame:
    """One row over all cases: means, passed cases and their share, then what had to be left out.

    Args:
        result: as from `result_table`.
        properties: P names.
        unreadable: images of the test that the scorer could not read.
    """
    corrs = result[[c.corr_column(name) for name in properties]]
    passed = int((result[c.PASSED] == c.PASS_MARK).sum())
    row = {c.corr_mean_column(name): corrs[c.corr_column(name)].mean() for name in properties}
    row[c.SUM_ABS_CORR_MEAN] = result[c.SUM_ABS_CORR].mean()
    row |= {c.PASSED: passed, c.PASSED_RATIO: passed / max(len(result), 1)}
    row |= {c.CASES: len(result), c.UNDEFINED: int(corrs.isna().any(axis=1).sum())}
    return pd.DataFrame([row | {c.UNREADABLE: unreadable}])


def n_curve_table(
    n: int, k: int, seconds: float, fits: Mapping[str, float], corr_means: Mapping[str, float]
) -> pd.DataFrame:
    """The one row that a run adds to a curve over n.

    Args:
        n: samples the directions were found from.
        k: how many of them the SVMs were fitted to.
        seconds: wall time of finding and testing.
        fits: accuracy or error of each property's fit under its column's name, e.g.
            `{"svm_eyes_acc": 0.89}`.
        corr_means: mean corr-coef by property.
    """
    row = {c.N: n, c.K: k, c.TIME: seconds} | dict(fits)
    row |= {c.mean_corr_column(name): mean for name, mean in corr_means.items()}
    return pd.DataFrame([row | {c.SUM_MEAN_CORR: sum(corr_means.values())}])


def slopes_table(
    mean: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    properties: Sequence[str],
    scores: Sequence[str],
) -> pd.DataFrame:
    """One row a strength and score: effect in population standard deviations a unit, interval.

    Args:
        mean, low, high: (P, Q) mean over cases and the ends of its interval.
        properties: P names of the strengths.
        scores: Q names of the scores.
    """
    rows = [
        (name, score, mean[i, j], low[i, j], high[i, j])
        for i, name in enumerate(properties)
        for j, score in enumerate(scores)
    ]
    return pd.DataFrame(rows, columns=[c.STRENGTH, c.SCORE, c.SLOPE, c.LOW, c.HIGH])


def comparison_table(
    found: Mapping[str, tuple[float, float, float]],
    random: Mapping[str, tuple[float, float, float]],
    cases: tuple[int, int],
) -> pd.DataFrame:
    """The directions found beside random ones: one row for each of the two and each measure.

    Args:
        found: measure -> mean over cases and the ends of its interval, e.g. under "eyes_corr".
        random: the same of the control; empty where none was run.
        cases: how many cases each of the two was measured on.
    """
    rows = [
        (which, measure, *interval, count)
        for which, count, values in ((c.FOUND, cases[0], found), (c.RANDOM, cases[1], random))
        for measure, interval in values.items()
    ]
    return pd.DataFrame(rows, columns=[c.DIRECTIONS, c.MEASURE, c.MEAN, c.LOW, c.HIGH, c.CASES])


def fits_table(rows: Iterable[tuple[str, str, str, str, float]]) -> pd.DataFrame:
    """How well each fit did on samples held out from it.

    Args:
        rows: property, "svm" or "gradient", group ("all" for a network), measure and its value.
    """
    return pd.DataFrame(rows, columns=[c.PROPERTY, c.FIT, c.GROUP_NAME, c.MEASURE, c.VALUE])


def components_table(
    numbers: np.ndarray, shares: np.ndarray, slopes: np.ndarray, properties: Sequence[str]
) -> pd.DataFrame:
    """One row a component and property: what a move along the one does to the other.

    Args:
        numbers: (K,) of the components.
        shares: (K,) of the variance of the vectors.
        slopes: (F, K, P) of each face; NaN where it could not be read.
        properties: P names.
    """
    rows = []
    for k, (number, share) in enumerate(zip(numbers, shares, strict=True)):
        for name, column in zip(properties, slopes[:, k].T, strict=True):
            read = column[np.isfinite(column)].astype(np.float64)
            mean, spread = (read.mean(), read.std()) if len(read) else (np.nan, np.nan)
            rows.append((int(number), share, name, mean, spread, len(read)))
    columns = [c.COMPONENT, c.VARIANCE, c.PROPERTY, c.SLOPE, c.SLOPE_STD, c.FACES]
    return pd.DataFrame(rows, columns=columns)


def csv_text(frame: pd.DataFrame) -> str:
    """The table as CSV: 4 decimals as in the reference, and the same bytes on any system."""
    return frame.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def read_table(text: str, needed: Sequence[str]) -> pd.DataFrame:
    """A table back from its CSV text; names of groups and runs stay text.

    Raises:
        ValueError: a needed column is missing, a number is infinite or text, or see `csv_frame`.
    """
    frame = csv_frame(text, dtype=dict.fromkeys(_TEXTS, str))
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise ValueError(f"the table lacks {', '.join(missing)}; it has {', '.join(frame.columns)}")
    numeric = frame.select_dtypes("number").columns
    known = [name for name in frame.columns if name in _NUMBERS or name in numeric]
    checked = numbers(frame[known])
    for name in set(known) - set(numeric):
        frame[name] = checked[name]
    return frame


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns as float64; ValueError for text and infinities among them."""
    values = frame.apply(pd.to_numeric, errors="coerce").astype(np.float64)
    strange = values.isna() & frame.notna()
    for name in frame.columns[strange.any(axis=0).to_numpy(bool)]:
        value = frame.loc[strange[name], name].iloc[0]
        raise ValueError(f"{name} holds {value!r:.40}, which is no number")
    if np.isinf(values).any(axis=None):
        raise ValueError(f"{values.columns[np.isinf(values).any()][0]} holds an infinite number")
    return values


def csv_frame(text: str, dtype: Mapping[str, type] | None = None) -> pd.DataFrame:
    """The CSV as it is: a header, then rows with as many cells; blank lines are passed over.

    Args:
        text: the CSV.
        dtype: of columns whose kind is not to be told from their cells.

    Raises:
        ValueError: no CSV, a row has more or fewer cells than the header, a column stands twice,
            or its name is too long or has control characters.
    """
    try:
        lines = csv.reader(StringIO(text), skipinitialspace=True)
        header = next((row for row in lines if row), [])
        for row in lines:
            if row and len(row) != len(header):
                raise ValueError(
                    f"line {lines.line_num} has {len(row)} cells, the header {len(header)}"
                )
        frame = pd.read_csv(
            StringIO(text), dtype=dict(dtype or {}), skipinitialspace=True, index_col=False
        )
    except (csv.Error, OverflowError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"not a CSV table: {str(error)[:80]}") from error
    names = [name.strip() for name in header]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise ValueError(f"the column {check_name(twice[0])} stands twice")
    for name in names:
        check_name(name)
    return frame


def check_name(name: str) -> str:
    """The name, of a file's column or cell, if it can be shown in one line.

    Raises:
        ValueError: it is longer than `LONGEST_NAME` or has control characters.
    """
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"a name of {len(name)} characters, {name[:20]!r}…; at most {LONGEST_NAME} are taken"
        )
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise ValueError(f"the name {name!r} has control characters")
    return name


def table_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON can hold them: column -> value, None for NaN."""
    return json.loads(table.to_json(orient="records", double_precision=15))
