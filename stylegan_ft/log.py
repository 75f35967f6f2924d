"""The CSV log of a training run, which a resumed run continues without a gap or a repeat."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from property_cnn.files import atomic_write


class TrainingLog:
    """Rows of numbers, the first column being the step.

    Args:
        path: the CSV file; made with the first row.
        columns: its header.
        step: step that the run goes on from; later rows of an earlier attempt are dropped.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], step: int):
        self.path, self.columns = path, columns
        kept = []
        if path.exists():
            with open(path, newline="") as file:
                kept = [row for row in list(csv.reader(file))[1:] if row and int(row[0]) <= step]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *kept])
        atomic_write(path, text.getvalue())

    def add(self, row: list) -> None:
        """Appends a row; floats are written with five decimals."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(row)} values for {len(self.columns)} columns")
        cells = [f"{value:.5f}" if isinstance(value, float) else value for value in row]
        with open(self.path, "a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(cells)
