"""`vectorfind curve`: corr-coefs against the number of samples, for methods and layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    Count,
    Names,
    batch_option,
    cases_option,
    device_option,
    dtype_option,
    echo_report,
    engine_option,
    group_by_option,
    json_option,
    loading_options,
    model_options,
    out_option,
    overlay_option,
    overwrite_option,
    properties_option,
    quiet_option,
    seed_option,
    setting,
    settings_from,
    store_option,
    workers_option,
)
from vectorfind.config import LAYERS, CurveSettings


@click.command(short_help="Corr-coefs against n, for methods and layers.")
@setting(CurveSettings, "n", "Numbers of samples, rising.", "-n")
@setting(CurveSettings, "methods", "Of them.")
@setting(
    CurveSettings,
    "layers",
    f"Each with each method; {','.join(LAYERS)} or all that the generator has.",
    type=Names(),
)
@properties_option
@group_by_option
@cases_option
@setting(CurveSettings, "control_cases", "Cases for random directions, at most.", type=Count())
@loading_options
@workers_option
@seed_option
@batch_option
@device_option
@dtype_option
@model_options
@overlay_option
@out_option("Folder for n_curve.csv, the plots and report.html.")
@store_option
@overwrite_option
@json_option
@quiet_option
@engine_option
def curve(
    out: Path,
    store: Path | str | None,
    generator: str,
    scorer: str,
    overlays: tuple[Path, ...],
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Finds and tests directions for every method, layer and number of samples.

    All of them come from one sampling; an interrupted curve goes on where it was when the same
    command is given again.

    \b
    Example:
      vectorfind curve --out curve
      vectorfind curve -n 4K,8K --layers w --overlay reference/ncurve --out curve
      vectorfind curve --generator model.pkl --layers w,w+4-7 --psi 0.7 --out curve
    """
    from vectorfind.runs.curve import run_curve

    settings = settings_from(CurveSettings, options)
    echo_report(run_curve(settings, out, generator, scorer, store, overlays, overwrite, quiet))
