"""`vectorfind test`: find, evaluate, and a folder with all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    dtype_option,
    evaluate_options,
    find_options,
    model_options,
    out_option,
    overwrite_option,
    quiet_option,
    run_options,
    settings_from,
    store_option,
)
from vectorfind.config import EvaluateSettings, FindSettings


@click.command(short_help="Find, test on fresh cases and write a report.")
@find_options
@evaluate_options
@run_options
@dtype_option
@model_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for tables, figures and report.html; named after the settings if not given.",
)
@store_option
@overwrite_option
@quiet_option
def test(
    out: Path | None,
    store: Path | None,
    generator: str,
    scorer: str,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Finds directions, tests them on fresh cases and writes a report.

    An interrupted run goes on where it was when the same command is given again. Its samples
    stay in OUT/samples, or in --store, where other runs find them.

    \b
    Example:
      vectorfind test -n 4000 --cases 100 --layer mapping_split2 --method svm --out demo
      vectorfind test -n 160K --cases 2000 --method mixed --out ms1
    """
    find = settings_from(FindSettings, options)
    cases = settings_from(EvaluateSettings, options)
    find.validate()
    cases.validate(find.properties)
    from vectorfind.runs.test import run_test, summary_lines

    if out is None:
        told = options["layer"] is not None or generator == "default"  # else it suits the generator
        names = ["vectorfind", find.method, *([find.layer] if told else []), str(find.n)]
        out = Path("-".join(names))
    report = run_test(find, cases, out, generator, scorer, store, overwrite, quiet)
    for line in summary_lines(out):
        click.echo(line)
    click.echo(f"report: {report}")


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
    from vectorfind.runs.test import run_evaluate, summary_lines

    report = run_evaluate(
        directions, settings, out, generator, scorer, device, overwrite=overwrite, quiet=quiet
    )
    for line in summary_lines(out):
        click.echo(line)
    click.echo(f"report: {report}")
