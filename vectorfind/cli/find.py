"""`vectorfind find`: directions to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    GivenPath,
    MethodName,
    component_options,
    dtype_option,
    echo_json,
    engine_option,
    find_options,
    json_option,
    loading_options,
    model_options,
    n_option,
    out_option,
    properties_option,
    quiet_option,
    run_options,
    setting,
    settings_from,
    settings_options,
    store_option,
    wants_json,
    workers_option,
)
from vectorfind.config import FindSettings, RankSettings


@click.command(short_help="Find directions and write them to a file.")
@find_options
@run_options
@dtype_option
@model_options
@out_option("File for the directions, .npz.")
@store_option
@quiet_option
@engine_option
def find(
    out: Path, store: Path | str | None, generator: str, scorer: str, quiet: bool, **options: Any
) -> None:
    """Finds directions and writes them to one file.

    \b
    Example:
      vectorfind find -n 8000 --layer w --method gradient --out directions.npz
      vectorfind find --generator ffhq.pkl --layer w+4-7 --psi 0.7 --out directions.npz
    """
    settings = settings_from(FindSettings, options)
    from vectorfind.runs.samples import fit_lines, write_directions

    path, directions = write_directions(settings, out, generator, scorer, quiet, store)
    for line in fit_lines(directions):
        click.echo(line)
    click.echo(f"directions: {path}")


@click.command(short_help="Write samples: latents, vectors, scores.")
@n_option
@loading_options
@run_options
@dtype_option
@model_options
@click.option("--out", type=GivenPath(), help="File for the samples, .npz.")
@store_option
@quiet_option
@engine_option
def sample(
    out: Path | None,
    store: Path | str | None,
    generator: str,
    scorer: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Samples latents and writes them with their vectors at every layer and their scores.

    To one file: z, label, scores, properties, readable and latents_LAYER for each layer. Or to a
    store, a folder of shards, in constant memory: it goes on where it was stopped, can grow, and
    runs and curves with the same models and seed find it.

    \b
    Example:
      vectorfind sample -n 10K --seed 1 --out samples.npz
      vectorfind sample -n 160K --store samples
    """
    settings = settings_from(FindSettings, options)
    if (out is None) == (store is None):
        raise click.UsageError("give either --out, a file, or --store, a folder")
    from vectorfind.runs.samples import store_samples, write_samples

    if store is not None:
        stored = store_samples(settings, store, generator, scorer, quiet=quiet)
        click.echo(f"samples: {len(stored):,} in {store}")
        return
    path = write_samples(settings, out, generator, scorer, quiet=quiet)
    click.echo(f"samples: {path}")


@click.command(short_help="Show which component is which property.")
@n_option
@click.option(
    "--method", required=True, type=MethodName(components=True), help="Whose components they are."
)
@setting(FindSettings, "layer", "Where they live, e.g. w or w+4-7; the method's own, w or s.")
@component_options
@settings_options(
    RankSettings,
    {"faces": "Fresh faces to move.", "step": "Standard deviations to move them to either side."},
)
@properties_option
@loading_options
@workers_option
@run_options
@dtype_option
@model_options
@out_option("File for the table, .csv.")
@store_option
@json_option
@quiet_option
def rank(
    out: Path,
    store: Path | str | None,
    generator: str,
    scorer: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Moves a few faces along every component of an unsupervised method, scores their images, and
    tells for each property the component that changes it most.

    A slope is in standard deviations of the score for one of the samples along the component. The
    table has a row for every component and property.

    \b
    Example:
      vectorfind rank --method pca --out components.csv
      vectorfind rank --method sefa --generator ffhq.pkl --layer w+4-7 --out components.csv
    """
    ranking = settings_from(RankSettings, options)
    settings = settings_from(FindSettings, options)
    from vectorfind.runs.samples import ranking_lines, write_ranking

    path, table = write_ranking(settings, ranking, out, generator, scorer, quiet, store)
    if wants_json():
        echo_json({"table": str(path), "components": table.to_dict(orient="records")})
        return
    for line in ranking_lines(table):
        click.echo(line)
    click.echo(f"table: {path}")
