"""`vectorfind report`, `compare`, `verify`: what the files of finished jobs say."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import (
    GivenPath,
    StorePlace,
    echo_report,
    echo_verified,
    json_option,
    overlay_option,
)


@click.command(short_help="Write a report from a run's files.")
@click.argument("source", type=click.Path(path_type=Path))
@overlay_option
@click.option(
    "--out",
    type=GivenPath(),
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


@click.command(short_help="Compare runs on the same cases.")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", type=GivenPath(), help="Folder for comparison.csv, plot and page.")
@json_option
def compare(a: Path, b: Path, more: tuple[Path, ...], out: Path | None) -> None:
    """Compares the runs A and B, folders or bare test_result.csv, case by case.

    With MORE of them each run has a row: passes, sum of |corr|, leak at equal change and identity,
    and the differences to A. All must have been tested on the same cases: the same number, seed
    and models.

    \b
    Example:
      vectorfind compare svm gradient
      vectorfind compare svm gradient --out svm-or-gradient
      vectorfind compare svm gradient mixed --out three
    """
    from vectorfind.runs.comparison import compare_several

    echo_report(compare_several((a, b, *more), out))


@click.command(short_help="Check every file of a run or store.")
@click.argument("folder", type=StorePlace())
@click.option("--json", "as_json", is_flag=True, help="Print all files and their states as JSON.")
def verify(folder: Path | str, as_json: bool) -> None:
    """Reads every file that a FOLDER lists and tells which are missing or altered.

    FOLDER is that of a test, a curve, a comparison, a report, a store of samples, a fine-tuning,
    or of images or students; folders in it are checked too. Files that no list names are told.
    The exit code is 1 where not all is finished and whole; the command that made the folder then
    makes it good.

    \b
    Example:
      vectorfind verify demo
      vectorfind verify samples --json
    """
    from property_cnn.jobs.verify import verify as verified

    echo_verified(verified(folder), as_json)
