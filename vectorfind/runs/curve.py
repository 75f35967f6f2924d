"""The n-curve: every method at every layer and n, on one sampling and the same cases.

Directions for n samples are found from the first n of one store, so nothing is sampled twice. A
cell is one method at one layer and n; its folder keeps what is finished, so that an interrupted
curve goes on where it was.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text, locked, writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import run_tasks
from reports import columns as c
from reports.folders import read_overlay
from reports.layout import (
    CELLS,
    CONFIG,
    CONTROL,
    CURVE_KIND,
    FIGURES,
    FINDINGS,
    N_CURVE,
    OVERLAY,
    REPORT,
    SAMPLES,
    TIMINGS,
)
from reports.tables import csv_text
from vectorfind.config import LAYERS, CurveSettings
from vectorfind.methods.registry import method_named
from vectorfind.methods.settings import complete_settings
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.runs.curve_cell import Cell, control_table, curve_table, run_cell, train_part
from vectorfind.runs.folder import add_timing, claim, read_timings
from vectorfind.runs.record import versions
from vectorfind.runs.report import Report, own_report, reading
from vectorfind.sampling.groups import Groups, grouped
from vectorfind.sampling.store import StoredSamples, fill_store

_RESULTS = (REPORT, TIMINGS, N_CURVE, CONTROL, OVERLAY, FINDINGS, f"{FIGURES}/*.png")


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
    return replace(settings, layers=layers, gradient=gradient), models


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
    settings.validate()
    for method in settings.methods:
        method_named(method)  # told before anything is loaded
    with reading():
        overlay = read_overlay([Path(path) for path in overlays])
    choose_device(settings.device)
    folder = writable_folder(out)
    how = (settings.device, settings.dtype, settings.psi, settings.trunc_layers)
    models = load_models(generator, scorer, *how)
    settings, models = resolve_curve(settings, models)
    cells = curve_cells(settings, models)
    config = curve_config(settings, models)
    with locked(folder, "--out"):
        known = claim(folder, config, _RESULTS if overwrite else ())
        named = all(config["models"].values())
        if overwrite or not (known and named):
            shutil.rmtree(folder / CELLS, ignore_errors=True)
        started = time.monotonic()
        samples = fill_store(
            folder / SAMPLES if store is None else store,
            models,
            settings.n[-1],
            settings.seed,
            settings.layers,
            settings.batch_size,
            settings.workers,
            quiet,
            fresh=not named,
        )
        add_timing(folder, "sample", time.monotonic() - started)
        rows, skipped = _run_cells(folder, cells, models, samples, quiet)
        tables = {N_CURVE: curve_table(rows), CONTROL: control_table(rows), OVERLAY: overlay}
        for name, table in tables.items():
            if table is None or table.empty:
                (folder / name).unlink(missing_ok=True)  # of the same curve, run otherwise before
            else:
                atomic_write(folder / name, csv_text(table))
        atomic_write(folder / CONFIG, json_text(config | {"skipped": skipped}))
        report = own_report(folder)
        add_timing(folder, "cells", float(sum(row[c.TIME] for row in rows)))
        add_timing(folder, "wall", time.monotonic() - began)
    seconds = ", ".join(f"{part} {taken:.0f}" for part, taken in read_timings(folder).items())
    return Report(report.page, (*report.lines, f"seconds: {seconds}"))


def curve_config(settings: CurveSettings, models: Models) -> dict:
    """What a curve depends on and what it ran with, for `config.json`."""
    hidden = {"workers"} | ({"psi", "trunc_layers"} if settings.psi == 1.0 else set())
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
    folder: Path, cells: list[Cell], models: Models, samples: StoredSamples, quiet: bool
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
            method_named(find.method).check_groups(sizes, find, find.properties)
        except InputError as error:
            skipped.append(f"{find.method} / {find.layer}: {error}")
        else:
            ready.append(cell)
    if not ready:
        raise InputError(f"no cell could be run: {skipped[0]}")
    _fit_parts(folder, ready, models, samples, quiet)
    progress = Progress("fitting and testing", len(ready), "cells", quiet)
    for cell in ready:
        find, at = cell.find, folder / CELLS / cell.name
        members = groups(find.n, find.group_by, find.quantiles)
        rows.append(run_cell(at, cell, models, samples.head(find.n), members))
        # What is finished can be looked at while the rest runs.
        atomic_write(folder / N_CURVE, csv_text(curve_table(rows)))
        progress.advance()
    return rows, skipped


def _fit_parts(
    folder: Path, cells: list[Cell], models: Models, samples: StoredSamples, quiet: bool
) -> None:
    """Makes the long fits of all cells, part by part, several at once, the longest first.

    The seconds that each cell's parts took go to its folder, as if they had been alone.
    """
    sizes = models.generator.layers
    longest_first = sorted(cells, key=lambda cell: -cell.find.n * sizes[cell.find.layer])
    tasks = [
        (folder / CELLS / cell.name, cell, models, samples.head(cell.find.n), part)
        for cell in longest_first
        for part in method_named(cell.find.method).parts(cell.find, cell.find.properties)
    ]
    progress = Progress("training", len(tasks), "networks", quiet)
    workers = cells[0].find.workers if models.on_cpu else 1
    seconds: dict[Path, float] = {}
    for task, taken in zip(tasks, run_tasks(train_part, tasks, workers), strict=True):
        seconds[task[0]] = seconds.get(task[0], 0.0) + taken
        if taken:
            add_timing(task[0], "train", seconds[task[0]])
        progress.advance()
