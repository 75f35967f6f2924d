"""`vectorfind finetune report`: plots, verdict and page of fine-tuning runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    device_option,
    echo_report,
    json_option,
    out_option,
    property_cnn_option,
    quiet_option,
    setting,
)
from vectorfind.runs.finetune.settings import MeasureSettings


@click.command(short_help="Plots, verdict and page of runs.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@out_option("Folder for tables, figures and report.html.")
@click.option(
    "--directions",
    type=click.Path(path_type=Path),
    metavar="DIR_OR_CSV",
    help="A test of directions, or its test_statistics.csv, to compare labels with.",
)
@setting(
    MeasureSettings, "n", "Samples of base and run to put through the filter; 0 for none.", "-n"
)
@setting(MeasureSettings, "seed", "Of their latents.")
@setting(MeasureSettings, "batch_size", "Images a batch.")
@click.option(
    "--classifiers", default="default", show_default=True, help='Of the filter; "default" or file.'
)
@property_cnn_option
@device_option
@json_option
@quiet_option
def report(
    runs: tuple[Path, ...], out: Path, directions: Path | None, quiet: bool, **options: Any
) -> None:
    """Writes a report on RUNS, folders of fine-tuning runs, also unfinished ones.

    Runs with labels (v5) are judged by how far scores follow the labels; v1 and v9 by the share of
    samples that pass the filter and by the diversity of scores, against their base. A second
    report in the same folder measures only what is new.

    \b
    Example:
      vectorfind finetune report runs/v9 --out v9-report
      vectorfind finetune report runs/v5-1 runs/v5-2 runs/v5-3 --directions demo --out v5-report
    """
    from vectorfind.runs.finetune.report import write_finetune_report

    measured = MeasureSettings(**options)
    echo_report(write_finetune_report(runs, out, directions, measured, quiet=quiet))
