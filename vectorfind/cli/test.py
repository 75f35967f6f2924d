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
)
from vectorfind.config import EvaluateSettings, FindSettings


@click.command(short_help="Find, test on fresh cases and write a report.")
@find_options
@evaluate_options
@run_options
@dtype_option
@model_options
@out_option("Folder for tables, figures and report.html.")
@overwrite_option
@quiet_option
def test(
    out: Path, generator: str, scorer: str, overwrite: bool, quiet: bool, **options: Any
) -> None:
    """Finds directions, tests them on fresh cases and writes a report.

    An interrupted run goes on where it was when the same command is given again.

    \b
    Example:
      vectorfind test -n 4000 --cases 100 --layer mapping_split2 --method svm --out demo
      vectorfind test -n 160K --cases 2000 --layer mapping_split1 --method mixed --out ms1
    """
    find = settings_from(FindSettings, options)
    cases = settings_from(EvaluateSettings, options)
    find.validate()
    cases.validate(find.properties)
    from vectorfind.runs import run_test, summary_lines

    report = run_test(find, cases, out, generator, scorer, overwrite=overwrite, quiet=quiet)
    for line in summary_lines(out):
        click.echo(line)
    click.echo(f"report: {report}")
