"""`vectorfind edit`: images changed by given amounts, as PNG or as an animation."""

from __future__ import annotations

from pathlib import Path

import click

from property_cnn.common.errors import InputError
from vectorfind.cli.options import device_option, model_options, seed_option


@click.command(short_help="Edit images with directions from a file.")
@click.argument("directions", type=click.Path(path_type=Path))
@click.option("--eyes", type=float, help="Strength: above 0 opens them, below closes them.")
@click.option("--mouth", type=float, help="Strength: above 0 opens it, below closes it.")
@click.option("--pose", type=float, help="Strength: above 0 turns right, below left.")
@click.option("--set", "others", multiple=True, metavar="NAME=STRENGTH", help="Other properties.")
@click.option(
    "--latents", type=click.Path(path_type=Path), help="File with z and label, .npz; else drawn."
)
@click.option("--count", default=4, show_default=True, help="Images to edit.")
@seed_option
@device_option
@model_options
@click.option(
    "--out", type=click.Path(path_type=Path), help="A .png for a sheet, or a folder for images."
)
@click.option("--ombre-color", type=float, help="Hue of dyed hair: 0 red, 0.5 sky blue, 0.9 pink.")
@click.option("--ombre-height", type=float, help="Share of the hair that is dyed, from below.")
@click.option("--ombre-grad-height", type=float, help="Share of that over which the dye sets in.")
@click.option(
    "--animate", type=click.Path(path_type=Path), metavar="FILE.gif", help="Write an animation."
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=FROM:TO",
    help="What changes in it, e.g. mouth=-1.8:1.8; all that is given, from 0, if none is named.",
)
@click.option("--frames", default=24, show_default=True, help="Of the animation's way there.")
@click.option("--rate", default=12.0, show_default=True, help="Frames a second.")
def edit(
    directions: Path,
    out: Path | None,
    ombre_color: float | None,
    ombre_height: float | None,
    ombre_grad_height: float | None,
    animate: Path | None,
    sweeps: tuple[str, ...],
    frames: int,
    rate: float,
    others: tuple[str, ...],
    latents: Path | None,
    count: int,
    seed: int,
    device: str | None,
    generator: str,
    scorer: str,
    **controlled: float | None,
) -> None:
    """Edits images with the DIRECTIONS in an .npz file; strengths of -2 to 2 are usual.

    A sheet shows the unedited images above the edited ones. An animation goes there and back.
    The dye needs the hair segmenter; what of it is not given is sky blue, 0.6 and 0.5.

    \b
    Example:
      vectorfind edit demo/directions.npz --eyes 1.2 --mouth -0.9 --out edited.png
      vectorfind edit demo/directions.npz --latents demo/latents.npz --pose 1 --out edited
      vectorfind edit demo/directions.npz --ombre-color 0.9 --ombre-height 0.7 --out dyed.png
      vectorfind edit demo/directions.npz --animate turn.gif --sweep pose=-1.8:0.6 --rate 15
    """
    strengths = {name: value for name, value in controlled.items() if value is not None}
    strengths |= dict(_assignment(text) for text in others)
    dye = {
        "ombre-color": ombre_color,
        "ombre-height": ombre_height,
        "ombre-grad-height": ombre_grad_height,
    }
    given = {name: value for name, value in dye.items() if value is not None}
    from vectorfind.editing.pictures import Look, write_edits

    look, networks = Look(strengths, given), (generator, scorer, device)
    write_edits(
        directions, out, look, animate, sweeps, frames, rate, latents, seed, count, *networks
    )
    if out is not None:
        click.echo(f"images: {out}")
    if animate is not None:
        click.echo(f"animation: {animate}")


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise InputError(f"--set {text!r} is not NAME=STRENGTH, as in hairstyle=1.5") from error
