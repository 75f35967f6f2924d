"""`vectorfind finetune faces`, `classifiers` and `filter`: what a concept is narrowed down by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vectorfind.cli.options import (
    Count,
    command_line,
    device_option,
    out_option,
    overwrite_option,
    quiet_option,
    settings_from,
    stacked,
    workers_option,
)

FACES = 16_000
FILTER = {"n": 20_000, "seed": 0, "batch_size": 64}
BOUNDS = {"gender": 0.92, "quality": 0.9, "age": 0.008, "glasses": 0.01}
TRAINING = {"folds": 5, "epochs": 3, "batch_size": 64, "lr": 2e-3, "seed": 0}
"""Defaults of `FilterSettings`, `Thresholds` and `EnsembleSettings`, known without PyTorch."""

_BOUND_HELPS = {
    "gender": "Least probability of female cues.",
    "quality": "Least probability of good quality.",
    "age": "Highest probability of an old face.",
    "glasses": "Highest probability of glasses.",
}
_bound_options = stacked(
    *(
        click.option(f"--{name}", type=float, default=BOUNDS[name], show_default=True, help=text)
        for name, text in _BOUND_HELPS.items()
    )
)


def _count(*names: str, default: int, help: str) -> Any:
    return click.option(*names, type=Count(), default=default, show_default=True, help=help)


def _seed(default: int, help: str) -> Any:
    return click.option("--seed", type=int, default=default, show_default=True, help=help)


@click.command(short_help="Render faces with known attributes.")
@_count("-n", "n", default=2000, help="Faces to render.")
@_seed(0, "Of the faces.")
@click.option("--size", type=int, default=64, show_default=True, help="Of a side, in pixels.")
@workers_option
@out_option("Folder for images/*.png and labels.csv.")
@overwrite_option
@quiet_option
def faces(out: Path, **options: Any) -> None:
    """Writes rendered faces as an image folder: labels.csv has the eight property scores of
    each, and gender, quality, age and glasses as 1, 0 or, where doubtful, an empty cell. Resumes
    where it was stopped.

    \b
    Example:
      vectorfind finetune faces -n 2000 --out faces
    """
    from vectorfind.runs.finetune.faces import write_faces
    from vectorfind.runs.finetune.settings import FaceSettings

    settings = settings_from(FaceSettings, options)
    rest = {name: options[name] for name in ("workers", "overwrite", "quiet")}
    folder = write_faces(out, settings, command=command_line(), **rest)
    click.echo(f"faces: {folder / 'labels.csv'}")


@click.command(short_help="Train the four attribute classifiers.")
@click.option(
    "--images", type=click.Path(path_type=Path), help="Own image folder; else rendered faces."
)
@_count("--faces", default=FACES, help="Rendered faces to learn from.")
@_count("--folds", default=TRAINING["folds"], help="Members an attribute.")
@_count("--epochs", default=TRAINING["epochs"], help="Passes over the images.")
@_count("--batch-size", default=TRAINING["batch_size"], help="Images a step.")
@click.option(
    "--lr", type=float, default=TRAINING["lr"], show_default=True, help="Highest learning rate."
)
@_seed(TRAINING["seed"], "Of faces, folds, weights and order.")
@workers_option
@out_option("Folder for concept.safetensors, concept.csv and concept.md.")
@quiet_option
def classifiers(
    out: Path, images: Path | None, faces: int, workers: int | None, quiet: bool, **options: Any
) -> None:
    """Trains an ensemble for each of gender, quality, age and glasses by stratified k-fold, and
    prints each one's AUROC on the folds that its members did not see. Resumes where it was
    stopped.

    An own image folder has a labels.csv with the columns file, gender, quality, age and glasses:
    1 for female cues, good quality, old, worn; 0 for the contrary; empty where it is not known,
    which leaves the image out of that attribute alone.

    \b
    Example:
      vectorfind finetune classifiers --out concept-classifiers
      vectorfind finetune classifiers --images my-faces --epochs 20 --out my-classifiers
    """
    from stylegan_ft.concept.card import auroc_summary
    from stylegan_ft.concept.make import TABLE, WEIGHTS
    from stylegan_ft.concept.settings import EnsembleSettings
    from vectorfind.runs.finetune.faces import train_concept

    settings = settings_from(EnsembleSettings, options)
    table = train_concept(out, images, faces, settings, workers, quiet, command_line())
    for name, mean, low, high in auroc_summary(table):
        click.echo(f"{name}: AUROC {mean:.4f} ({low:.4f} – {high:.4f} over the folds)")
    click.echo(f"table: {out / TABLE}")
    click.echo(f"classifiers: {out / WEIGHTS}")


@click.command(short_help="Generate images and keep those of the concept.")
@_count("-n", "n", default=FILTER["n"], help="Images to generate.")
@_seed(FILTER["seed"], "Of the latents.")
@click.option(
    "--generator",
    default="base",
    show_default=True,
    help='"base", "default" or a checkpoint.',
)
@click.option(
    "--classifiers", default="default", show_default=True, help='"default" or concept.safetensors.'
)
@click.option("--scorer", default="default", show_default=True, help='"default" or a checkpoint.')
@_bound_options
@click.option("--keep-all", is_flag=True, help="Keep every image, whatever the thresholds say.")
@_count("--batch-size", default=FILTER["batch_size"], help="Images a batch.")
@device_option
@workers_option
@out_option("Folder for images/*.png, labels.csv and filter.csv.")
@overwrite_option
@quiet_option
def filter(out: Path, **options: Any) -> None:
    """Generates images, judges each by the classifiers and keeps those within all thresholds.

    OUT becomes an image folder that `vectorfind finetune --data` takes: the kept images, and in
    labels.csv their property scores and probabilities. filter.csv has those of every image.
    Resumes where it was stopped.

    \b
    Example:
      vectorfind finetune filter -n 160K --out concept
      vectorfind finetune filter -n 20K --keep-all --generator my.pkl --out all
    """
    from stylegan_ft.concept import Thresholds
    from vectorfind.runs.finetune.filter import filter_images
    from vectorfind.runs.finetune.image_parts import FILTERED
    from vectorfind.runs.finetune.settings import FilterSettings

    bounds = Thresholds(**{name: options.pop(name) for name in BOUNDS})
    own = {name: options.pop(name) for name in (*FILTER, "keep_all")}
    settings = FilterSettings(**own, thresholds=bounds)
    found = filter_images(out, settings, command=command_line(), **options)
    listed = ", ".join(f"{name} {share:.1%}" for name, share in found.within.items())
    click.echo(f"within each threshold: {listed}")
    click.echo(f"kept {found.kept:,} of {found.n:,} images ({found.kept / found.n:.1%})")
    if not found.kept:
        click.echo("none is within all thresholds; loosen one, or give --keep-all")
    click.echo(f"table: {out / FILTERED}")
