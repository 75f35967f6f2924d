"""`vectorfind layers`: which layers of w+ carry a property."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    Count,
    device_option,
    model_options,
    out_option,
    quiet_option,
    seed_option,
)


@click.command(short_help="Tell which layers carry a property.")
@click.argument("directions", type=click.Path(path_type=Path))
@click.option("-n", "count", type=Count(), default=32, show_default=True, help="Faces.")
@click.option("--block", type=Count(), default=1, show_default=True, help="Layers moved at a time.")
@seed_option
@device_option
@model_options
@out_option("Folder for layers.csv and layers.png.")
@quiet_option
def layers(directions: Path, out: Path, **options: Any) -> None:
    """Applies DIRECTIONS of w or w+ to some layers of synthesis at a time and scores the images.

    \b
    Example:
      vectorfind layers directions.npz --block 2 --out layers
    """
    from vectorfind.characters.layers import layer_lines, write_layers

    for line in layer_lines(write_layers(directions, out, **options)):
        click.echo(line)
    click.echo(f"layers: {out}")
