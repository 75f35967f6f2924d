"""`vectorfind bench`: how fast the library runs here, and how much of the machine it uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.bench.settings import PARTS, BenchSettings
from vectorfind.cli.options import (
    Count,
    Names,
    device_option,
    model_options,
    quiet_option,
    settings_from,
)

_COUNT = Count()


def _size(*names: str, field: str, help: str, kind: Any = _COUNT) -> Any:
    default = getattr(BenchSettings, field)
    return click.option(*names, field, default=default, show_default=True, type=kind, help=help)


@click.command(short_help="Measure speed and memory on this machine.")
@_size("-n", field="n", help="Samples of the runs that are timed.")
@_size("--cases", field="cases", help="Cases of the runs, and of the grid's cells.")
@_size("--grid-n", field="grid_n", help="Samples of the grid of 3 layers x 2 methods.")
@_size("--training-n", field="training_n", help="Made-up samples that networks train on.")
@_size("--reference-n", field="reference_n", help="Samples of the run by the old protocol.")
@_size("--reference-cases", field="reference_cases", help="Cases of the run by the old protocol.")
@_size("--seconds", field="seconds", kind=float, help="To measure each rate for.")
@click.option(
    "--parts",
    type=Names(),
    default=",".join(PARTS),
    show_default=True,
    help="What to measure.",
)
@click.option(
    "--methods",
    type=Names(),
    default=",".join(BenchSettings.methods),
    show_default=True,
    help="Of which a run is timed.",
)
@click.option("--seed", type=int, default=BenchSettings.seed, show_default=True, help="Of a run.")
@click.option("--workers", type=int, help="Tasks at once; one a core.")
@device_option
@model_options
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for bench.csv and machine.json."
)
@quiet_option
def bench(out: Path | None, generator: str, scorer: str, quiet: bool, **options: Any) -> None:
    """Measures the library on this machine: rates, shares of the peak, stages of a run, memory,
    and the same work by the reference system's protocol.

    Nothing else should run meanwhile. With the defaults it takes some ten minutes on two cores.

    \b
    Example:
      vectorfind bench --out bench
      vectorfind bench -n 160K --cases 2000 --grid-n 40K --out bench-160K
    """
    settings = settings_from(BenchSettings, options)
    settings.validate()
    from property_cnn.common.folders import writable_folder
    from vectorfind.bench.machine import machine
    from vectorfind.bench.rows import bench_lines, write_bench
    from vectorfind.bench.suite import bench as measure
    from vectorfind.runs.record import versions

    if out is not None:
        writable_folder(out)

    def say(text: str) -> None:
        if not quiet:
            click.echo(f"measuring: {text}", err=True)

    rows = measure(settings, generator, scorer, say)
    for line in bench_lines(rows):
        click.echo(line)
    if out is not None:
        about = {"machine": machine(), "versions": versions()}
        click.echo(f"table: {write_bench(out, rows, about)}")
