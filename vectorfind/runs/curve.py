"""The n-curve: every method at every layer and n, on one sampling and the same cases.

Directions for n samples are found from the first n of one store, so nothing is sampled twice. A
cell is one method at one layer and n; its folder keeps what is finished, so that an interrupted
curve goes on where it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text, read_json, writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread, run_tasks
from property_cnn.jobs.folder import Work
from reports import columns as c
from reports.folders import read_overlay
from reports.layout import (
    CASES,
    CELLS,
    CONFIG,
    CONTROL,
    CURVE_FIGURE,
    CURVE_KIND,
    DIRECTIONS,
    FIGURES,
    FINDING_FIGURE,
    FINDINGS,
    N_CURVE,
    OVERLAY,
    REPORT,
    RESULT,
    ROW,
    TIMINGS,
    TRAINING,
)
from reports.statistics import bootstrap, interval_stream
from reports.tables import csv_text
from vectorfind.config import LAYERS, CurveSettings, EvaluateSettings, FindSettings
from vectorfind.directions.directions import Directions
from vectorfind.directions.finding import fit_part, fit_samples
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.methods.registry import method_named
from vectorfind.methods.settings import complete_settings
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.pipeline import run_evaluation
from vectorfind.runs.describe import versions
from vectorfind.runs.folder import (
    add_timing,
    load_found,
    open_run,
    read_timings,
    samples_folder,
)
from vectorfind.runs.report import Report, finished_report, own_report, reading
from vectorfind.sampling.groups import Groups, grouped
from vectorfind.sampling.sampler import SampleSource
from vectorfind.sampling.store import StoredSamples, fill_store

_WRITTEN = (
    *(REPORT, TIMINGS, N_CURVE, CONTROL, OVERLAY, FINDINGS, CELLS, f"{CELLS}/*", f"{CELLS}/*/*"),
    *(f"{FIGURES}/{name}*.png" for name in (CURVE_FIGURE, FINDING_FIGURE)),
)
"""Patterns of what a curve writes."""


@dataclass(frozen=True)
class Cell:
    """How one cell's directions are found and tested."""

    find: FindSettings
    test: EvaluateSettings

    @property
    def name(self) -> str:
        """Of the cell's folder, e.g. svm_w_4000."""
        return f"{self.find.method}_{self.find.layer}_{self.find.n}"

    @property
    def folder(self) -> str:
        """Its folder within the curve's."""
        return f"{CELLS}/{self.name}"


def resolve_curve(settings: CurveSettings, models: Models) -> tuple[CurveSettings, Models]:
    """The settings with what was left open chosen, and the models with all layers.

    Raises:
        InputError: the generator neither has nor offers a layer.
    """
    layers = settings.layers
    if layers is None:
        own = models.generator.layers
        layers = LAYERS if set(LAYERS) <= set(own) else tuple(own)
    for layer in layers:
        models = models.with_layer(layer)
    gradient = settings.gradient.resolve(device_of(models.generator))
    psi = float(getattr(models.generator, "psi", 1.0)) if settings.psi is None else settings.psi
    return replace(settings, layers=layers, gradient=gradient, psi=psi), models


def curve_cells(settings: CurveSettings, models: Models) -> list[Cell]:
    """Every cell of a resolved curve, by rising n; each line's control is with its largest n.

    Raises:
        InputError: a setting is not allowed.
    """
    layers = tuple(models.generator.layers)
    return [
        Cell(
            complete_settings(settings.find(n, method, layer), layers, models.scored),
            settings.test(n),
        )
        for n in settings.n
        for method in settings.methods
        for layer in settings.layers
    ]


@one_thread()
def run_curve(  # noqa: PLR0913 - public, its keywords are the interface
    settings: CurveSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    store: str | os.PathLike | None = None,
    overlays: Sequence[str | os.PathLike] = (),
    overwrite: bool = False,
    quiet: bool = False,
) -> Report:
    """Runs all cells and writes the tables, the plots and a page; returns it and the result.

    Cells whose groups are too small for their method are left out and named on the page.

    Args:
        settings: of the curve.
        out: the folder.
        generator, scorer: "default", a checkpoint's path, or an object with the protocol.
        store: folder of the samples, which several runs may share; None for `samples` in `out`.
        overlays: files or folders of other n-curves, drawn over these.
        overwrite: start afresh, whatever run the folder holds.
        quiet: tell no progress.

    Raises:
        InputError: a setting is not allowed, nothing can be written in `out`, or it holds a run
            with other settings.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    began = time.monotonic()
    for method in settings.methods:
        method_named(method)  # told before anything is loaded
    with reading():
        overlay = read_overlay([Path(path) for path in overlays])
    choose_device(settings.device)
    folder = writable_folder(out)
    models = load_models(generator, scorer, **settings.loading)
    settings, models = resolve_curve(settings, models)
    cells = curve_cells(settings, models)
    config = curve_config(settings, models)
    with open_run(folder, config, _WRITTEN, overwrite) as work:
        if _all_there(work, overlay):
            report = finished_report(work.folder)
        else:
            own = samples_folder(folder, work, models, settings.seed) if store is None else store
            started = time.monotonic()
            samples = fill_store(
                own,
                models,
                settings.n[-1],
                settings.seed,
                settings.layers,
                settings.batch_size,
                settings.workers,
                quiet,
                fresh=not all(config["models"].values()),
            )
            add_timing(work.folder, "sample", time.monotonic() - started)
            rows, skipped = _run_cells(work, cells, models, samples, quiet)
            _write_tables(work, rows, overlay)
            atomic_write(work.folder / CONFIG, json_text(config | {"skipped": skipped}))
            report = own_report(work.folder)
            add_timing(work.folder, "cells", float(sum(row[c.TIME] for row in rows)))
            add_timing(work.folder, "wall", time.monotonic() - began)
            work.finish()
        timings = read_timings(work.folder)
    seconds = ", ".join(f"{part} {taken:.0f}" for part, taken in timings.items())
    lines = (*work.told(), *report.lines, f"seconds: {seconds}")
    return Report(folder / REPORT, lines)


def _all_there(work: Work, overlay: pd.DataFrame | None) -> bool:
    """Whether a finished curve is whole, with this overlay; else what is made again is let go."""
    path = work.folder / OVERLAY
    drawn = path.read_bytes() if path.is_file() else b""
    same = drawn == (b"" if overlay is None else csv_text(overlay).encode())
    if work.finished and not same:  # the page, too, is another
        work.kept = {name for name in work.kept if name.startswith((CELLS, TIMINGS))}
    return work.finished and same and not work.faults


def _write_tables(work: Work, rows: list[dict], overlay: pd.DataFrame | None) -> None:
    tables = {N_CURVE: curve_table(rows), CONTROL: control_table(rows), OVERLAY: overlay}
    for name, table in tables.items():
        if table is None or table.empty:
            work.remove(name)  # of the same curve, run otherwise before
        else:
            atomic_write(work.folder / name, csv_text(table))


def curve_config(settings: CurveSettings, models: Models) -> dict:
    """What a curve depends on and what it ran with, for `config.json`."""
    hidden = {"workers"} | ({"psi", "trunc_layers"} if settings.psi in (None, 1.0) else set())
    hidden |= {name for name in ("properties", "group_by") if getattr(settings, name) is None}
    shown = {name: value for name, value in asdict(settings).items() if name not in hidden}
    return {
        "kind": CURVE_KIND,
        "curve": shown,
        "models": {
            "generator": digest_of(models.generator),
            "scorer": digest_of(models.scorer),
        },
        "device": str(device_of(models.generator)),
        "versions": versions(),
    }


def _run_cells(
    work: Work, cells: list[Cell], models: Models, samples: StoredSamples, quiet: bool
) -> tuple[list[dict], list[str]]:
    """The row of every cell that can be run, and why the others cannot."""

    @cache
    def groups(n: int, group_by: tuple[str, ...], quantiles: int) -> Groups:
        return grouped(samples.head(n), group_by, quantiles)

    ready, skipped, rows = [], [], []
    for cell in cells:
        find = cell.find
        sizes = groups(find.n, find.group_by, find.quantiles).sizes
        try:
            method = method_named(find.method)
            method.check_models(models, find, find.properties)
            method.check_groups(sizes, find, find.properties)
        except InputError as error:
            skipped.append(f"{find.method} / {find.layer}: {error}")
        else:
            ready.append(cell)
    if not ready:
        raise InputError(f"no cell could be run: {skipped[0]}")
    _fit_parts(work, ready, models, samples, quiet)
    progress = Progress("fitting and testing", len(ready), "cells", quiet)
    for cell in ready:
        find = cell.find
        members = groups(find.n, find.group_by, find.quantiles)
        rows.append(run_cell(work, cell, models, samples.head(find.n), members))
        # What is finished can be looked at while the rest runs.
        atomic_write(work.folder / N_CURVE, csv_text(curve_table(rows)))
        progress.advance()
    return rows, skipped


def _fit_parts(
    work: Work, cells: list[Cell], models: Models, samples: StoredSamples, quiet: bool
) -> None:
    """Makes the long fits of all cells, part by part, several at once, the longest first.

    The seconds that each cell's parts took go to its folder, as if they had been alone.
    """
    sizes = models.generator.layers
    left = [cell for cell in cells if not (cell_done(work, cell) or _found(work, cell))]
    longest_first = sorted(left, key=lambda cell: -cell.find.n * sizes[cell.find.layer])
    tasks = [
        (_training(work, cell), cell, models, samples.head(cell.find.n), part)
        for cell in longest_first
        for part in method_named(cell.find.method).parts(cell.find, cell.find.properties)
    ]
    progress = Progress("training", len(tasks), "networks", quiet)
    workers = cells[0].find.workers if models.on_cpu else 1
    seconds: dict[Path, float] = {}
    trained = run_tasks(train_part, tasks, workers, training=True)
    for task, taken in zip(tasks, trained, strict=True):
        place = task[0].parent
        seconds[place] = seconds.get(place, 0.0) + taken
        add_timing(place, "train", seconds[place])
        progress.advance()


def run_cell(
    work: Work,
    cell: Cell,
    models: Models,
    samples: SampleSource,
    groups: Groups | None = None,
) -> dict[str, Any]:
    """The cell's row, from its folder or found, tested and left there.

    The folder keeps `row.json`, `test_result.csv` and `timings.json`; while the cell runs also
    rounds of training, the directions and blocks of cases.

    Args:
        work: the curve's folder, in which the cell has its own.
        cell: its settings.
        models: generator and scorer.
        samples: the first n.
        groups: of these; None to group them here.
    """
    folder = work.folder / cell.folder
    if cell_done(work, cell):
        row = read_json(folder / ROW)
        return row | {c.TIME: sum(read_timings(folder).values())}
    directions = cell_directions(work, cell, models, samples, groups)
    started, cases = time.monotonic(), f"{cell.folder}/{CASES}"
    evaluation = run_evaluation(directions, cell.test, True, work.on_the_way(cases))
    add_timing(folder, "evaluate", time.monotonic() - started)
    row = cell_row(directions, evaluation)
    atomic_write(folder / RESULT, csv_text(evaluation.table))
    atomic_write(folder / ROW, json_text(row))
    work.remove(f"{cell.folder}/{DIRECTIONS}", f"{cases}/")
    return row | {c.TIME: sum(read_timings(folder).values())}


def cell_done(work: Work, cell: Cell) -> bool:
    """Whether the cell's row is there, whole, with all that belongs to it."""
    names = [f"{cell.folder}/{name}" for name in (ROW, RESULT, TIMINGS)]
    return all(work.whole(name) for name in names) and _row_of_now(work.folder / names[0])


def _row_of_now(path: Path) -> bool:
    """Whether a row, perhaps of an earlier version, has all that is needed."""
    try:
        return "fits" in read_json(path)
    except InputError:
        return False


def _found(work: Work, cell: Cell) -> bool:
    return work.whole(f"{cell.folder}/{DIRECTIONS}")


def _training(work: Work, cell: Cell) -> Path:
    return work.on_the_way(f"{cell.folder}/{TRAINING}")


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
    work: Work,
    cell: Cell,
    models: Models,
    samples: SampleSource,
    groups: Groups | None = None,
) -> Directions:
    """The cell's directions, from its folder or found and left there."""
    folder = work.folder / cell.folder
    if _found(work, cell):
        directions = load_found(folder / DIRECTIONS, models, cell.find)
        if directions is not None:
            return directions
    started = time.monotonic()
    directions = fit_samples(models, samples, cell.find, True, _training(work, cell), groups)
    add_timing(folder, "fit", time.monotonic() - started)
    directions.save(folder / DIRECTIONS)
    work.remove(f"{cell.folder}/{TRAINING}/")
    return directions


def train_part(
    folder: Path, cell: Cell, models: Models, samples: SampleSource, part: tuple[str, ...]
) -> float:
    """Leaves one of the parts of a cell's fit, of these properties, in a folder; its seconds."""
    started = time.monotonic()
    fit_part(models, samples, cell.find, part, folder)
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
