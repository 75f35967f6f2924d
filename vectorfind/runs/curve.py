"""The n-curve: every method at every layer and n, on one sampling and the same cases.

Directions for n samples are found from the first n of one store, so nothing is sampled twice. A
cell is one method at one layer and n; its folder keeps what is finished, so that an interrupted
curve goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.checks import check_names
from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import run_tasks
from reports import columns as c
from reports.tables import csv_text
from vectorfind.config import (
    LAYERS,
    EvaluateSettings,
    FindSettings,
    GradientSettings,
)
from vectorfind.directions.finding import Groups
from vectorfind.methods.svm import check_group_sizes
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.runs.curve_cell import Cell, control_table, curve_table, run_cell, train_network
from vectorfind.runs.curve_page import curve_files
from vectorfind.runs.folder import (
    REPORT,
    SAMPLES,
    TIMINGS,
    add_timing,
    claim,
    locked,
    writable_folder,
)
from vectorfind.runs.record import versions
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.store import StoredSamples, fill_store

CELLS = "cells"
CONTROL = "control.csv"
_SHARED = (
    "seed", "ratio", "svm_c", "batch_size", "device", "dtype", "psi", "trunc_layers", "workers",
)  # fmt: skip
_RESULTS = (REPORT, TIMINGS, "*.csv", "figures/*.png")


@dataclass(frozen=True)
class CurveSettings:
    """What a curve goes through; the other settings are those of finding and evaluating.

    Attributes:
        n: numbers of samples, rising.
        methods, layers: every one of them with every other; None for mapping_split1,
            mapping_split2 and w, or for all layers of a generator that does not have these.
        cases: fresh latents that each cell is tested on, the same for all.
        control_cases: how many of them are also moved along random directions, once for each
            method (they differ in strengths) and layer.
        seed: of samples, fits and cases.
        batch_size, device, dtype, psi, trunc_layers, workers, ratio, svm_c, gradient: see
            `FindSettings`.
    """

    n: tuple[int, ...] = (1_000, 2_000, 4_000, 8_000, 20_000, 40_000, 80_000)
    methods: tuple[str, ...] = ("svm", "gradient")
    layers: tuple[str, ...] | None = None
    cases: int = EvaluateSettings.cases
    control_cases: int = 100
    seed: int = FindSettings.seed
    ratio: float = FindSettings.ratio
    svm_c: float = FindSettings.svm_c
    batch_size: int = FindSettings.batch_size
    device: str | None = FindSettings.device
    dtype: str = FindSettings.dtype
    psi: float = FindSettings.psi
    trunc_layers: int | None = FindSettings.trunc_layers
    workers: int | None = FindSettings.workers
    gradient: GradientSettings = field(default_factory=GradientSettings)

    def resolve(self, models: Models) -> tuple[CurveSettings, Models]:
        """The settings with what was left open chosen, and the models with all layers.

        Raises:
            InputError: the generator neither has nor offers a layer.
        """
        layers = self.layers
        if layers is None:
            own = models.generator.layers
            layers = LAYERS if set(LAYERS) <= set(own) else tuple(own)
        for layer in layers:
            models = models.with_layer(layer)
        gradient = self.gradient.resolve(device_of(models.generator))
        return replace(self, layers=layers, gradient=gradient), models

    def validate(self, models: Models | None = None) -> None:
        """Raises InputError for a setting that is not allowed, naming those that are."""
        for name in ("n", "methods", "layers"):
            if getattr(self, name) == ():
                raise InputError(f"no {name} given; give one or more")
        if list(self.n) != sorted(set(self.n)):
            raise InputError(f"n is {', '.join(map(str, self.n))}; give rising numbers, each once")
        layers = self.layers or LAYERS
        check_names("layer", layers, models.generator.layers if models else layers)
        for cell in self.cells(models):
            if models:
                cell.find.validate(models.generator.layers, models.scored)
            else:
                cell.find.validate()
            cell.test.validate()

    def cells(self, models: Models | None = None) -> list[Cell]:
        """Every cell, by rising n; each line's control is run with its largest n.

        Args:
            models: those that the cells' settings shall suit, see `FindSettings.resolve`.
        """
        shared = {name: getattr(self, name) for name in _SHARED}
        cells = []
        for n in self.n:
            for method in self.methods:
                for layer in self.layers or LAYERS:
                    find = FindSettings(
                        n=n, method=method, layer=layer, gradient=self.gradient, **shared
                    )
                    find = find.resolve((), models.scored) if models else find
                    control = min(self.control_cases, self.cases) if n == self.n[-1] else 0
                    test = EvaluateSettings(
                        self.cases, self.seed, control_cases=control, batch_size=self.batch_size
                    )
                    cells.append(Cell(find, test))
        return cells


def run_curve(
    settings: CurveSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    store: str | os.PathLike | None = None,
    overlay: pd.DataFrame | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Path:
    """Runs all cells and writes n_curve.csv, control.csv, the plots and a page; returns its path.

    Cells whose groups are too small for SVMs are left out and named on the page.

    Args:
        settings: of the curve.
        out: the folder.
        generator, scorer: "default", a checkpoint's path, or an object with the protocol.
        store: folder of the samples, which several runs may share; None for `samples` in `out`.
        overlay: another curve's table, drawn over this one's.
        overwrite: start afresh, whatever run the folder holds.
        quiet: tell no progress.

    Raises:
        InputError: a setting is not allowed, nothing can be written in `out`, or it holds a run
            with other settings.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    began = time.monotonic()
    choose_device(settings.device)
    folder = writable_folder(out)
    how = (settings.device, settings.dtype, settings.psi, settings.trunc_layers)
    models = load_models(generator, scorer, *how)
    settings, models = settings.resolve(models)
    settings.validate(models)
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
        rows, skipped = _run_cells(folder, settings.cells(models), models, samples, quiet)
        control = control_table(rows)
        if len(control):
            atomic_write(folder / CONTROL, csv_text(control))
        table = curve_table(rows)
        files = curve_files(table, overlay, config, folder.name, control, skipped)
        for name, content in files.items():
            atomic_write(folder / name, content)
        add_timing(folder, "cells", float(sum(row[c.TIME] for row in rows)))
        add_timing(folder, "wall", time.monotonic() - began)
    return folder / REPORT


def curve_config(settings: CurveSettings, models: Models) -> dict:
    """What a curve depends on and what it ran with, for `config.json`."""
    hidden = {"workers"} | ({"psi", "trunc_layers"} if settings.psi == 1.0 else set())
    shown = {name: value for name, value in asdict(settings).items() if name not in hidden}
    return {
        "kind": "curve",
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
    _train_networks(folder, cells, models, samples, quiet)
    rows, skipped = [], []

    @cache
    def groups(n: int, group_by: tuple[str, ...], quantiles: int) -> Groups:
        return grouped(samples.head(n), group_by, quantiles)

    progress = Progress("fitting and testing", len(cells), "cells", quiet)
    for cell in cells:
        find = cell.find
        members = groups(find.n, find.group_by, find.quantiles)
        reason = _too_small(members[1], find)
        if reason:
            skipped.append(f"{find.method} / {find.layer}: {reason}")
        else:
            at = folder / CELLS / cell.name
            rows.append(run_cell(at, cell, models, samples.head(find.n), members))
            # What is finished can be looked at while the rest runs.
            atomic_write(folder / "n_curve.csv", csv_text(curve_table(rows)))
        progress.advance()
    if not rows:
        raise InputError(f"no cell could be run: {skipped[0]}")
    return rows, skipped


def _train_networks(
    folder: Path, cells: list[Cell], models: Models, samples: StoredSamples, quiet: bool
) -> None:
    """Trains the gradient networks of all cells, several at once, the longest first.

    The seconds that each cell's networks took go to its folder, as if they had been alone.
    """
    sizes = models.generator.layers
    trained = sorted(cells, key=lambda cell: -cell.find.n * sizes[cell.find.layer])
    tasks = [
        (folder / CELLS / cell.name, cell, models, samples.head(cell.find.n), number)
        for cell in trained
        for number in range(cell.find.networks)
    ]
    progress = Progress("training", len(tasks), "networks", quiet)
    workers = cells[0].find.workers if models.on_cpu else 1
    seconds: dict[Path, float] = {}
    for task, taken in zip(tasks, run_tasks(train_network, tasks, workers), strict=True):
        seconds[task[0]] = seconds.get(task[0], 0.0) + taken
        if taken:
            add_timing(task[0], "train", seconds[task[0]])
        progress.advance()


def _too_small(members: dict[str, np.ndarray], settings: FindSettings) -> str:
    """Why the groups are too small for the cell's SVMs; "" where they are not."""
    if all(settings.method_of(name) != "svm" for name in settings.properties):
        return ""
    try:
        sizes = {name: len(rows) for name, rows in members.items()}
        check_group_sizes(sizes, settings.n, settings.ratio)
    except InputError as error:
        return str(error)
    return ""


def summary_lines(folder: str | os.PathLike) -> list[str]:
    """Seconds of the parts of a curve that has ended."""
    timings = json.loads((Path(folder) / TIMINGS).read_text(encoding="utf-8"))
    parts = ("sample", "cells", "wall")
    return ["seconds: " + ", ".join(f"{part} {timings[part]:.0f}" for part in parts)]
