"""`vectorfind find`: directions to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    dtype_option,
    find_options,
    model_options,
    out_option,
    quiet_option,
    run_options,
    settings_from,
    store_option,
)
from vectorfind.config import FindSettings


@click.command(short_help="Find directions and write them to a file.")
@find_options
@run_options
@dtype_option
@model_options
@out_option("File for the directions, .npz.")
@store_option
@quiet_option
def find(
    out: Path, store: Path | None, generator: str, scorer: str, quiet: bool, **options: Any
) -> None:
    """Finds directions and writes them to one file.

    \b
    Example:
      vectorfind find -n 8000 --layer w --method gradient --out directions.npz
      vectorfind find --generator ffhq.pkl --layer w+4-7 --psi 0.7 --out directions.npz
    """
    settings = settings_from(FindSettings, options)
    settings.validate()
    from vectorfind.exports import fit_lines, write_directions

    path, directions = write_directions(settings, out, generator, scorer, quiet, store)
    for line in fit_lines(directions):
        click.echo(line)
    click.echo(f"directions: {path}")
