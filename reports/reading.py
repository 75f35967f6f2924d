"""Result tables and n-curves read back from CSV, this library's and the reference system's alike.

The reference's files may begin with an unnamed index column, call the group `svm_group_name`, hold
further columns such as `vector_no`, and their corr-coefs are negative where a direction's sign was
left open. Properties are found from the columns, so there may be any number of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from reports import columns as c
from reports.tables import check_name, csv_frame, numbers

Kind = Literal["result", "curve"]

UNKNOWN = "?"
"""In place of a group, a method or a layer that a file does not tell."""

MOST_PROPERTIES = 64
"""Most properties of a table, as of a set of directions; each has figures of its own."""

_MIXED_LAYER = "mapping_split1"  # where the mixed method is defined to work
_NEEDED = {
    "result": "a corr-coef a property, as eyes_corr",
    "curve": "n and a mean a property, as eyes_mean_corr",
}


def table_kind(text: str) -> Kind:
    """Whether the CSV text is a table of cases ("result") or an n-curve ("curve").

    Raises:
        ValueError: it is neither, or no CSV; says what each needs and what there is.
    """
    frame = _frame(text)
    if c.N in frame.columns and curve_properties(frame):
        return "curve"
    if result_properties(frame):
        return "result"
    has = _shown(frame.columns)
    raise ValueError(
        f"neither a table of cases ({_NEEDED['result']}) nor an n-curve ({_NEEDED['curve']}); "
        f"it has {has}"
    )


def read_results(text: str) -> pd.DataFrame:
    """A table of cases, one row each, from the text of a `test_result.csv`.

    Returns:
        Columns case, group_name ("?" if the file has none), passed (O or X; left out if the file
        has none), a signed corr-coef a property, sum_abs_corr, and hair_iou if the file has it; NaN
        where undefined.

    Raises:
        ValueError: no such table; says what is wrong with it.
    """
    frame = _frame(text)
    names = result_properties(frame)
    if not names:
        raise ValueError(f"it lacks {_NEEDED['result']}; it has {_shown(frame.columns)}")
    if frame.empty:
        raise ValueError("it holds no cases")
    corrs = numbers(frame[[c.corr_column(name) for name in names]])
    _check_corrs(corrs)
    cases = frame[c.CASE] if c.CASE in frame.columns else pd.Series(range(len(frame)))
    groups = [name for name in frame.columns if name.endswith(c.GROUP_NAME)]
    table = pd.DataFrame({c.CASE: _whole(cases)})
    twice = table[c.CASE][table[c.CASE].duplicated()]
    if len(twice):
        raise ValueError(f"case {twice.iloc[0]} stands twice")
    table[c.GROUP_NAME] = frame[groups[0]].fillna(UNKNOWN) if groups else UNKNOWN
    if c.PASSED in frame.columns:
        marks = frame[c.PASSED].astype(str).str.strip()
        strange = sorted(set(marks) - {c.PASS_MARK, c.FAIL_MARK})
        if strange:
            raise ValueError(f"passed holds {strange[0]!r:.40}; it may hold O and X")
        table[c.PASSED] = marks
    table[list(corrs.columns)] = corrs
    table[c.SUM_ABS_CORR] = corrs.abs().sum(axis=1, skipna=False)
    if c.HAIR_IOU in frame.columns:
        table[c.HAIR_IOU] = numbers(frame[[c.HAIR_IOU]])
        if not table[c.HAIR_IOU].dropna().between(0, 1).all():
            raise ValueError(f"a {c.HAIR_IOU} lies outside 0 to 1")
    return table


def read_curve(text: str, name: str = "", method: str = "", layer: str = "") -> pd.DataFrame:
    """An n-curve from its CSV text, with the method and the layer of each row.

    Where the file has no such columns, they are those given; or else those of the file's name,
    as in svm_mapping_split1.csv; or else the method follows from the columns of the fits.

    Args:
        text: the CSV.
        name: the file's name, with or without its ending.
        method, layer: of all rows; "" if unknown.

    Returns:
        Rows by method, layer and n; columns method, layer, n, then the file's others, with
        sum_mean_corr among them.

    Raises:
        ValueError: no such table; says what is wrong with it.
    """
    frame = _frame(text)
    names = curve_properties(frame)
    if c.N not in frame.columns or not names:
        raise ValueError(f"it lacks {_NEEDED['curve']}; it has {_shown(frame.columns)}")
    if frame.empty:
        raise ValueError("it holds no rows")
    named = _from_name(name)
    method = method or named[0] or _from_columns(frame)
    layer = layer or named[1] or (_MIXED_LAYER if method == c.MIXED else UNKNOWN)
    keys = pd.DataFrame(index=frame.index)
    for column, given in ((c.METHOD, method), (c.LAYER, layer)):
        own = frame[column].fillna(UNKNOWN) if column in frame.columns else given
        keys[column] = own
    keys = keys.astype(object)
    keys[c.N] = _whole(frame[c.N])
    if (keys[c.N] < 1).any():
        raise ValueError(f"n is {keys[c.N].min()}; it is at least 1")
    rest = numbers(frame.drop(columns=[c.METHOD, c.LAYER, c.N], errors="ignore"))
    means = rest[[c.mean_corr_column(name) for name in names]]
    _check_corrs(means)
    if c.SUM_MEAN_CORR not in rest.columns:
        rest[c.SUM_MEAN_CORR] = means.sum(axis=1, skipna=False)
    return join_curves([pd.concat([keys, rest], axis=1)])


def join_curves(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Several n-curves as one table, its rows by method, layer and n.

    Raises:
        ValueError: a method, layer and n stand twice.
    """
    table = pd.concat(tables, ignore_index=True)
    twice = table[table.duplicated([c.METHOD, c.LAYER, c.N])]
    if len(twice):
        method, layer, n = twice.iloc[0][[c.METHOD, c.LAYER, c.N]]
        raise ValueError(f"{method} / {layer} at n = {n} stands twice; keep one of the two")
    for name in (c.K, c.PASSED, c.CASES):
        if name in table.columns and (table[name].dropna() % 1 == 0).all():
            table[name] = table[name].astype("Int64")  # whole also where some rows have none
    return table.sort_values([c.METHOD, c.LAYER, c.N], kind="stable", ignore_index=True)


def result_properties(frame: pd.DataFrame) -> tuple[str, ...]:
    """The properties whose corr-coefs a table of cases has, in the order of its columns.

    Raises:
        ValueError: `foo_abs_corr` stands beside `foo_corr` and is not its size, or there are more
            than `MOST_PROPERTIES`.
    """
    names = _stems(frame, c.corr_column(""), c.SUM_ABS_CORR)
    sizes = {name for name in names if _is_size(frame, name)}
    return _few(tuple(name for name in names if name not in sizes))


def curve_properties(frame: pd.DataFrame) -> tuple[str, ...]:
    """The properties whose means an n-curve has, in the order of its columns."""
    return _few(_stems(frame, c.mean_corr_column(""), c.SUM_MEAN_CORR))


def _stems(frame: pd.DataFrame, ending: str, beside: str) -> tuple[str, ...]:
    names = [name for name in frame.columns if name.endswith(ending)]
    return tuple(name.removesuffix(ending) for name in names if name not in (ending, beside))


def _few(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names; ValueError for more than a page can show."""
    if len(names) > MOST_PROPERTIES:
        raise ValueError(f"it has {len(names)} properties; at most {MOST_PROPERTIES} are taken")
    return names


def _is_size(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column of corr-coefs is another one's without sign, and no property's own."""
    stem = name.removesuffix("_abs")
    if stem == name or c.corr_column(stem) not in frame.columns:
        return False
    signed, sizes = (numbers(frame[[c.corr_column(each)]]) for each in (stem, name))
    if np.allclose(np.abs(signed), sizes, atol=1e-3, equal_nan=True):
        return True
    raise ValueError(
        f"{c.corr_column(name)} is not |{c.corr_column(stem)}|; rename one of the properties"
    )


def _check_corrs(corrs: pd.DataFrame) -> None:
    if (corrs.abs() > 1 + 1e-9).any(axis=None):
        raise ValueError("a corr-coef lies outside -1 to 1")


def _frame(text: str) -> pd.DataFrame:
    """The CSV as it is, less an unnamed first column, names and texts stripped of blanks."""
    dtype = dict.fromkeys((c.METHOD, c.LAYER, c.PASSED), str)
    frame = csv_frame(text.removeprefix("\ufeff"), dtype)
    frame.columns = [str(name).strip() for name in frame.columns]
    if frame.columns[0].startswith("Unnamed:"):
        frame = frame.drop(columns=frame.columns[0])
    for name in frame.columns:
        if name.endswith(c.GROUP_NAME) or name in (c.METHOD, c.LAYER):
            frame[name] = frame[name].astype("string").str.strip().astype(object)
            for value in frame[name].dropna().unique():
                check_name(value)
    return frame.dropna(how="all").reset_index(drop=True)


def _whole(values: pd.Series) -> pd.Series:
    whole = numbers(values.to_frame()).iloc[:, 0]
    if whole.isna().any() or (whole % 1 != 0).any() or (whole.abs() > 2**53).any():
        raise ValueError(f"{values.name} holds a value that is no whole number")
    return whole.astype(np.int64)


def _from_name(name: str) -> tuple[str, str]:
    """Method and layer from a file's name, e.g. svm_w.csv; "" for what it does not tell."""
    match = re.fullmatch(rf"({'|'.join(c.METHODS)})(?:_(.+))?", name.removesuffix(".csv"))
    return (match[1], match[2] or "") if match else ("", "")


def _from_columns(frame: pd.DataFrame) -> str:
    """The method whose fits the columns tell of."""
    svm = any(re.fullmatch(c.svm_accuracy_column(".+"), name) for name in frame.columns)
    network = any(re.fullmatch(c.network_mse_column(".+"), name) for name in frame.columns)
    return {(1, 0): c.SVM, (0, 1): c.GRADIENT, (1, 1): c.MIXED}.get((svm, network), UNKNOWN)


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"{shown}, … ({len(names)} columns)" if len(names) > 12 else shown or "no columns"
