"""`vectorfind finetune faces`, `classifiers` and `filter`: what a concept is narrowed down by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from stylegan_ft.concept.settings import FACES, EnsembleSettings, Thresholds
from vectorfind.cli.options import (
    Count,
    command_line,
    device_option,
    generator_option,
    out_option,
    overwrite_option,
    quiet_option,
    scorer_option,
    setting,
    settings_from,
    settings_options,
    workers_option,
)
from vectorfind.runs.finetune.settings import FaceSettings, FilterSettings


@click.command(short_help="Render faces with known attributes.")
@setting(FaceSettings, "n", "Faces to render.", "-n")
@setting(FaceSettings, "seed", "Of the faces.")
@setting(FaceSettings, "size", "Of the images, in pixels.", "--side")
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

    settings = settings_from(FaceSettings, options)
    rest = {name: options[name] for name in ("workers", "overwrite", "quiet")}
    folder = write_faces(out, settings, command=command_line(), **rest)
    click.echo(f"faces: {folder / 'labels.csv'}")


@click.command(short_help="Train the four attribute classifiers.")
@click.option(
    "--images", type=click.Path(path_type=Path), help="Own image folder; else rendered faces."
)
@click.option(
    "-n",
    "faces",
    type=Count(),
    default=FACES,
    show_default=True,
    help="Rendered faces to learn from.",
)
@settings_options(
    EnsembleSettings,
    {
        "folds": "Members an attribute.",
        "epochs": "Passes over the images.",
        "batch_size": "Images a step.",
        "lr": "Highest learning rate.",
        "seed": "Of faces, folds, weights and order.",
    },
)
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
    from vectorfind.runs.finetune.faces import train_concept

    settings = settings_from(EnsembleSettings, options)
    table = train_concept(out, images, faces, settings, workers, quiet, command_line())
    for name, mean, low, high in auroc_summary(table):
        click.echo(f"{name}: AUROC {mean:.4f} ({low:.4f} – {high:.4f} over the folds)")
    click.echo(f"table: {out / TABLE}")
    click.echo(f"classifiers: {out / WEIGHTS}")


@click.command(short_help="Generate images and keep those of the concept.")
@setting(FilterSettings, "n", "Images to generate.", "-n")
@setting(FilterSettings, "seed", "Of the latents.")
@generator_option('"base", "default" or a checkpoint.', "base")
@click.option(
    "--classifiers", default="default", show_default=True, help='"default" or concept.safetensors.'
)
@scorer_option
@settings_options(
    Thresholds,
    {
        "gender": "Least probability of female cues.",
        "quality": "Least probability of good quality.",
        "age": "Highest probability of an old face.",
        "glasses": "Highest probability of glasses.",
    },
)
@setting(FilterSettings, "keep_all", "Keep every image, whatever the thresholds say.")
@setting(FilterSettings, "batch_size", "Images a batch.")
@device_option
@workers_option
@out_option("Folder for images/*.png, labels.csv and filter.csv.")
@overwrite_option
@quiet_option
def filter(out: Path, **options: Any) -> None:
    """Generates images, judges each by the classifiers and keeps those within all thresholds.

    OUT becomes an image folder that `vectorfind finetune --images` takes: the kept images, and in
    labels.csv their property scores and probabilities. filter.csv has those of every image.
    Resumes where it was stopped.

    \b
    Example:
      vectorfind finetune filter -n 160K --out concept
      vectorfind finetune filter -n 20K --keep-all --generator my.pkl --out all
    """
    from vectorfind.runs.finetune.filter import filter_images
    from vectorfind.runs.finetune.image_parts import FILTERED

    settings = replace(
        settings_from(FilterSettings, options), thresholds=settings_from(Thresholds, options)
    )
    names = ("generator", "classifiers", "scorer", "device", "workers", "overwrite", "quiet")
    rest = {name: options[name] for name in names}
    result = filter_images(out, settings, command=command_line(), **rest)
    listed = ", ".join(f"{name} {share:.1%}" for name, share in result.within.items())
    click.echo(f"within each threshold: {listed}")
    click.echo(f"kept {result.kept:,} of {result.n:,} images ({result.kept / result.n:.1%})")
    if not result.kept:
        click.echo("none is within all thresholds; loosen one, or give --keep-all")
    click.echo(f"table: {out / FILTERED}")
