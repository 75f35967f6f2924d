"""`vectorfind compare`: two runs on the same cases, case by case."""

from __future__ import annotations

from pathlib import Path

import click


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
    from vectorfind.comparison import compare_files, comparison_lines, write_comparison

    table, notes = compare_files(a, b)
    page = write_comparison(a, b, table, out) if out is not None else None
    for line in comparison_lines(table):
        click.echo(line)
    for note in notes:
        click.echo(f"note: {note}")
    if page is not None:
        click.echo(f"report: {page}")
