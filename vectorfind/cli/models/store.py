"""`vectorfind store`: stores of samples as files, without the networks that made them."""

from __future__ import annotations

from pathlib import Path

import click

from vectorfind.cli.options import (
    Count,
    Names,
    StorePlace,
    echo_json,
    echo_verified,
    json_option,
    out_option,
    quiet_option,
    wants_json,
)

_FORMATS = ("numpy", "parquet")


@click.group(short_help="Look at, check, merge and export stores of samples.")
def store() -> None:
    """Stores that `vectorfind sample --store` and the runs fill: what one holds, whether it is
    whole, several as one, and their samples for other tools. Each may be a folder or a URL, as
    s3://bucket/samples.

    \b
    Example:
      vectorfind store info samples
      vectorfind store verify samples
      vectorfind store merge samples elsewhere/samples --out all
      vectorfind store export samples --format parquet --out table
    """


_folder = click.argument("folder", type=StorePlace())


@store.command(short_help="Tell what a store holds.")
@_folder
@json_option
def info(folder: Path | str) -> None:
    """Tells which networks and seed the samples in FOLDER are of, how many there are, their layers
    and their size.

    \b
    Example:
      vectorfind store info samples
    """
    from vectorfind.sampling.store_files import store_facts

    shown = store_facts(folder).values()
    if wants_json():
        echo_json(shown)
        return
    width = max(len(name) for name in shown)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {value}")


@store.command(short_help="Check every file of a store.")
@_folder
@click.option("--json", "as_json", is_flag=True, help="Print all files and their states as JSON.")
def verify(folder: Path | str, as_json: bool) -> None:
    """Reads every file of the store in FOLDER and names what is missing, altered or of others.

    The exit code is 1 where not all is whole; `vectorfind sample` with that --store then makes it
    good.

    \b
    Example:
      vectorfind store verify samples
    """
    from vectorfind.sampling.store_files import verify_store

    echo_verified(verify_store(folder), as_json)


@store.command(short_help="Make one store of several.")
@click.argument("folders", nargs=-1, required=True, type=StorePlace())
@out_option("Folder or URL of the one; what it holds already stays.", StorePlace())
@quiet_option
def merge(folders: tuple[Path | str, ...], out: Path | str, quiet: bool) -> None:
    """Copies what the stores FOLDERS hold into one; all must be of the same networks and seed.

    Of a file that several hold, the first that is whole is taken.

    \b
    Example:
      vectorfind store merge first second --out all
    """
    from vectorfind.sampling.store_files import merge_stores

    merged = merge_stores(folders, out, quiet=quiet)
    click.echo(f"samples: {merged.samples:,} in {out}")


@store.command(short_help="Write a store's samples for other tools.")
@_folder
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default=_FORMATS[0],
    show_default=True,
    help="An .npy an array, which can be mapped; or a Parquet data set, which needs pyarrow.",
)
@click.option("-n", "n", type=Count(), help="The first so many; all of them.")
@click.option("--arrays", type=Names(), help="As z,scores,w; all that every shard has.")
@out_option("Folder for the files.")
@quiet_option
def export(folder: Path | str, **options: object) -> None:
    """Writes the latents, scores and vectors of the store in FOLDER, a row a sample.

    layout.json says which file has what. An export that was stopped goes on with the files that
    are whole.

    \b
    Example:
      vectorfind store export samples --out arrays
      vectorfind store export samples --format parquet --arrays scores,w --out table
    """
    from vectorfind.sampling.export import LAYOUT, export_store

    written = export_store(folder, **options)
    click.echo(f"samples: {written.n:,} of {', '.join(written.arrays)}")
    click.echo(f"layout: {Path(str(options['out'])) / LAYOUT}")
