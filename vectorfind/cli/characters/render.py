"""`vectorfind render`: a character as a picture, a film, or frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from property_cnn.common.checks import named_once
from vectorfind.characters.settings import BETWEEN, RATE
from vectorfind.cli.characters.values import assignment, dye_options, number_options
from vectorfind.cli.options import device_option, out_option, quiet_option, size_option

_SLIDERS = {
    "eyes": "Slider from -1, closed, to 1, open.",
    "mouth": "Slider from -1, closed, to 1, open.",
    "pose": "Slider from -1, left, to 1, right.",
    "yaw": "The same of photographs.",
}


@click.command(short_help="Draw a character, or what it does in a script.")
@click.argument("character", type=click.Path(path_type=Path))
@number_options(_SLIDERS)
@click.option("--set", "others", multiple=True, metavar="NAME=SLIDER", help="Other sliders.")
@dye_options
@click.option(
    "--script",
    type=click.Path(path_type=Path),
    help="A CSV: time in seconds, and a column a slider.",
)
@click.option(
    "--between",
    type=click.Choice(BETWEEN),
    default=BETWEEN[0],
    show_default=True,
    help="What is between two rows of a script; rows: each is a frame.",
)
@click.option("--rate", type=float, default=RATE, show_default=True, help="Frames a second.")
@click.option("--generator", help="Where the character's generator is, if not where it says.")
@device_option
@size_option
@quiet_option
@out_option("A .png, .jpg or .webp; of a script a .gif, an .mp4, or a folder of frames.")
def render(character: Path, out: Path, others: tuple[str, ...], **options: Any) -> None:
    """Draws the CHARACTER in a file that `vectorfind pick` made. Sliders run from -1 to 1, from
    one end of what this face can do to the other; one that is left out stays as the face is.

    \b
    Example:
      vectorfind render case_0003.safetensors --eyes 0.2 --mouth 0.8 --pose -0.3 --out anna.png
      vectorfind render case_0003.safetensors --script hello.csv --between eased --out hello.mp4
    """
    named = [(name, options.pop(name)) for name in _SLIDERS]
    given = [(name, value) for name, value in named if value is not None]
    values = named_once("slider", [*given, *map(assignment, others)])
    for name in ("ombre_color", "ombre_height", "ombre_grad_height"):
        value = options.pop(name)
        values |= {} if value is None else {name: value}
    from vectorfind.characters.rendering.files import write_render

    files = write_render(character, out, values, **options)
    still = options["script"] is None
    click.echo(f"{'picture' if still else 'film' if files == [out] else 'frames'}: {out}")
