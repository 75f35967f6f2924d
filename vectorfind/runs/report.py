"""Reports from files: the page of a folder that a job left, or of bare tables.

The tables may be this library's or the reference system's. Nothing is measured again, and the page
of a folder is the same whether it was just made, is made again, or is made from a copy elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import inside, writable_folder
from property_cnn.common.prompt import Shown, brief
from property_cnn.jobs.folder import Claim, amend_folder, open_again
from reports.folders import ReadingError, read_config
from reports.layout import (
    COMPARISON,
    CONCEPT,
    CONFIG,
    FINDINGS,
    GAIN,
    IDENTITY,
    JUDGES,
    N_CURVE,
    REPORT,
    STATISTICS,
    VERDICT,
)
from reports.pages.folder import report_files
from reports.tables import table_rows
from vectorfind.config import default_thresholds

_PRINTED = (
    *(STATISTICS, N_CURVE, FINDINGS, COMPARISON, VERDICT, CONCEPT, GAIN),
    *(JUDGES, IDENTITY),
)
_MEASURED = (STATISTICS, N_CURVE)
"""Tables that a report makes of bare cases or curves, and that a run's folder has of its own."""


@dataclass(frozen=True, repr=False)
class Report(Shown):
    """What a report says, to be printed, and its page where one was written.

    Attributes:
        page: the page; its folder has the tables.
        lines: the results in words.
        tables: name -> table, where there is no folder.
    """

    page: Path | None
    lines: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def facts(self) -> dict[str, str]:
        """Where the page is, the tables without a folder, and the results in words."""
        tables = {name: brief(table) for name, table in self.tables.items()}
        page = "none" if self.page is None else str(self.page)
        return {"page": page, **tables, "results": "\n".join(self.lines)}

    def values(self) -> dict[str, Any]:
        """The same as JSON can hold it, with the rows of the tables of results."""
        tables = dict(self.tables)
        for path in [] if self.page is None else map(self.page.with_name, _PRINTED):
            if path.exists():
                tables[path.stem] = pd.read_csv(path)
        rows = {name: table_rows(table) for name, table in tables.items()}
        page = None if self.page is None else str(self.page)
        return {"report": page, "lines": list(self.lines), "tables": rows}


@contextmanager
def reading() -> Iterator[None]:
    """Turns what is wrong with a file of results into an InputError."""
    try:
        yield
    except ReadingError as error:
        raise InputError(str(error)) from error


def write_report(
    source: str | os.PathLike,
    out: str | os.PathLike | None = None,
    overlays: Sequence[str | os.PathLike] = (),
) -> Report:
    """Writes the page, and the tables and figures that are made for it.

    Args:
        source: a run's folder, a `test_result.csv`, an n-curve's CSV, a folder of those, or the
            folder of a run over n, of a comparison or of a report on fine-tuning.
        out: the folder to write in, not another run's own; None to make a folder's own page again.
        overlays: n-curves to draw over that of `source`.

    Raises:
        InputError: a file is missing or of another kind, or nothing can be written in `out`.
    """
    source = Path(source)
    own = out is None or _same(out, source)
    if own and os.path.exists(source) and not (source / CONFIG).exists():
        raise InputError(f"{source} is no run's own folder, to make its page again; give --out")
    if not own:
        check_replaceable(Path(out))
    with reading():
        files, lines = report_files(source, default_thresholds, [Path(path) for path in overlays])
    if own:
        with amend_folder(writable_folder(source)):
            return write_page(source, files, lines)
    for name in files:
        inside(Path(out), name)
    with open_again(out, Claim("", {"kind": "report"}, written=tuple(files))) as work:
        return write_page(work.folder, files, lines)


def write_page(folder: Path, files: dict[str, bytes | str], lines: Sequence[str]) -> Report:
    """Writes a report's files; tables that a run has measured stay as they are."""
    of_run = (folder / CONFIG).exists()
    for name, content in files.items():
        if not (of_run and name in _MEASURED and (folder / name).exists()):
            atomic_write(inside(folder, name), content)
    return Report(folder / REPORT, tuple(lines))


def own_report(folder: Path) -> Report:
    """Writes the page of the folder that a job has filled."""
    with reading():
        return write_page(folder, *report_files(folder, default_thresholds))


def finished_report(folder: Path) -> Report:
    """The page that a job left in its folder, and what it says."""
    with reading():
        _, lines = report_files(folder, default_thresholds)
    return Report(folder / REPORT, tuple(lines))


def check_replaceable(out: Path, kind: str = "") -> None:
    """Raises InputError where a folder is a run's own, or a report's of another kind."""
    with reading():
        if (out / CONFIG).exists() and read_config(out).get("kind") != kind:
            raise InputError(f"{out} is a run's own folder; choose another --out")


def _same(one: str | os.PathLike, other: Path) -> bool:
    """Whether two paths are of one folder that is there."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
