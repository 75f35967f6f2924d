"""The grid of layers and methods from one store of samples, against the sum of its parts."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from joblib import cpu_count

from vectorfind.bench.rows import BenchRow, at_most
from vectorfind.bench.settings import BenchSettings
from vectorfind.config import CurveSettings
from vectorfind.models.pair import Models
from vectorfind.runs.curve import CELLS, run_curve
from vectorfind.runs.folder import read_timings

TRAIN = "train"
"""The stage of a cell that several share the machine in, where networks are trained."""

LIMIT = 1.1
"""Most times that the grid may take what one sampling and its cells take."""


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
        at_most("grid", "grid to its parts", seconds / parts, LIMIT, "x",
                "one sampling and the cells' own fits and evaluations"),
    ]  # fmt: skip
