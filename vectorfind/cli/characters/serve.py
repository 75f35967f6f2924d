"""`vectorfind serve`: characters for programs, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    GivenPath,
    device_option,
    quiet_option,
    setting,
    settings_from,
    settings_options,
    size_option,
)
from vectorfind.cli.process import Stopped
from vectorfind.studio.serving.settings import ServeSettings


@click.command(short_help="Answer programs with pictures of characters.")
@click.argument(
    "characters", type=GivenPath(), nargs=-1, required=True, metavar="CHARACTER|FOLDER…"
)
@setting(ServeSettings, "host", "Address to listen on; 0.0.0.0 for other machines, too.")
@setting(ServeSettings, "port", "Of it; 0 for any free one.", type=int)
@setting(ServeSettings, "rate", "Most requests a second of a client.", type=float)
@settings_options(
    ServeSettings,
    {
        "queue": "Most pictures that wait; more are answered by 503.",
        "workers": "Pictures drawn at once; one a core.",
    },
    type=int,
)
@setting(ServeSettings, "allow_origin", "Origin of pages that may read answers; none.", type=str)
@click.option("--generator", help="Where it is, if not where the characters say.")
@device_option
@size_option
@quiet_option
def serve(
    characters: tuple[Path, ...],
    generator: str | None,
    device: str | None,
    size: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Answers programs on this machine with pictures of characters, from files of `vectorfind pick`
    or folders of them, until it is stopped. Needs the extra `studio`.

    GET /characters tells what there is, GET /schema what may be asked, and
    GET /render?character=case-3&eyes=0.2&mouth=0.8 draws.

    \b
    Example:
      vectorfind serve demo/characters
      vectorfind serve case_0003.safetensors --port 8000 --rate 50
      vectorfind serve characters --allow-origin http://localhost:5173
    """
    from vectorfind.studio.serving.server import serving

    settings = settings_from(ServeSettings, options)

    def complain(line: str) -> None:
        click.echo(line, err=True)

    with serving(characters, settings, complain, generator, size, device) as running:
        if not quiet:
            click.echo(f"serving at {running.address} (Ctrl+C ends it)")
            for entry in running.endpoint.entries.values():
                click.echo(f"  {entry.id}: {', '.join(entry.character.properties)}")
        try:
            running.wait()
        except (KeyboardInterrupt, Stopped):
            pass
    if not quiet:
        sent = running.endpoint.sent
        click.echo(f"stopped: {sent:,} picture{' was' if sent == 1 else 's were'} sent")
