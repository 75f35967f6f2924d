"""What folders and bare files of results hold, read for their page; nothing is measured again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from PIL import Image

from reports import columns as c
from reports import layout
from reports.plots.style import Plot
from reports.reading import join_curves, read_curve, read_results, table_kind
from reports.tables import check_name, numbers, read_table

WANTED = (
    f"a run's folder, a {layout.RESULT}, an n-curve's CSV or a folder of such, or a report's folder"
)

_TABLES = {
    layout.STATISTICS: (),
    layout.SLOPES: (c.STRENGTH, c.SCORE, c.SLOPE, c.LOW, c.HIGH),
    layout.CONTROL: (c.DIRECTIONS, c.MEASURE, c.MEAN, c.LOW, c.HIGH),
    layout.FITS: (c.PROPERTY, c.FIT, c.GROUP_NAME, c.MEASURE, c.VALUE),
}

_JUDGED = tuple(
    each
    for column in (c.CORR, c.SLOPE)
    for mean in (c.mean_column(column), c.low_column(column), c.high_column(column))
    for each in (mean, c.random_column(mean))
)
_JUDGE_TABLES = {
    layout.JUDGES: (
        (c.JUDGE, c.PROPERTY, c.SCORE, c.LEAK_SCORE),
        (*_JUDGED, c.LEAK, c.PASSED, c.CASES, c.UNREADABLE),
    ),
    layout.JUDGES_SLOPES: ((c.JUDGE, c.STRENGTH, c.SCORE), (c.SLOPE, c.LOW, c.HIGH)),
    layout.DEPENDENCY: ((c.JUDGE, c.PROPERTY), c.DEPENDENCY_COLUMNS),
    layout.IDENTITY: (
        (c.JUDGE, c.DIRECTIONS),
        (c.LENGTH, c.MEAN, c.LOW, c.HIGH, c.SAME_PERSON, c.LIMIT),
    ),
}
"""Tables of judges -> their columns of texts and of numbers that pages show."""

LARGEST = 64 * 2**20
"""Most bytes of a table or of settings; those of a million cases take less."""

LARGEST_PICTURE = 64_000_000
"""Most pixels of a picture."""

_OBJECTS = (
    *("find", "evaluate", "models", "tested", "words", "versions", "thresholds", "judges"),
    "conditions",
)
"""Entries of `config.json` that are objects, where they are there."""
_DEEPEST = 20

Read = TypeVar("Read")


class ReadingError(ValueError):
    """A file is missing, damaged or of another kind; the text names it and says what is wanted."""


@dataclass(frozen=True, eq=False)
class Results:
    """A test's cases, and what lies beside them in the run's folder.

    Attributes:
        table: a row a case, as from `reports.reading.read_results`.
        name: of a bare file; "" for a folder, whose page is the same under any name.
        config: the run's; empty for a bare table.
        statistics, slopes, control, fits: tables of the run; None where there are none.
        judges, judge_slopes, identity: what judges say; None without judges.
        dependency: attribute dependency, by the scorer and by judges.
        picked: which of its cases make characters; None before any was picked.
        figures: the run's, by name.
    """

    table: pd.DataFrame
    name: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    statistics: pd.DataFrame | None = None
    slopes: pd.DataFrame | None = None
    control: pd.DataFrame | None = None
    fits: pd.DataFrame | None = None
    judges: pd.DataFrame | None = None
    judge_slopes: pd.DataFrame | None = None
    identity: pd.DataFrame | None = None
    dependency: pd.DataFrame | None = None
    picked: pd.DataFrame | None = None
    figures: Mapping[str, Plot] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Curves:
    """N-curves, and what lies beside them in the folder of a run over n.

    Attributes:
        table: as from `reports.reading.read_curve`.
        name: of a bare file or of a folder of such; "" for a run's folder.
        config: the run's; empty for bare tables.
        overlay: further curves to draw over them; the findings are tried on both.
        control: what random directions give, a row a method and layer.
    """

    table: pd.DataFrame
    name: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    overlay: pd.DataFrame | None = None
    control: pd.DataFrame | None = None


def read_results_at(source: Path) -> Results:
    """The cases of a run's folder or of a bare CSV, with what lies beside them.

    Raises:
        ReadingError: they are missing or of another kind.
    """
    if not os.path.isdir(source):
        return Results(read_file(source, read_results), source.name)
    path = source / layout.RESULT
    if not path.exists():
        raise ReadingError(
            f"{source} holds no {layout.RESULT}; give a run's folder, or a {layout.RESULT}"
        )
    statistics, slopes, control, fits = (
        _table_at(source / name, needed) for name, needed in _TABLES.items()
    )
    judges, judge_slopes, dependency, identity = (
        _judge_table(source / name) for name in _JUDGE_TABLES
    )
    return Results(
        table=read_file(path, read_results),
        config=read_config(source),
        statistics=statistics,
        slopes=slopes,
        control=control,
        fits=fits,
        judges=judges,
        judge_slopes=judge_slopes,
        identity=identity,
        dependency=dependency,
        picked=_table_at(source / layout.PICKED, (c.CASE, c.SUITABLE)),
        figures=read_figures(source),
    )


def read_curves_at(source: Path, overlays: Sequence[Path] = ()) -> Curves:
    """The n-curves of a file, of a folder of such, or of the folder of a run over n.

    Args:
        source: what holds them.
        overlays: what holds curves to draw over them; a run's own overlay if there are none.

    Raises:
        ReadingError: there are none, one is damaged, or one stands twice.
    """
    table = read_curves(source)
    overlay = read_overlay(overlays)
    config = read_config(source)
    if config.get("kind") != layout.CURVE_KIND:
        return Curves(table, Path(os.path.realpath(source)).name, config, overlay)
    if overlay is None and (source / layout.OVERLAY).exists():
        overlay = _curve_at(source / layout.OVERLAY, {})
    control = _table_at(source / layout.CONTROL, (c.METHOD, c.LAYER))
    return Curves(_whole_numbers(table, source), "", config, overlay, control)


def read_curves(source: Path) -> pd.DataFrame:
    """The n-curves of a file, or of all of a folder's, as one table.

    Raises:
        ReadingError: there are none, or one of them is damaged.
    """
    paths = _curve_paths(source) if os.path.isdir(source) else [source]
    if not paths:
        raise ReadingError(f"{source} holds no n-curve; give an n-curve's CSV or a folder of such")
    return _joined([_curve_at(path, read_config(path.parent)) for path in paths])


def read_overlay(sources: Sequence[Path]) -> pd.DataFrame | None:
    """The n-curves of several files or folders as one table; None without any.

    Raises:
        ReadingError: there are none in one of them, one is damaged, or one stands twice.
    """
    return _joined([read_curves(source) for source in sources]) if sources else None


def holds_curves(source: Path) -> bool:
    """Whether the file or folder holds n-curves; else it holds cases.

    Raises:
        ReadingError: it holds neither.
    """
    if not os.path.isdir(source):
        return read_file(source, table_kind) == "curve"
    if (source / layout.RESULT).exists():
        return False
    if _curve_paths(source):
        return True
    raise ReadingError(f"{source} holds no {layout.RESULT} and no n-curve; give {WANTED}")


def read_config(source: Path) -> dict[str, Any]:
    """The settings of the run or report whose folder it is; empty for anything else.

    Raises:
        ReadingError: they are damaged.
    """
    path = source / layout.CONFIG
    return read_file(path, _settings) if os.path.isdir(source) and os.path.exists(path) else {}


def read_figures(source: Path) -> dict[str, Plot]:
    """The figures that pages show, by name, each with its narrow version if there is one."""
    found = sorted((source / layout.FIGURES).glob("*.png"))
    paths = {path.stem: path for path in found if path.stem.startswith(layout.SHOWN_FIGURES)}
    plots = {}
    for name, path in paths.items():
        if not name.endswith(layout.NARROW):
            narrow = paths.get(name + layout.NARROW)
            plots[name] = Plot(read_picture(path), read_picture(narrow) if narrow else None)
    return plots


def read_picture(path: Path) -> bytes:
    """The bytes of a PNG.

    Raises:
        ReadingError: it is no whole PNG, or larger than any figure.
    """
    try:
        data = path.read_bytes()
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            whole = image.width * image.height <= LARGEST_PICTURE
            if whole:
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        whole = False
    if not whole:
        raise ReadingError(
            f"{path} is no whole PNG of at most {LARGEST_PICTURE / 1e6:.0f} million pixels; "
            "delete it, or make the run's figures again"
        )
    return data


def read_file(path: Path, read: Callable[[str], Read], wanted: str = WANTED) -> Read:
    """What `read` makes of the file's text; ReadingError where it is missing or of another kind."""
    try:
        size = path.stat().st_size
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ReadingError(f"{path} is no file; give {wanted}")
        if size > LARGEST and path.is_file():
            raise ReadingError(
                f"{path} has {size / 2**20:,.0f} MiB, at most {LARGEST >> 20} are read; "
                f"give {wanted}"
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ReadingError(f"no file {path}; give {wanted}") from error
    except ReadingError:
        raise
    except UnicodeDecodeError as error:
        raise ReadingError(f"{path} is no UTF-8 text; give {wanted}") from error
    except OSError as error:
        raise ReadingError(f"cannot read {path}: {error.strerror}; give {wanted}") from error
    except ValueError as error:  # a NUL in the path
        raise ReadingError(f"{str(path)!r} is no path; give {wanted}") from error
    try:
        return read(text)
    except (ValueError, RecursionError) as error:
        raise ReadingError(f"{path} cannot be used: {error}; give {wanted}") from error


def _settings(text: str) -> dict[str, Any]:
    """The object in a `config.json`, with all that pages calculate with of its kind.

    Raises:
        ValueError: it is none, or says what settings cannot say.
    """
    values = json.loads(text, parse_constant=_no_number)
    if not isinstance(values, dict):
        raise ValueError(f"it holds {type(values).__name__} and no settings")
    json.dumps(values, ensure_ascii=False).encode()  # ValueError for half a letter
    level: list[Any] = [values]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    if level:
        raise ValueError(f"it is nested more than {_DEEPEST} deep")
    for key in _OBJECTS:
        if not isinstance(values.get(key) or {}, dict):
            raise ValueError(f"{key} is {values[key]!r:.40} and no object")
    _check_names(values)
    _check_numbers(values)
    return values


def _no_number(text: str) -> float:
    raise ValueError(f"it holds {text}, which is no number")


def _check_names(values: Mapping[str, Any]) -> None:
    """Raises ValueError for names among the settings that are no text."""
    find = values.get("find") or {}
    for key in ("properties", "group_by"):
        names = find.get(key) or []
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise ValueError(f"{key} is {names!r:.40} and no list of names")
    _object(values.get("words") or {}, "fits")
    for name, others in (values.get("conditions") or {}).items():
        if not (isinstance(others, list) and all(isinstance(each, str) for each in others)):
            raise ValueError(f"conditions of {name:.40} are {others!r:.40} and no list of names")
    if not isinstance(find.get(c.METHOD) or "", str):
        raise ValueError(f"method is {find[c.METHOD]!r:.40} and no name")
    if not isinstance(values.get("kind", ""), str):
        raise ValueError(f"kind is {values['kind']!r:.40} and no text")


def _check_numbers(values: Mapping[str, Any]) -> None:
    """Raises ValueError for settings of a wrong type among those that pages calculate with."""
    find, test, tested = (values.get(key) or {} for key in ("find", "evaluate", "tested"))
    for where, key, least in (
        (find, c.N, 1),
        (find, "quantiles", 2),
        (test, "cases", 0),
        (test, "seed", 0),
        (test, "bootstrap", 1),
        (tested, "edits", 0),
        (tested, "unreadable_samples", 0),
    ):
        value = where.get(key, least)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
            raise ValueError(f"{key} is {value!r:.40}; it is a whole number of at least {least}")
    numbers = {**_object(test, "thresholds"), **(values.get("thresholds") or {})}
    for name, each in _object(tested, "strengths").items():
        if not isinstance(each, list):
            raise ValueError(f"strengths of {name} are {each!r:.40} and no list")
        numbers |= {f"{name} {index}": value for index, value in enumerate(each)}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e9:
            raise ValueError(f"of thresholds and strengths, {name:.40} is {value!r:.40}")


def _object(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = values.get(key) or {}
    if not isinstance(value, dict):
        raise ValueError(f"{key} is {value!r:.40} and no object")
    return value


def _whole_numbers(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """A run's curve with the means as its cells hold them, where they do: not rounded."""
    means = [name for name in table.columns if table[name].dtype == float and name != c.TIME]
    keys = [c.METHOD, c.LAYER, c.N]
    rows = {}
    for path in folder.glob(f"{layout.CELLS}/*/{layout.ROW}"):
        row = read_file(path, json.loads)
        if isinstance(row, dict) and {*keys} <= row.keys():
            rows[tuple(row[key] for key in keys)] = {**row, **(row.get("fits") or {})}
    table = table.copy()
    for index, key in zip(table.index, table[keys].itertuples(index=False, name=None), strict=True):
        row = rows.get(key, {})
        for name in means:
            value = row.get(name)
            if isinstance(value, float) and abs(value - table.at[index, name]) < 1e-4:
                table.at[index, name] = value
    return table


def _curve_paths(folder: Path) -> list[Path]:
    """The folder's own `n_curve.csv`, or else all its CSVs that are n-curves."""
    if (folder / layout.N_CURVE).exists():
        return [folder / layout.N_CURVE]
    return [path for path in sorted(folder.glob("*.csv")) if _looks_like_curve(path)]


def _looks_like_curve(path: Path) -> bool:
    try:
        return read_file(path, table_kind) == "curve"
    except ReadingError:
        return False


def _curve_at(path: Path, config: Mapping[str, Any]) -> pd.DataFrame:
    """One n-curve; a run's `n_curve.csv` has its method and layer from the run's settings."""
    find = config.get("find") or {}
    if path.name != layout.N_CURVE or not isinstance(find, Mapping):
        find = {}
    of_run = {key: str(find[key]) for key in (c.METHOD, c.LAYER) if isinstance(find.get(key), str)}
    return read_file(path, lambda text: read_curve(text, path.name, **of_run))


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    try:
        return join_curves(tables)
    except ValueError as error:
        raise ReadingError(f"n-curves do not fit together: {error}") from error


def _table_at(path: Path, needed: Sequence[str]) -> pd.DataFrame | None:
    return read_file(path, lambda text: read_table(text, needed)) if path.exists() else None


def _judge_table(path: Path) -> pd.DataFrame | None:
    """One of the tables of judges, in which an empty text is "" and no number is a text."""
    texts, figures = _JUDGE_TABLES[path.name]

    def read(text: str) -> pd.DataFrame:
        table = read_table(text, (*texts, *figures))
        table = table.assign(**numbers(table[list(figures)]))
        table = table.assign(**table[list(texts)].fillna(""))
        for name in texts:
            for value in table[name].unique():
                check_name(value)
        if table.empty:
            raise ValueError("it holds no rows")
        return table

    return read_file(path, read) if path.exists() else None
