"""`vectorfind scorer`: scorers that learn from a teacher on a generator's images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    Count,
    command_line,
    device_option,
    echo_json,
    generator_option,
    json_option,
    loading_options,
    out_option,
    overwrite_option,
    quiet_option,
    seed_option,
    setting,
    settings_from,
    settings_options,
    store_option,
    wants_json,
    workers_option,
)
from vectorfind.models.training.settings import IMAGES, ScorerTraining

_generator_option = generator_option('"default", "base", "mobilestylegan" or a checkpoint.')


@click.group(short_help="Train a scorer on a generator's images.")
def scorer() -> None:
    """Trains small networks that tell of a generator's images what a slow teacher tells, or a table
    of scores. `--scorer` of all commands takes them.

    \b
    Example:
      vectorfind scorer train --generator mobilestylegan --size 256 --teacher landmarks --out fast
      vectorfind test --generator mobilestylegan --size 256 --scorer fast --layer w --group-by= \\
          --properties eyes,mouth,yaw --out photos
    """


@scorer.command(short_help="Train a scorer.")
@_generator_option
@click.option(
    "--teacher",
    default="landmarks",
    show_default=True,
    help='"landmarks", "iris", "default", a scorer\'s file, or a .csv of scores.',
)
@setting(
    ScorerTraining,
    "n",
    f"Images to learn from; {IMAGES // 1000}K, or as many as a .csv names.",
    "-n",
    type=Count(),
)
@seed_option
@settings_options(
    ScorerTraining,
    {
        "epochs": "Passes over the images.",
        "lr": "Highest learning rate.",
        "width": "Channels of the first convolutions.",
    },
)
@setting(ScorerTraining, "resolution", "Side that images are read at; theirs, to 256.", type=int)
@click.option(
    "--mirror/--no-mirror",
    default=None,
    help="Mirror half of the images; where it is known how all scores then change.",
)
@loading_options
@store_option
@workers_option
@device_option
@out_option("Folder for scorer.safetensors, its card and the images.")
@overwrite_option
@json_option
@quiet_option
def train(
    generator: str,
    teacher: str,
    out: Path,
    store: Path | str | None,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Makes images, has the teacher score them, trains a property CNN on them and measures it on a
    tenth of them that was held out. Resumes where it was stopped.

    A .csv has a first column `image` with the names of the files of `vectorfind scorer images`, or
    their numbers, and a column a property. Empty cells are images that could not be read.

    \b
    Example:
      vectorfind scorer train --generator mobilestylegan --size 256 --teacher landmarks --out fast
    """
    from vectorfind.models.training.training import train_scorer

    trained = train_scorer(
        generator,
        teacher,
        out,
        settings_from(ScorerTraining, options),
        store=store,
        overwrite=overwrite,
        quiet=quiet,
        command=command_line(),
    )
    if wants_json():
        rows = trained.table.to_dict(orient="records")
        echo_json({"scorer": str(trained.path), "held_out": rows})
        return
    for row in trained.table.itertuples(index=False):
        click.echo(f"{row.property}: R² {row.r2:.3f} ({row.r2_low:.3f} to {row.r2_high:.3f})")
    click.echo(f"scorer: {trained.path}")


@scorer.command(short_help="Write images to be scored by others.")
@_generator_option
@click.option("-n", "n", type=Count(), required=True, help="Images, e.g. 2000 or 12K.")
@seed_option
@loading_options
@workers_option
@device_option
@out_option("Folder for the images, 000000.png and so on.")
@quiet_option
def images(generator: str, n: int, out: Path, quiet: bool, **options: Any) -> None:
    """Writes the images that `vectorfind scorer train` learns from, with the same --generator,
    --seed, --size and --psi, for someone or something else to score in a .csv.

    \b
    Example:
      vectorfind scorer images --generator mobilestylegan --size 256 -n 2000 --out pictures
      vectorfind scorer train --generator mobilestylegan --size 256 --teacher scores.csv --out mine
    """
    from vectorfind.models.training.training import write_images

    folder = write_images(generator, n, out, settings_from(ScorerTraining, options), quiet)
    click.echo(f"images: {folder}")
