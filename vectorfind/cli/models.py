"""`vectorfind models`: makes the shipped models from nothing."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import device_option, out_option, quiet_option


@click.command(short_help="Make the shipped models from nothing.")
@device_option
@out_option("Folder for faces, checkpoints and logs; some gigabytes.")
@quiet_option
def models(out: Path, device: str | None, quiet: bool) -> None:
    """Makes all models that the package ships, with their cards, and puts them in its place.

    It takes hours on a CPU. Each step resumes where it was stopped; what is up to date is
    skipped.

    \b
    Example:
      vectorfind models --out runs/models
    """
    from vectorfind.folders import writable_folder
    from vectorfind.shipped import make_models

    writable_folder(out)
    log = (lambda line: None) if quiet else click.echo
    for path in make_models(out, device=device, log=log):
        click.echo(f"model: {path}")
