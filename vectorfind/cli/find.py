"""`vectorfind find`: directions to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    GivenPath,
    dtype_option,
    find_options,
    loading_options,
    model_options,
    n_option,
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
    from vectorfind.runs.samples import fit_lines, write_directions

    path, directions = write_directions(settings, out, generator, scorer, quiet, store)
    for line in fit_lines(directions):
        click.echo(line)
    click.echo(f"directions: {path}")


@click.command(short_help="Write samples: latents, vectors, scores.")
@n_option
@loading_options
@run_options
@dtype_option
@model_options
@click.option("--out", type=GivenPath(), help="File for the samples, .npz.")
@store_option
@quiet_option
def sample(
    out: Path | None,
    store: Path | None,
    generator: str,
    scorer: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Samples latents and writes them with their vectors at every layer and their scores.

    To one file: z, label, scores, properties, readable and latents_LAYER for each layer. Or to a
    store, a folder of shards, in constant memory: it goes on where it was stopped, can grow, and
    runs and curves with the same models and seed find it.

    \b
    Example:
      vectorfind sample -n 10K --seed 1 --out samples.npz
      vectorfind sample -n 160K --store samples
    """
    settings = settings_from(FindSettings, options)
    if (out is None) == (store is None):
        raise click.UsageError("give either --out, a file, or --store, a folder")
    from vectorfind.runs.samples import store_samples, write_samples

    if store is not None:
        stored = store_samples(settings, store, generator, scorer, quiet=quiet)
        click.echo(f"samples: {len(stored):,} in {store}")
        return
    path = write_samples(settings, out, generator, scorer, quiet=quiet)
    click.echo(f"samples: {path}")
