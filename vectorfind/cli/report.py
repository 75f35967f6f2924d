"""`vectorfind report`: the page and the statistics from files."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import echo_report, json_option, overlay_option


@click.command(short_help="Write a report from a run's files.")
@click.argument("source", type=click.Path(path_type=Path))
@overlay_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the page, and for tables and figures made for it; SOURCE if not given.",
)
@json_option
def report(source: Path, out: Path | None, overlays: tuple[Path, ...]) -> None:
    """Writes a report from SOURCE, without measuring anything again.

    SOURCE is the folder of a run, a curve, a comparison or a report on fine-tuning, whose own page
    is made again if no other folder is given; or a bare test_result.csv, an n-curve's CSV or a
    folder of such, ours or the reference system's.

    \b
    Example:
      vectorfind report demo
      vectorfind report test_result.csv --out report
      vectorfind report curve --overlay reference/ncurve --out curve-report
    """
    from vectorfind.runs.report import write_report

    echo_report(write_report(source, out, overlays))


@click.command(short_help="Compare two runs on the same cases.")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for comparison.csv, plot and page."
)
@json_option
def compare(a: Path, b: Path, out: Path | None) -> None:
    """Compares the runs A and B, folders or bare test_result.csv, case by case.

    Both must have been tested on the same cases: the same number, seed and models.

    \b
    Example:
      vectorfind compare svm gradient
      vectorfind compare svm gradient --out svm-or-gradient
    """
    from vectorfind.runs.comparison import compare_runs

    echo_report(compare_runs(a, b, out))
