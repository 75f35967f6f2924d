"""`vectorfind invert`: a photograph brought into a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.characters.inversion.settings import LAYERS, InvertSettings
from vectorfind.cli.options import (
    choice,
    device_option,
    echo_json,
    generator_option,
    json_option,
    loading_options,
    out_option,
    overwrite_option,
    quiet_option,
    scorer_option,
    seed_option,
    setting,
    settings_from,
    settings_options,
    wants_json,
)


@click.command(short_help="Bring a photograph into a generator.")
@click.argument("photo", type=click.Path(path_type=Path))
@generator_option('"mobilestylegan" or a checkpoint.', default="mobilestylegan")
@out_option("Folder for inversion.npz and pictures.")
@setting(
    InvertSettings,
    "layer",
    "Where the photograph is sought at last; w+ where the generator has it.",
    **choice(LAYERS),
)
@settings_options(
    InvertSettings,
    {
        "steps": "Gradients of images; each takes about four times as long as an image.",
        "starts": "Random latents, of which the nearest is tried beside the mean.",
    },
)
@click.option(
    "--align/--no-align",
    default=None,
    help="Cut the face out as generators of faces know it, or take the picture as it is; by "
    "default cut out for generators of photographs, once landmarks were fetched.",
)
@setting(InvertSettings, "face", "Which of several faces, by falling size.", type=int)
@click.option(
    "--directions",
    type=click.Path(path_type=Path),
    help="Directions found at w or w+: the first three are shown on what was found, and all become "
    "sliders of a character.",
)
@scorer_option
@loading_options
@seed_option
@device_option
@overwrite_option
@json_option
@quiet_option
def invert(
    photo: Path,
    generator: str,
    out: Path,
    directions: Path | None,
    scorer: str,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Finds the latents whose image comes nearest to PHOTO: in w, then with a w of its own for each
    layer, w+. Goes on where it was stopped.

    Tells how far the images are from the photograph, and how usual the latents are. The scorer is
    that of the directions.

    \b
    Example:
      vectorfind invert me.jpg --out me      # after vectorfind fetch mobilestylegan, landmarks
      vectorfind invert me.jpg --out me --directions photos --scorer landmarks --overwrite
    """
    from vectorfind.characters.inversion.job import CHARACTER, FILE, PICTURE, invert
    from vectorfind.characters.inversion.measures import NAMES

    found = invert(
        photo,
        generator,
        out,
        settings_from(InvertSettings, options),
        directions=directions,
        scorer=scorer,
        overwrite=overwrite,
        quiet=quiet,
    )
    if wants_json():
        echo_json({"latents": str(out / FILE), "layer": found.layer, "distances": found.distances})
        return
    for layer, distances in found.distances.items():
        for name, value in distances.items():
            click.echo(f"{layer}: {NAMES[name]}: {value:.3g}")
    click.echo(f"latents: {out / FILE}")
    click.echo(f"picture: {out / PICTURE}")
    if directions is not None and (out / CHARACTER).is_file():
        click.echo(f"character: {out / CHARACTER}")
