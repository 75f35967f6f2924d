"""Rows of a benchmark's result: printed in aligned columns, written as CSV."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from property_cnn.common.files import atomic_write
from property_cnn.jobs.folder import Claim, open_again
from reports.tables import csv_text

BENCH, MACHINE = "bench.csv", "machine.json"


@dataclass(frozen=True)
class BenchRow:
    """One number that was measured.

    Attributes:
        part: what of the library it is about.
        measure: what was measured.
        value: the number; NaN where it could not be measured.
        unit: of the number, as "s" or "images/s"; "x" of a ratio, "%" of a share.
        note: how it was measured, and whether a target is met.
    """

    part: str
    measure: str
    value: float
    unit: str
    note: str = ""


def at_most(part: str, measure: str, value: float, limit: float, unit: str, note: str) -> BenchRow:
    """A row whose number must not be above a limit, and whether it is."""
    return BenchRow(part, measure, value, unit, _judged(note, "<=", limit, unit, value <= limit))


def at_least(part: str, measure: str, value: float, limit: float, unit: str, note: str) -> BenchRow:
    """A row whose number must not be below a limit, and whether it is."""
    return BenchRow(part, measure, value, unit, _judged(note, ">=", limit, unit, value >= limit))


def bench_lines(rows: Sequence[BenchRow]) -> list[str]:
    """The rows as text: a heading a part, aligned columns under it."""
    lines = []
    width = max((len(row.measure) for row in rows), default=0)
    for part, some in groupby(rows, lambda row: row.part):
        lines += ([""] if lines else []) + [part]
        for row in some:
            line = f"  {row.measure:<{width}}  {_number(row.value):>9} {row.unit:<9} {row.note}"
            lines.append(line.rstrip())
    return lines


@contextmanager
def bench_folder(out: str | os.PathLike | None) -> Iterator[Path | None]:
    """The folder of a benchmark, whose files are written again each time; None for none."""
    if out is None:
        yield None
        return
    claim = Claim("", {"kind": "bench"}, written=(BENCH, MACHINE), ours=_holds_bench)
    with open_again(out, claim) as work:
        yield work.folder


def _holds_bench(folder: Path) -> bool:
    return (folder / BENCH).is_file() and (folder / MACHINE).is_file()


def write_bench(
    folder: str | os.PathLike, rows: Sequence[BenchRow], machine: Mapping[str, object]
) -> Path:
    """Writes `bench.csv`, and what it was measured on and with as `machine.json`.

    Returns:
        The path of the CSV.
    """
    path = Path(folder) / BENCH
    table = pd.DataFrame([asdict(row) for row in rows])
    atomic_write(path, csv_text(table))
    text = json.dumps(machine, indent=2, sort_keys=True, ensure_ascii=False)
    atomic_write(Path(folder) / MACHINE, text + "\n")
    return path


def _judged(note: str, sign: str, limit: float, unit: str, met: bool) -> str:
    verdict = f"target {sign} {limit:g} {unit}: {'met' if met else 'missed'}"
    return f"{verdict}; {note}" if note else verdict


def _number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
