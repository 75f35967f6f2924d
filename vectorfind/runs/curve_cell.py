"""One cell of an n-curve: find from the first n samples, test, keep the row that comes of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text, read_json
from reports import columns as c
from reports.layout import CASES, DIRECTIONS, RESULT, ROW, TRAINING
from reports.statistics import bootstrap, interval_stream
from reports.tables import csv_text
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.directions.finding import fit_part, fit_samples
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.models.pair import Models
from vectorfind.pipeline import run_evaluation
from vectorfind.runs.folder import add_timing, read_timings
from vectorfind.sampling.groups import Groups
from vectorfind.sampling.sampler import SampleSource


@dataclass(frozen=True)
class Cell:
    """How one cell's directions are found and tested."""

    find: FindSettings
    test: EvaluateSettings

    @property
    def name(self) -> str:
        """Of the cell's folder, e.g. svm_w_4000."""
        return f"{self.find.method}_{self.find.layer}_{self.find.n}"


def run_cell(
    folder: Path,
    cell: Cell,
    models: Models,
    samples: SampleSource,
    groups: Groups | None = None,
) -> dict[str, Any]:
    """The cell's row, from its folder or found, tested and left there.

    The folder keeps `row.json`, `test_result.csv` and `timings.json`; while the cell runs also
    rounds of training, the directions and blocks of cases.

    Args:
        folder: the cell's.
        cell: its settings.
        models: generator and scorer.
        samples: the first n.
        groups: of these; None to group them here.
    """
    if (folder / ROW).exists():
        try:
            row = read_json(folder / ROW)
            if "fits" in row:
                return row | {c.TIME: sum(read_timings(folder).values())}
        except InputError:
            pass  # damaged, or of an earlier version: the cell is run again
    directions = cell_directions(folder, cell, models, samples, groups)
    started = time.monotonic()
    evaluation = run_evaluation(directions, cell.test, True, folder / CASES)
    add_timing(folder, "evaluate", time.monotonic() - started)
    row = cell_row(directions, evaluation)
    atomic_write(folder / RESULT, csv_text(evaluation.table))
    atomic_write(folder / ROW, json_text(row))
    (folder / DIRECTIONS).unlink()
    shutil.rmtree(folder / CASES, ignore_errors=True)
    return row | {c.TIME: sum(read_timings(folder).values())}


def cell_row(directions: Directions, evaluation: Evaluation) -> dict[str, Any]:
    """All of a cell's row but its time: means with 95 % bootstrap intervals over the cases."""
    settings = directions.settings
    row: dict[str, Any] = {c.METHOD: settings.method, c.LAYER: settings.layer}
    row |= {c.N: settings.n, c.K: directions.k}
    row["fits"] = directions.curve_columns()
    row |= _means(evaluation.measured.correlations, evaluation)
    row[c.PASSED] = int(evaluation.statistics[c.PASSED].iloc[0])
    row[c.CASES] = len(evaluation.table)
    control = evaluation.control
    if control is not None:
        means = _means(control.correlations, evaluation)
        row["control"] = means | {c.CASES: len(control.correlations)}
    return row


def curve_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as the table of `n_curve.csv`, ordered by method, layer and n as they came."""
    fits = list(dict.fromkeys(column for row in rows for column in row["fits"]))
    plain = [{k: v for k, v in row.items() if k not in ("fits", "control")} for row in rows]
    frame = pd.DataFrame([one | row["fits"] for one, row in zip(plain, rows, strict=True)])
    lines = frame.groupby([c.METHOD, c.LAYER], sort=False).ngroup()
    frame = frame.assign(line=lines).sort_values(["line", c.N], kind="stable").drop(columns="line")
    first = [c.METHOD, c.LAYER, c.N, c.K, c.TIME, *fits]
    rest = [name for name in frame.columns if name not in first]
    return frame[[*first, *rest]].reset_index(drop=True)


def control_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """What random directions give, one row a method (of its strengths) and layer."""
    found = [
        {c.METHOD: row[c.METHOD], c.LAYER: row[c.LAYER], **row["control"]}
        for row in rows
        if "control" in row
    ]
    return pd.DataFrame(found)


def cell_directions(
    folder: Path,
    cell: Cell,
    models: Models,
    samples: SampleSource,
    groups: Groups | None = None,
) -> Directions:
    """The cell's directions, from its folder or found and left there."""
    path = folder / DIRECTIONS
    if path.exists():
        try:
            directions = load_directions(path, models.generator, models.scorer, dtype=models.dtype)
            return replace(directions, settings=cell.find)
        except CheckpointError:
            pass  # damaged: found again
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    directions = fit_samples(models, samples, cell.find, True, folder / TRAINING, groups)
    add_timing(folder, "fit", time.monotonic() - started)
    directions.save(path)
    shutil.rmtree(folder / TRAINING, ignore_errors=True)
    return directions


def train_part(
    folder: Path, cell: Cell, models: Models, samples: SampleSource, part: tuple[str, ...]
) -> float:
    """Leaves one of the parts of a cell's fit, of these properties, in its folder; its seconds.

    Where the cell's directions or its row are there already, nothing is done.
    """
    if any((folder / name).exists() for name in (ROW, DIRECTIONS)):
        return 0.0
    started = time.monotonic()
    fit_part(models, samples, cell.find, part, folder / TRAINING)
    return time.monotonic() - started


def _means(correlations: np.ndarray, evaluation: Evaluation) -> dict[str, float]:
    """Mean corr-coef of each property and of their sum, with intervals, by column."""
    means: dict[str, float] = {}
    summed = np.column_stack([correlations, correlations.sum(axis=1)])
    rng = interval_stream(evaluation.settings.seed)
    estimate = bootstrap(summed, rng, evaluation.settings.bootstrap)
    columns = [*(c.mean_corr_column(name) for name in evaluation.properties), c.SUM_MEAN_CORR]
    for index, column in enumerate(columns):
        names = (column, c.low_column(column), c.high_column(column))
        means |= dict(zip(names, estimate.at(index), strict=True))
    return means
