"""A real run, as the command line makes it, and a grid of them from one store of samples: how long
each stage takes, in how much memory.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from joblib import cpu_count

from property_cnn.common.errors import VectorfindError
from reports.layout import CELLS
from vectorfind.bench.rates import both_rate
from vectorfind.bench.rows import BenchRow, at_most
from vectorfind.bench.settings import RUNS, BenchSettings
from vectorfind.config import CONTROLLED, CurveSettings
from vectorfind.directions.edits import strength_grid
from vectorfind.methods.registry import default_strengths
from vectorfind.models.pair import Models
from vectorfind.runs.curve import run_curve
from vectorfind.runs.folder import read_timings

LIMITS = {"svm": 1.15, "mixed": 1.5}
"""Most times the seconds that a run's images alone take, by method."""

AT = "the target is for n=160,000 and 2,000 cases"

GIB = 2**30
MEMORY = 2.0
"""Most GiB that a run may hold."""

TRAIN = "train"
"""The stage of a cell that several share the machine in, where networks are trained."""

GRID_LIMIT = 1.1
"""Most times that the grid may take what one sampling and its cells take."""


@dataclass(frozen=True)
class Run:
    """One run of `vectorfind test` in a process of its own.

    Attributes:
        method: svm, mixed or gradient.
        seconds: from the start of the process to its end.
        stages: seconds of each, as the run noted them.
        memory: most bytes that were resident; NaN where the system does not say.
        images: images/s of generator and scorer alone, around the run.
    """

    method: str
    seconds: float
    stages: Mapping[str, float]
    memory: float
    images: float


def make_run(
    method: str,
    models: Models,
    settings: BenchSettings,
    generator: str | os.PathLike,
    scorer: str | os.PathLike,
) -> Run:
    """Makes a run in a temporary folder, and measures the images' rate before and after it.

    Raises:
        VectorfindError: the run failed, with its own words.
    """
    command = ["test", "--quiet", "--method", method]
    options = {
        "-n": settings.n,
        "--cases": settings.cases,
        "--control-cases": settings.control_cases,
        "--layer": layer_of(method, models),
        "--seed": settings.seed,
        "--batch-size": settings.batch_size,
        "--workers": settings.workers,
        "--device": settings.device,
        "--generator": generator,
        "--scorer": scorer,
    }
    for option, value in options.items():
        command += [] if value is None else [option, str(value)]
    before = both_rate(models, settings)
    with tempfile.TemporaryDirectory(prefix="vectorfind-bench-") as folder:
        seconds, memory = _timed([*command, "--out", folder])
        stages = read_timings(Path(folder))
    after = both_rate(models, settings)
    return Run(method, seconds, stages, memory, 2 / (1 / before + 1 / after))


def layer_of(method: str, models: Models) -> str:
    """The layer at which a method's run is measured: the last one where there is no such."""
    return RUNS[method] if RUNS[method] in models.generator.layers else models.last_layer


def edits_of(method: str) -> int:
    """Images of a case."""
    return len(strength_grid(default_strengths(method, CONTROLLED)))


def stage_rows(run: Run, settings: BenchSettings) -> list[BenchRow]:
    """What a run took, stage by stage, and the ratio to its images alone."""
    n, cases, edits = settings.n, settings.cases, edits_of(run.method)
    size = f"n={n:,}, {cases:,} cases"
    rows = [_row(run, "whole run", run.seconds, "s", f"{size}, from start to end of the process")]
    for stage, seconds in run.stages.items():
        rows.append(_row(run, stage, seconds, "s"))
        if stage == "evaluate":
            control = settings.control_cases * edits
            share = control / (control + cases * (edits + 1))
            note = f"{settings.control_cases} cases, by their share of the images"
            rows.append(_row(run, "evaluate, of it the control", seconds * share, "s", note))
    rest = run.seconds - sum(run.stages.values())
    rows.append(_row(run, "rest", rest, "s", "start of Python, checks, what no stage counts"))
    alone = (n + edits * cases) / run.images
    note = f"{n + edits * cases:,} images at {run.images:.0f} images/s, measured around the run"
    rows.append(_row(run, "its images alone", alone, "s", note))
    measure, ratio = f"{run.method}, run to images alone", run.seconds / alone
    if run.method in LIMITS:
        rows.append(at_most("test", measure, ratio, LIMITS[run.method], "x", f"{size}; {AT}"))
    else:
        rows.append(BenchRow("test", measure, ratio, "x", size))
    measure, held = f"{run.method}, peak memory", run.memory / GIB
    if math.isnan(held):
        return [*rows, BenchRow("test", measure, held, "GiB", "this system does not say")]
    return [*rows, at_most("test", measure, held, MEMORY, "GiB", "resident, the largest process")]


def _row(run: Run, measure: str, value: float, unit: str, note: str = "") -> BenchRow:
    return BenchRow("test", f"{run.method}, {measure}", value, unit, note)


def _timed(arguments: list[str]) -> tuple[float, float]:
    """Runs the command line with these; seconds that it took and most bytes that it held."""
    with tempfile.TemporaryDirectory(prefix="vectorfind-bench-") as folder:
        told = Path(folder, "memory")
        command = [sys.executable, "-m", "vectorfind.bench.child", str(told), *arguments]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines() or ["no words"]
            reason = lines[-1].removeprefix("Error: ")
            raise VectorfindError(f"a run ended with {done.returncode}: {reason}")
        return seconds, float(told.read_text(encoding="utf-8"))


def make_grid(models: Models, settings: BenchSettings) -> tuple[float, list[BenchRow]]:
    """Runs the grid in a temporary folder; its seconds, and the rows that tell them."""
    grid = CurveSettings(
        n=(settings.grid_n,),
        layers=tuple(models.generator.layers),
        cases=settings.cases,
        control_cases=settings.control_cases,
        seed=settings.seed,
        batch_size=settings.batch_size,
        device=settings.device,
        workers=settings.workers,
    )
    with tempfile.TemporaryDirectory(prefix="vectorfind-bench-") as folder:
        started = time.perf_counter()
        run_curve(grid, folder, models.generator, models.scorer, quiet=True)
        seconds = time.perf_counter() - started
        timings = read_timings(Path(folder))
        cells = {path.name: read_timings(path) for path in sorted(Path(folder, CELLS).iterdir())}
    return seconds, grid_rows(seconds, timings["sample"], cells, settings)


def grid_rows(
    seconds: float, sampling: float, cells: dict[str, dict[str, float]], settings: BenchSettings
) -> list[BenchRow]:
    """The grid's time beside that of one sampling and of its cells' own work.

    Networks of several cells train at once, on a core each; of the seconds that each takes, its
    share of the machine counts.

    Args:
        seconds: of the whole grid.
        sampling: seconds of its one sampling.
        cells: name -> stage -> seconds.
        settings: its sizes.
    """
    rows = [BenchRow("grid", "sampling, once", sampling, "s", f"n={settings.grid_n:,}")]
    trained = sum(TRAIN in stages for stages in cells.values())
    together = max(1, min(settings.workers or cpu_count(), trained))
    parts = sampling
    for name, stages in cells.items():
        own, note = dict(stages), ", ".join(f"{stage} {s:.1f} s" for stage, s in stages.items())
        if together > 1 and TRAIN in own:
            own[TRAIN] /= together
            note += f"; {together} at once"
        parts += sum(own.values())
        rows.append(BenchRow("grid", name, sum(own.values()), "s", note))
    size = f"{len(cells)} cells of {settings.cases:,} cases, control of {settings.control_cases:,}"
    return [
        *rows,
        BenchRow("grid", "whole grid", seconds, "s", size),
        at_most("grid", "grid to its parts", seconds / parts, GRID_LIMIT, "x",
                "one sampling and the cells' own fits and evaluations"),
    ]  # fmt: skip
