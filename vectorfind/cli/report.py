"""`vectorfind report`: the page and the statistics from files."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import out_option, overlay_option


@click.command(short_help="Write a report from a run's files.")
@click.argument("source", type=click.Path(path_type=Path))
@overlay_option
@out_option("Folder for tables, figures and report.html.")
def report(source: Path, out: Path, overlays: tuple[Path, ...]) -> None:
    """Writes a report from SOURCE, without measuring anything again.

    SOURCE is a run's folder, a bare test_result.csv, an n-curve's CSV or a folder of such; ours or
    the reference system's.

    \b
    Example:
      vectorfind report demo --out demo-report
      vectorfind report test_result.csv --out report
      vectorfind report curve --overlay reference/ncurve --out curve-report
    """
    from vectorfind.runs.report_files import write_report

    written = write_report(source, out, overlays)
    for line in written.lines:
        click.echo(line)
    click.echo(f"report: {written.page}")


@click.command(short_help="Compare two runs on the same cases.")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for comparison.csv, plot and page."
)
def compare(a: Path, b: Path, out: Path | None) -> None:
    """Compares the runs A and B, folders or bare test_result.csv, case by case.

    Both must have been tested on the same cases: the same number, seed and models.

    \b
    Example:
      vectorfind compare svm gradient
      vectorfind compare svm gradient --out svm-or-gradient
    """
    from vectorfind.runs.comparison import compare_files, comparison_lines, write_comparison

    table, notes = compare_files(a, b)
    page = write_comparison(a, b, table, out) if out is not None else None
    for line in comparison_lines(table):
        click.echo(line)
    for note in notes:
        click.echo(f"note: {note}")
    if page is not None:
        click.echo(f"report: {page}")
