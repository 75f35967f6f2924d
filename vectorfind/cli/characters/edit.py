"""`vectorfind edit`: images changed by given amounts, as PNG or as an animation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from property_cnn.common.checks import named_once
from vectorfind.characters.settings import OMBRE, EditSettings
from vectorfind.cli.characters.values import assignment, dye_options, number_options
from vectorfind.cli.options import (
    GivenPath,
    Numbers,
    condition_option,
    device_option,
    model_options,
    seed_option,
    setting,
    settings_options,
    size_option,
)

_STRENGTHS = {
    "eyes": "Strength: above 0 opens them, below closes them.",
    "mouth": "Strength: above 0 opens it, below closes it.",
    "pose": "Strength: above 0 turns right, below left.",
}


@click.command(short_help="Edit images with directions from a file.")
@click.argument("directions", type=click.Path(path_type=Path))
@number_options(_STRENGTHS)
@condition_option
@click.option("--set", "others", multiple=True, metavar="NAME=STRENGTH", help="Other properties.")
@click.option(
    "--latents", type=click.Path(path_type=Path), help="File with z and label, .npz; else drawn."
)
@setting(EditSettings, "count", "Images to edit.", "-n")
@seed_option
@device_option
@model_options
@click.option("--out", type=GivenPath(), help="A .png for a sheet, or a folder for images.")
@dye_options
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
@settings_options(
    EditSettings, {"frames": "Of the animation's way there.", "rate": "Frames a second."}
)
@setting(
    EditSettings,
    "steps",
    "Of each edit, directions taken anew before each; one, or four to a target.",
    type=int,
)
@setting(EditSettings, "target", "Edit until the scorer sees the strengths, in as many steps.")
@click.option(
    "--by",
    type=Numbers(),
    metavar="NAME=CHANGE,…",
    help="Targets: changes of scores, as yaw=20 for 20 degrees.",
)
@click.option(
    "--to", type=Numbers(), metavar="NAME=SCORE,…", help="Targets: scores to end at, as yaw=-20."
)
@size_option
def edit(
    directions: Path,
    out: Path | None,
    animate: Path | None,
    sweeps: tuple[str, ...],
    others: tuple[str, ...],
    by: dict[str, float] | None,
    to: dict[str, float] | None,
    **options: Any,
) -> None:
    """Edits images with the DIRECTIONS in an .npz file, or in a run's folder; strengths of -2 to 2
    are usual.

    A sheet shows the unedited images above the edited ones. An animation goes there and back.
    The dye needs the hair segmenter; what of it is not given is sky blue, 0.6 and 0.5.

    \b
    Example:
      vectorfind edit demo/directions.npz --eyes 1.2 --mouth -0.9 --out edited.png
      vectorfind edit demo/directions.npz --latents demo/latents.npz --pose 1 --out edited
      vectorfind edit photos --generator mobilestylegan --scorer landmarks --to yaw=0 --out f.png
      vectorfind edit demo/directions.npz --ombre-color 0.9 --ombre-height 0.7 --out dyed.png
      vectorfind edit demo/directions.npz --animate turn.gif --sweep pose=-1.8:0.6 --rate 15
    """
    numbers = {name: options.pop(name.replace("-", "_")) for name in (*_STRENGTHS, *OMBRE)}
    given = {name: value for name, value in numbers.items() if value is not None}
    pairs = [(name, value) for name, value in given.items() if name in _STRENGTHS]
    strengths = named_once("strength", [*pairs, *map(assignment, others)])
    from vectorfind.characters.pictures import Look, write_edits

    dye = {name: value for name, value in given.items() if name in OMBRE}
    look = Look(strengths, dye, by or {}, to or {})
    write_edits(directions, out, look, animate, sweeps, **options)
    if out is not None:
        click.echo(f"images: {out}")
    if animate is not None:
        click.echo(f"animation: {animate}")
