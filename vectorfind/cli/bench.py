"""`vectorfind bench`: how fast the library runs here, and how much of the machine it uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.bench.settings import BenchSettings
from vectorfind.cli.options import (
    GivenPath,
    device_option,
    model_options,
    quiet_option,
    setting,
    settings_from,
    settings_options,
)


@click.command(short_help="Measure speed and memory on this machine.")
@setting(BenchSettings, "n", "Samples of the runs that are timed.", "-n")
@settings_options(
    BenchSettings,
    {
        "cases": "Cases of the runs, and of the grid's cells.",
        "grid_n": "Samples of the grid of 3 layers x 2 methods.",
        "training_n": "Made-up samples that networks train on.",
        "fit_n": "Samples of the run whose SVMs are timed.",
        "reference_n": "Samples of the run by the old protocol.",
        "reference_cases": "Cases of the run by the old protocol.",
        "practice_n": "Samples that InterFaceGAN's steps are taken on.",
        "pca_n": "Vectors that GANSpace's components are taken of.",
        "seconds": "To measure each rate for.",
        "parts": "What to measure.",
        "methods": "Of which a run is timed.",
        "seed": "Of a run.",
    },
)
@setting(BenchSettings, "workers", "Tasks at once; one a core.", type=int)
@device_option
@model_options
@click.option("--out", type=GivenPath(), help="Folder for bench.csv and machine.json.")
@quiet_option
def bench(out: Path | None, generator: str, scorer: str, quiet: bool, **options: Any) -> None:
    """Measures the library on this machine: rates, shares of the peak, stages of a run, memory,
    and the same work by the reference system's protocol, by InterFaceGAN's steps and GANSpace's.

    Nothing else should run meanwhile. With the defaults it takes some ten minutes on two cores.

    \b
    Example:
      vectorfind bench --out bench
      vectorfind bench -n 160K --cases 2000 --grid-n 40K --out bench-160K
    """
    settings = settings_from(BenchSettings, options)
    from vectorfind.bench.machine import machine
    from vectorfind.bench.rows import bench_folder, bench_lines, write_bench
    from vectorfind.bench.suite import bench as measure
    from vectorfind.runs.describe import versions

    def say(text: str) -> None:
        if not quiet:
            click.echo(f"measuring: {text}", err=True)

    with bench_folder(out) as folder:
        rows = measure(settings, generator, scorer, say)
        for line in bench_lines(rows):
            click.echo(line)
        if folder is not None:
            about = {"machine": machine(), "versions": versions()}
            click.echo(f"table: {write_bench(folder, rows, about)}")
