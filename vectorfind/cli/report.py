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
    from vectorfind.report_files import write_report

    written = write_report(source, out, overlays)
    for line in written.lines:
        click.echo(line)
    click.echo(f"report: {written.page}")
