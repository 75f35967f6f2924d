"""`vectorfind evaluate`: the image-generation test of directions from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    evaluate_options,
    model_options,
    out_option,
    overwrite_option,
    quiet_option,
    run_options,
    settings_from,
)
from vectorfind.config import EvaluateSettings


@click.command(short_help="Test directions from a file and write a report.")
@click.argument("directions", type=click.Path(path_type=Path))
@evaluate_options
@run_options
@model_options
@out_option("Folder for tables, figures and report.html.")
@overwrite_option
@quiet_option
def evaluate(
    directions: Path,
    out: Path,
    generator: str,
    scorer: str,
    device: str | None,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Tests the DIRECTIONS in an .npz file on fresh cases and writes a report.

    \b
    Example:
      vectorfind evaluate demo/directions.npz --cases 500 --seed 1 --out demo-500
    """
    settings = settings_from(EvaluateSettings, options)
    settings.validate()
    from vectorfind.runs import run_evaluate, summary_lines

    report = run_evaluate(
        directions, settings, out, generator, scorer, device, overwrite=overwrite, quiet=quiet
    )
    for line in summary_lines(out):
        click.echo(line)
    click.echo(f"report: {report}")
