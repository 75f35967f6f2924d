"""`vectorfind edit`: images changed by given amounts, as PNG."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import device_option, model_options, out_option, seed_option
from vectorfind.errors import InputError


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
@out_option("A .png for one sheet, or a folder for one file an image.")
def edit(
    directions: Path,
    out: Path,
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

    A sheet shows the unedited images above the edited ones.

    \b
    Example:
      vectorfind edit demo/directions.npz --eyes 1.2 --mouth -0.9 --out edited.png
      vectorfind edit demo/directions.npz --latents demo/latents.npz --pose 1 --out edited
    """
    strengths = {name: value for name, value in controlled.items() if value is not None}
    strengths |= dict(_assignment(text) for text in others)
    if not strengths:
        raise InputError("nothing to edit; give --eyes, --mouth, --pose or --set NAME=STRENGTH")
    from vectorfind.exports import write_edits

    paths = write_edits(directions, out, strengths, latents, seed, count, generator, scorer, device)
    click.echo(f"images: {paths[0] if len(paths) == 1 else out}")


def _assignment(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as error:
        raise InputError(f"--set {text!r} is not NAME=STRENGTH, as in hairstyle=1.5") from error
