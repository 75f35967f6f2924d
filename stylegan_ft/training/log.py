"""The CSV log of a training run, which a resumed run continues without a gap or a repeat."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from property_cnn.common.files import atomic_write


class TrainingLog:
    """Rows of numbers, each of one step of the training.

    Args:
        path: the CSV file; made with the first row.
        columns: its header.
        step: step that the run goes on from; later rows of an earlier attempt are dropped.
        step_of: the step of a row's cells; the first one if not given.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        step: int,
        step_of: Callable[[list[str]], int] = lambda row: int(row[0]),
    ):
        self.path, self.columns = path, columns
        kept = []
        if path.exists():
            with open(path, newline="") as file:
                rows = [row for row in list(csv.reader(file))[1:] if len(row) == len(columns)]
            kept = [row for row in rows if step_of(row) <= step]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *kept])
        atomic_write(path, text.getvalue())

    def add(self, row: list) -> None:
        """Appends a row; floats are written with five decimals, None and nan as nothing."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(row)} values for {len(self.columns)} columns")
        cells = [_cell(value) for value in row]
        with open(self.path, "a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(cells)


def _cell(value: float | int | str | None) -> float | int | str:
    if value is None or value != value:
        return ""
    return f"{value:.5f}" if isinstance(value, float) else value
