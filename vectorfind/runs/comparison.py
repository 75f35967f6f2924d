"""Two runs compared case by case, from their folders or from bare tables of cases."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import read_arrays
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import flat
from property_cnn.common.tasks import one_thread
from property_cnn.jobs.folder import Claim, open_again
from reports import columns as c
from reports.comparison import compare_results
from reports.folders import Results, read_results_at
from reports.layout import (
    COMPARISON,
    COMPARISON_KIND,
    CONFIG,
    DIFFERENCES_FIGURE,
    FIGURES,
    LATENTS,
    REPORT,
    RESULT,
)
from reports.pages.comparison import comparison_figure, comparison_lines
from reports.reading import result_properties
from reports.statistics import passes
from reports.tables import csv_text
from vectorfind.config import default_thresholds
from vectorfind.runs.figures import write_figures
from vectorfind.runs.folder import kind_of
from vectorfind.runs.record import versions
from vectorfind.runs.report import Report, check_replaceable, own_report, reading

_SEED = "evaluate.seed"


@one_thread()
def compare_runs(
    a: str | os.PathLike, b: str | os.PathLike, out: str | os.PathLike | None = None
) -> Report:
    """Compares two runs' folders, or two `test_result.csv`, and writes the comparison if asked to.

    Args:
        a, b: the runs.
        out: folder for `comparison.csv`, the plot and the page; not a run's own. None for none.

    Raises:
        InputError: a file is missing or of another kind, the two are not on the same cases, or
            nothing can be written in `out`.
    """
    table, notes = compare_files(a, b)
    page = None if out is None else write_comparison(a, b, table, out)
    lines = [*comparison_lines(table), *(f"note: {note}" for note in notes)]
    return Report(page, tuple(lines))


@one_thread()
def compare_files(a: str | os.PathLike, b: str | os.PathLike) -> tuple[pd.DataFrame, list[str]]:
    """The paired comparison of two runs' folders, or of two `test_result.csv`, and notes on it.

    Raises:
        InputError: a file is missing or of another kind, or the two are not on the same cases.
    """
    a, b = Path(a), Path(b)
    with reading():
        runs = [read_results_at(path) for path in (a, b)]
    check_comparable(*runs, (a.resolve().name, b.resolve().name))
    sure = check_latents(a, b)
    seeds = [flat(run.config).get(_SEED) for run in runs]
    notes = []
    if not sure and None in seeds:
        notes.append(
            "the files do not tell whether the cases are the same; it is taken for granted"
        )
    seed = seeds[0] if isinstance(seeds[0], int) else 0
    try:
        return compare_results(*(_marked(run) for run in runs), seed), notes
    except ValueError as error:
        raise InputError(str(error)) from error


def check_comparable(a: Results, b: Results, names: tuple[str, str]) -> None:
    """Raises InputError where the settings of two runs say that their cases differ."""
    for key, what in (
        (_SEED, "the seed of the test"),
        ("models.generator", "the generator"),
        ("models.scorer", "the scorer"),
    ):
        there, here = flat(a.config).get(key), flat(b.config).get(key)
        if there not in (None, "") and here not in (None, "") and there != here:
            raise InputError(
                f"{what} differs: {there} in {names[0]}, {here} in {names[1]}; compare runs on the "
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
    """Writes the folder of a comparison: names, `comparison.csv`, the plot; returns its page.

    Raises:
        InputError: `out` is a run's own folder, or nothing can be written there.
    """
    check_replaceable(Path(out), COMPARISON_KIND)
    names = (_short(a), _short(b))
    names = ("A", "B") if names[0] == names[1] else names
    config = {"kind": COMPARISON_KIND, "names": names, c.P_VALUE: float(table.iloc[-1][c.P_VALUE])}
    written = (REPORT, COMPARISON, f"{FIGURES}/{DIFFERENCES_FIGURE}*.png")
    claim = Claim(CONFIG, config | {"versions": versions()}, kind_of, written)
    with open_again(out, claim) as work:
        atomic_write(work.folder / COMPARISON, csv_text(table))
        write_figures(work.folder, {DIFFERENCES_FIGURE: comparison_figure(table, names)})
        return own_report(work.folder).page


def _marked(run: Results) -> pd.DataFrame:
    """The table with marks by the thresholds, the run's own where they are known."""
    names = result_properties(run.table)
    own = (run.config.get("evaluate") or {}).get("thresholds") or {}
    passed, _ = passes(run.table, default_thresholds(names) | dict(own))
    return run.table.assign(**{c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)})


def _short(path: str | os.PathLike) -> str:
    path = Path(path).resolve()
    return path.name if path.name != RESULT else f"{path.parent.name}/{path.name}"
