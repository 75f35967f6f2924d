"""Reports made from files: from a run's folder, a bare table of cases, or n-curves.

The tables may be this library's or the reference system's. Nothing is measured again: the page
says what the files hold, with the statistics made anew from the cases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from reports import columns as c
from reports.reading import join_curves, read_curve, read_results, table_kind
from reports.tables import read_table
from vectorfind.runs.folder import CONFIG, FIGURES, REPORT, read_json, writable_folder

RESULT = "test_result.csv"
CURVE = "n_curve.csv"

_SLOPES = (c.STRENGTH, c.SCORE, c.SLOPE, c.LOW, c.HIGH)
_CONTROL = (c.DIRECTIONS, c.MEASURE, c.MEAN, c.LOW, c.HIGH)
_FIGURES = ("corr_coefs.png", "slopes.png", "n_curve_*.png", "finding_*.png")
_WANTED = "a run's folder, a test_result.csv, an n-curve's CSV or a folder of such"

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class Results:
    """A test's cases, and what lies beside them in the run's folder.

    Attributes:
        name: of the file or the folder.
        table: a row a case, as from `reports.reading.read_results`.
        config: the run's; empty for a bare table.
        slopes, control, curve: tables of the run; None where there are none.
        pictures: PNGs of the run that only its images could make again, by file name.
    """

    name: str
    table: pd.DataFrame
    config: Mapping[str, Any] = field(default_factory=dict)
    slopes: pd.DataFrame | None = None
    control: pd.DataFrame | None = None
    curve: pd.DataFrame | None = None
    pictures: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """A report that was written: its page, and what to print."""

    page: Path
    lines: tuple[str, ...]


def write_report(
    source: str | os.PathLike, out: str | os.PathLike, overlays: Sequence[str | os.PathLike] = ()
) -> Report:
    """Writes the page, the tables and the figures of a report.

    Args:
        source: a run's folder, a `test_result.csv`, an n-curve's CSV, a folder of those, or the
            folder of a run over n.
        out: the folder to write in; not a run's own.
        overlays: n-curves to draw over that of `source`.

    Raises:
        InputError: a file is missing or of another kind, or nothing can be written in `out`.
    """
    source = Path(source)
    if (Path(out) / CONFIG).exists():
        raise InputError(f"{out} is a run's own folder; choose another --out")
    if is_curve(source):
        from vectorfind.runs.curve_page import curve_files, curve_lines

        overlay = _joined([read_curves(path) for path in overlays]) if overlays else None
        table = read_curves(source)
        files = curve_files(table, overlay, folder_config(source), source.name)
        lines = curve_lines(table)
    else:
        if overlays:
            raise InputError(
                f"--overlay goes with n-curves, and {source} holds cases; leave it out"
            )
        from vectorfind.runs.result_page import result_files
        from vectorfind.runs.result_summary import result_lines, summarise

        results = read_results_at(source)
        summary = summarise(results)
        files, lines = result_files(results, summary), result_lines(summary)
    folder = writable_folder(out)
    for pattern in _FIGURES:  # an older report's
        for old in (folder / FIGURES).glob(pattern):
            old.unlink()
    for name, content in files.items():
        atomic_write(folder / name, content)
    return Report(folder / REPORT, tuple(lines))


def is_curve(source: Path) -> bool:
    """Whether the file or folder holds an n-curve; else it holds cases.

    Raises:
        InputError: it holds neither.
    """
    if not source.is_dir():
        return _of(source, table_kind) == "curve"
    if (source / RESULT).exists():
        return False
    if _curve_paths(source):
        return True
    raise InputError(f"{source} holds no {RESULT} and no n-curve; give {_WANTED}")


def read_results_at(source: str | os.PathLike) -> Results:
    """The cases of a run's folder or of a bare CSV, with what lies beside them.

    Raises:
        InputError: they are missing or of another kind.
    """
    source = Path(source)
    if not source.is_dir():
        return Results(source.name, _of(source, read_results))
    path = source / RESULT
    if not path.exists():
        raise InputError(f"{source} holds no {RESULT}; give a run's folder, or a {RESULT}")
    config = folder_config(source)
    curve = source / CURVE
    return Results(
        name=source.resolve().name,
        table=_of(path, read_results),
        config=config,
        slopes=_table_at(source / "slopes.csv", _SLOPES),
        control=_table_at(source / "control.csv", _CONTROL),
        curve=_curve_at(curve, config) if curve.exists() else None,
        pictures={
            path.stem: path.read_bytes()
            for pattern in ("strip_*.png", "grid.png", "strength.png")
            for path in sorted((source / FIGURES).glob(pattern))
        },
    )


def read_curves(source: str | os.PathLike) -> pd.DataFrame:
    """The n-curves of a file, or of all of a folder's, as one table.

    Raises:
        InputError: there are none, or one of them is damaged.
    """
    source = Path(source)
    paths = _curve_paths(source) if source.is_dir() else [source]
    if not paths:
        raise InputError(f"{source} holds no n-curve; give an n-curve's CSV or a folder of such")
    return _joined([_curve_at(path, folder_config(path.parent)) for path in paths])


def folder_config(source: Path) -> dict[str, Any]:
    """The settings of the run whose folder it is; empty for anything else."""
    path = source / CONFIG
    return read_json(path) if source.is_dir() and path.exists() else {}


def _curve_paths(folder: Path) -> list[Path]:
    """The folder's own `n_curve.csv`, or else all its CSVs that are n-curves."""
    if (folder / CURVE).exists():
        return [folder / CURVE]
    return [path for path in sorted(folder.glob("*.csv")) if _looks_like_curve(path)]


def _looks_like_curve(path: Path) -> bool:
    try:
        return _of(path, table_kind) == "curve"
    except InputError:
        return False


def _curve_at(path: Path, config: Mapping[str, Any]) -> pd.DataFrame:
    """One n-curve; a run's `n_curve.csv` has its method and layer from the run's settings."""
    find = config.get("find") or {}
    if path.name != CURVE or not isinstance(find, Mapping):
        find = {}
    told = {key: str(find[key]) for key in (c.METHOD, c.LAYER) if isinstance(find.get(key), str)}
    return _of(path, lambda text: read_curve(text, path.name, **told))


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    try:
        return join_curves(tables)
    except ValueError as error:
        raise InputError(f"n-curves do not fit together: {error}") from error


def _table_at(path: Path, needed: Sequence[str]) -> pd.DataFrame | None:
    return _of(path, lambda text: read_table(text, needed)) if path.exists() else None


def _of(path: Path, read: Callable[[str], Read]) -> Read:
    """What `read` makes of the file's text; InputError where it is missing or of another kind."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"no file {path}; give {_WANTED}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no CSV text; give {_WANTED}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give {_WANTED}") from error
    try:
        return read(text)
    except ValueError as error:
        raise InputError(f"{path} cannot be used: {error}; give {_WANTED}") from error
