"""`vectorfind directions`: directions from other projects' files, and for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from property_cnn.common.errors import InputError
from vectorfind.cli.options import (
    Count,
    Names,
    device_option,
    model_options,
    out_option,
    quiet_option,
    seed_option,
)

SIGN = click.Choice(("fix", "keep"))


@click.group(short_help="Directions from and for other projects.")
def directions() -> None:
    """Reads and writes the directions of InterFaceGAN, HiGAN, GANSpace and the reference system.

    \b
    Example:
      vectorfind directions export demo/directions.npz --format interfacegan --out boundaries
      vectorfind directions import age_w_boundary.npy --layer w --generator ffhq.pkl --out d.npz
    """


@directions.command(short_help="Write directions as other projects read them.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(("interfacegan", "csv")),
    required=True,
    help="One .npy (1, d) a property and group, or one CSV as the reference system's.",
)
@click.option(
    "--sign", type=SIGN, help="Of CSVs: fix to lower the property as the reference's SVMs do."
)
@out_option("Folder for the files.")
def export(file: Path, kind: str, sign: str | None, out: Path) -> None:
    """Writes the directions in FILE, an .npz, for other projects.

    Only directions by SVM have one a group; those by gradient differ from image to image.

    \b
    Example:
      vectorfind directions export demo/directions.npz --format interfacegan --out boundaries
      vectorfind directions export demo/directions.npz --format csv --sign fix --out csvs
    """
    if (sign is None) == (kind == "csv"):
        raise InputError("--sign fix or --sign keep goes with --format csv, and with no other")
    from property_cnn.common.folders import writable_folder
    from vectorfind.directions.interchange import write_csv, write_interfacegan
    from vectorfind.directions.packing import read_boundaries

    found = read_boundaries(file)
    folder = writable_folder(out)
    csv = kind == "csv"
    written = write_csv(found, folder, sign) if csv else write_interfacegan(found, folder)
    click.echo(f"directions: {len(written)} files in {out}")


@directions.command("import", short_help="Make directions of other projects' files.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--layer", required=True, help="Where the directions live, e.g. w or w+4-7.")
@click.option(
    "--sign", type=SIGN, help="Of CSVs: fix for the reference's SVM directions, which lower."
)
@click.option(
    "--rename",
    "renamed",
    multiple=True,
    metavar="OLD=NEW",
    help="Take only these properties, under new names; may be given several times.",
)
@click.option(
    "-n", default=2000, show_default=True, type=Count(), help="Samples to measure scores on."
)
@click.option("--group-by", type=Names(), help="What the groups' letters stand for, if any.")
@click.option("--quantiles", default=2, show_default=True, help="Parts of each of those.")
@seed_option
@device_option
@model_options
@out_option("File for the directions, .npz.")
@quiet_option
def import_(
    paths: tuple[str, ...],
    layer: str,
    sign: str | None,
    renamed: tuple[str, ...],
    out: Path,
    **options: Any,
) -> None:
    """Makes directions to edit with and to evaluate of other projects' files.

    PATH is an InterFaceGAN or HiGAN boundary, FILE.npy or PROPERTY=FILE.npy, of which there may
    be many; or GANSpace's components, an .npz; or a folder of the reference's CSVs. To be
    evaluated, properties must have names of scores.

    \b
    Example:
      vectorfind directions import smile=smile_w_boundary.npy --layer w --out smile.npz
      vectorfind directions import components.npz --layer w+4-7 --rename component_3=pose \\
        --generator ffhq.pkl --out pose.npz
      vectorfind directions import csvs --layer mapping_split2 --sign fix --out imported.npz
    """
    names = dict(_renaming(text) for text in renamed)
    from property_cnn.common.folders import writable_folder
    from vectorfind.directions.finding import bind
    from vectorfind.directions.interchange import read_foreign

    found = read_foreign(paths, layer, sign)
    if names:
        found = found.renamed(names)
    writable_folder(out.parent)
    bind(found, **options).save(out)
    click.echo(f"directions: {out} ({', '.join(found.properties)})")


def _renaming(text: str) -> tuple[str, str]:
    old, _, new = (part.strip() for part in text.partition("="))
    if not (old and new):
        raise InputError(f"--rename {text!r} is not OLD=NEW, as in component_3=pose")
    return old, new
