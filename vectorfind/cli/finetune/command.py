"""`vectorfind finetune`: fine-tunes a generator, and the steps before and after that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from property_cnn.common.checks import DTYPES
from stylegan_ft.finetune.settings import (
    DEFAULTS,
    VARIANTS,
    FinetuneSettings,
    PlainSettings,
)
from vectorfind.cli.finetune.filter import classifiers, faces, filter
from vectorfind.cli.finetune.report import report
from vectorfind.cli.options import (
    GivenPath,
    choice,
    command_line,
    device_option,
    generator_option,
    out_option,
    overwrite_option,
    property_cnn_option,
    quiet_option,
    say,
    setting,
    settings_options,
    stacked,
)

_HELP = {
    "batches": "Batches of real images to show.",
    "batch_size": "Images a batch.",
    "lr": "Rate of the generator.",
    "d_lr": "Rate of the discriminator.",
    "mapping_lr": "Factor on the mapping's rate.",
    "settle": "Share of the batches over which the rates fall to 0.",
    "r1_gamma": "Weight of the gradient penalty.",
    "r1_every": "Steps of D between two penalties.",
    "repeats": "Most steps of each network on one batch.",
    "d_factor": "D repeats while its loss is that many times G's.",
    "g_factor": "G repeats while its loss is that many times D's.",
    "warm_discriminator": "Batches at the start in which D trains alone.",
    "style_mixing": "Share of batches with mixed styles.",
    "ema": "Decay of the averaged generator.",
    "property_weight": "Of the loss through the property CNN (v5-2).",
    "frozen": "Share of the batches in which that CNN is frozen.",
    "seed": "Of order, latents and new weights.",
    "checkpoint_every": "Rows of the log between checkpoints.",
    "grid_every": "Rows of the log between sample grids.",
    "collapse_rows": "Rows of collapse after which the run ends.",
}


def _default(name: str) -> str:
    """The setting's default, or those of the variants, e.g. "0.001; v1, v9: 5e-05"."""
    usual, others = getattr(FinetuneSettings(), name), {}
    for variant, settings in DEFAULTS.items():
        if getattr(settings, name) != usual:
            others.setdefault(getattr(settings, name), []).append(variant)
    rest = [f"{', '.join(variants)}: {value:g}" for value, variants in others.items()]
    return "; ".join([f"{usual:g}", *rest])


@click.group(invoke_without_command=True, short_help="Fine-tune a generator; filter; report.")
@click.option("--variant", type=click.Choice(list(VARIANTS)), help="What changes; see below.")
@generator_option('Generator to start from: "base", "default" or a checkpoint.', None, "--base")
@click.option("--images", type=GivenPath(), help="Image folder to learn from.")
@click.option("--out", type=GivenPath(), help="Folder of the run.")
@click.option(
    "--discriminator",
    default="default",
    show_default=True,
    help='Of v1 and v9: "default", a file, or "none" for a new one.',
)
@property_cnn_option
@click.option("--classifiers", default="default", show_default=True, help="Of the concept.")
@stacked(
    *(
        setting(FinetuneSettings, name, f"{text}  [default: {_default(name)}]", default=None)
        for name, text in _HELP.items()
    )
)
@setting(
    FinetuneSettings,
    "dtype",
    f"Of the arithmetic.  [default: {FinetuneSettings.dtype}]",
    default=None,
    **choice(DTYPES),
)
@device_option
@overwrite_option
@quiet_option
@click.pass_context
def finetune(
    ctx: click.Context,
    variant: str | None,
    base: str | None,
    images: Path | None,
    out: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Fine-tunes a base generator on an image folder. Resumes where it was stopped.

    v1 adds a label of seven properties; v9 adds the split mapping and narrows to a concept;
    v5-1, v5-2 and v5-3 are three ways to control eyes, mouth and pose by a label.

    \b
    Example:
      vectorfind finetune filter -n 160K --out concept
      vectorfind finetune --variant v9 --base base --images concept --out runs/v9
      vectorfind finetune report runs/v9 --out runs/v9-report
    """
    if ctx.invoked_subcommand is not None:
        return
    given = {"--variant": variant, "--base": base, "--images": images, "--out": out}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        click.echo(ctx.get_help())
        return
    if missing:
        raise click.UsageError(f"Missing option {', '.join(missing)}", ctx)
    given = {name: options[name] for name in (*_HELP, "dtype") if options[name] is not None}
    settings = replace(DEFAULTS[variant], **given)
    from vectorfind.runs.finetune.jobs import finetune_files

    names = ("discriminator", "scorer", "classifiers", "device", "overwrite")
    rest = {name: options[name] for name in names}
    path = finetune_files(
        variant, base, images, out, settings, log=say(quiet), command=command_line(), **rest
    )
    click.echo(f"generator: {path}")


@finetune.command(short_help="Write a base without labels and split.")
@generator_option('"base", "default" or a checkpoint of StyleGAN 1.', "base", "--base")
@settings_options(
    PlainSettings,
    {"steps": f"Batches of {PlainSettings.batch_size}.", "seed": "Of the latents."},
)
@out_option("File for the generator, .safetensors.")
@quiet_option
def plain(base: str, steps: int, seed: int, out: Path, quiet: bool) -> None:
    """Writes a generator without labels and without the split mapping that makes nearly the
    same images: a base for the experiments with labels.

    \b
    Example:
      vectorfind finetune plain --out base.safetensors
    """
    from vectorfind.runs.finetune.jobs import plain_file

    path, missed = plain_file(base, out, PlainSettings(steps=steps, seed=seed), say(quiet))
    click.echo(f"{missed:.1%} of the variance of w missed")
    click.echo(f"generator: {path}")


for command in (faces, classifiers, filter, report):
    finetune.add_command(command)
