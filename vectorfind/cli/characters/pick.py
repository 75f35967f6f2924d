"""`vectorfind pick`: from a run's cases to characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    Count,
    Counts,
    device_option,
    echo_json,
    json_option,
    quiet_option,
    size_option,
    wants_json,
)


@click.command(short_help="Choose cases of a run, and make characters of them.")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=Counts(),
    default=(),
    metavar="CASE,…",
    help="Cases to make characters of; none writes the contact sheet.",
)
@click.option(
    "-n", "count", type=Count(), default=48, show_default=True, help="Most cases on the sheet."
)
@click.option("--failed", is_flag=True, help="Show cases that did not pass, too.")
@click.option("--generator", help="Where it is, if not where the run's command says.")
@click.option("--scorer", help="The run's, if its command does not say.")
@device_option
@size_option
@click.option("--overwrite", is_flag=True, help="Make characters again that are there.")
@quiet_option
@json_option
def pick(run: Path, keep: tuple[int, ...], **options: Any) -> None:
    """Ranks the cases of a RUN that passed, and writes a contact sheet to choose from; with --keep,
    makes a character of each case that was chosen.

    \b
    Example:
      vectorfind pick demo                   # then open demo/contact_sheet.html
      vectorfind pick demo --keep 3,17       # demo/characters/case_0003.safetensors, …
    """
    from vectorfind.characters.picking.picks import pick as job

    picks = job(run, keep, **options)
    if wants_json():
        files = [str(path) for path in picks.files]
        page = None if picks.page is None else str(picks.page)
        echo_json({"contact_sheet": page, "characters": files, "lines": picks.lines})
        return
    for line in (*picks.lines, *(f"character: {path}" for path in picks.files)):
        click.echo(line)
    if picks.page is not None:
        click.echo(f"contact sheet: {picks.page}")
