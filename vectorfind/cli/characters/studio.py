"""`vectorfind studio`: a page in the browser where faces are driven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import GivenPath, device_option, generator_option, size_option


@click.command(short_help="Drive faces in the browser.")
@click.argument("given", required=False, type=GivenPath(), metavar="[RUN|DIRECTIONS|CHARACTER]")
@generator_option('"default", "base" or a checkpoint; that of what is given.', default=None)
@click.option("--scorer", help="That of what is given, or the default one.")
@size_option
@device_option
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for other machines.")
@click.option("--port", type=int, help="The first free one from 7860.")
@click.option(
    "--characters",
    type=GivenPath(),
    default=Path("characters"),
    show_default=True,
    help="Folder where characters are saved.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page, or print its address.")
def studio(
    given: Path | None,
    host: str,
    port: int | None,
    characters: Path,
    browser: bool,
    **networks: Any,
) -> None:
    """Shows faces in the browser: pick one, move its sliders and see what the scorer sees, dye its
    hair, compare, and keep it as a character or as pictures.

    Without arguments, the faces of the shipped generator under shipped directions. RUN is a folder
    of vectorfind test, DIRECTIONS an .npz, CHARACTER a .safetensors. Needs the extra `studio`.

    \b
    Example:
      vectorfind studio
      vectorfind studio demo
      vectorfind studio photos --size 256
      vectorfind studio characters/anna.safetensors --port 8000
    """
    from vectorfind.studio.server import check_extra, free_port, serve

    check_extra()
    free_port(host, port)
    from vectorfind.studio.opening import open_stage

    serve(open_stage(given, **networks), characters, host, port, browser, click.echo)
