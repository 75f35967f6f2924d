"""`vectorfind test`: find, evaluate, and a folder with all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    GivenPath,
    Names,
    condition_option,
    dtype_option,
    echo_report,
    engine_option,
    evaluate_options,
    find_options,
    json_option,
    model_options,
    out_option,
    overwrite_option,
    quiet_option,
    run_options,
    settings_from,
    store_option,
    strengths_option,
)
from vectorfind.config import EvaluateSettings, FindSettings


@click.command(short_help="Find, test on fresh cases and write a report.")
@find_options
@evaluate_options
@condition_option
@run_options
@dtype_option
@model_options
@click.option(
    "--out",
    type=GivenPath(),
    help="Folder for tables, figures and report.html; named after the settings if not given.",
)
@store_option
@overwrite_option
@json_option
@quiet_option
@engine_option
def test(
    out: Path | None,
    store: Path | str | None,
    generator: str,
    scorer: str,
    judges: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Finds directions, tests them on fresh cases and writes a report.

    An interrupted run goes on where it was when the same command is given again. Its samples
    stay in OUT/samples, or in --store, where other runs find them.

    \b
    Example:
      vectorfind test -n 4000 --cases 100 --layer mapping_split2 --method svm --out svm-4k
      vectorfind test -n 160K --cases 2000 --method mixed --out ms1
    """
    find = settings_from(FindSettings, options)
    cases = settings_from(EvaluateSettings, options)
    from vectorfind.runs.test import run_test

    out = _default_folder(find, generator) if out is None else out
    report = run_test(
        find, cases, out, generator, scorer, store, overwrite, quiet, judges, options["conditions"]
    )
    echo_report(report)


def _default_folder(find: FindSettings, generator: str) -> Path:
    """A folder named after the settings; without a layer that only the generator can tell."""
    from vectorfind.methods.registry import method_named

    own = method_named(find.method).layer if generator == "default" else None
    layer = find.layer or own
    names = ["vectorfind", find.method, *([layer] if layer else []), str(find.n)]
    return Path("-".join(names))


@click.command(short_help="Test directions from a file and write a report.")
@click.argument("directions", type=click.Path(path_type=Path))
@click.option("--properties", type=Names(), help="Which of its properties to test; all of them.")
@strengths_option
@evaluate_options
@condition_option
@run_options
@model_options
@out_option("Folder for tables, figures and report.html.")
@overwrite_option
@json_option
@quiet_option
@engine_option
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
    """Tests the DIRECTIONS in an .npz file, or a run's folder, on fresh cases and writes a report.

    \b
    Example:
      vectorfind evaluate demo/directions.npz --cases 500 --seed 1 --out demo-500
      vectorfind evaluate demo/directions.npz --properties eyes,pose --out demo-eyes
    """
    settings = settings_from(EvaluateSettings, options)
    from vectorfind.runs.test import run_evaluate

    report = run_evaluate(
        directions,
        settings,
        out,
        generator,
        scorer,
        device,
        overwrite,
        quiet,
        options["judges"],
        options["conditions"],
        options["properties"],
    )
    echo_report(report)
