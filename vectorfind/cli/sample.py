"""`vectorfind sample`: latents, mid vectors and scores to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    dtype_option,
    model_options,
    n_option,
    out_option,
    quiet_option,
    run_options,
    settings_from,
)
from vectorfind.config import FindSettings


@click.command(short_help="Write samples: latents, vectors, scores.")
@n_option
@run_options
@dtype_option
@model_options
@out_option("File for the samples, .npz.")
@quiet_option
def sample(out: Path, generator: str, scorer: str, quiet: bool, **options: Any) -> None:
    """Samples latents and writes them with their vectors at every layer and their scores.

    The file holds z, label, scores, properties, readable and mid_LAYER for each layer.

    \b
    Example:
      vectorfind sample -n 10K --seed 1 --out samples.npz
    """
    settings = settings_from(FindSettings, options)
    settings.validate()
    from vectorfind.exports import write_samples

    path = write_samples(settings, out, generator, scorer, quiet=quiet)
    click.echo(f"samples: {path}")
