"""`vectorfind segment`: networks that tell the classes of pixels, trained, distilled, compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from property_cnn.common.checks import DTYPES
from property_cnn.segmentation.settings import FOLD_BY, NETWORKS, TERMS, TRUSTS, ScheduleSettings
from vectorfind.cli.options import (
    Count,
    GivenPath,
    Names,
    choice,
    command_line,
    device_option,
    echo_json,
    echo_report,
    json_option,
    out_option,
    quiet_option,
    say,
    setting,
    settings_from,
    settings_options,
    stacked,
    wants_json,
)
from vectorfind.runs.segmentation.settings import LabelledData, StudySettings

if TYPE_CHECKING:
    import pandas as pd

_data_options = stacked(
    click.option("--images", required=True, type=GivenPath(), help="Folder of pictures."),
    click.option(
        "--labels", required=True, type=GivenPath(), help="Folder of their label maps, .png."
    ),
    click.option(
        "--classes", required=True, type=Names(), help="Names of the classes 0, 1, …, with commas."
    ),
    setting(LabelledData, "ignore", "Label of pixels that do not count."),
    setting(
        LabelledData,
        "listing",
        "CSV with columns name, and part (train, test) or sequence.",
        "--list",
        type=GivenPath(),
    ),
    setting(LabelledData, "folds", "Parts, each tested on once."),
    setting(LabelledData, "fold_by", "What parts are made of.", **choice(FOLD_BY)),
    setting(LabelledData, "held", "Share of training images left out, to weigh a teacher by."),
    setting(LabelledData, "fold_seed", "Of the parts."),
)
_fold_option = click.option(
    "--fold", type=int, default=1, show_default=True, help="Which part is tested on."
)
_schedule_options = stacked(
    setting(ScheduleSettings, "iterations", "Steps.", "-n", "--iterations", type=Count()),
    settings_options(
        ScheduleSettings,
        {
            "batch_size": "Crops a step.",
            "lr": "Highest learning rate.",
            "warmup": "Share of the steps in which it rises.",
            "weight_decay": "Of AdamW.",
            "height": "Pixels of a crop.",
            "width": "Pixels of a crop.",
        },
    ),
    click.option(
        "--scales",
        type=float,
        nargs=2,
        default=ScheduleSettings.scales,
        show_default=True,
        help="Least and largest random factor of size.",
    ),
    click.option("--flip/--no-flip", default=True, show_default=True, help="Mirror half of them."),
    click.option(
        "--photometric/--no-photometric",
        default=True,
        show_default=True,
        help="Vary light, contrast, saturation and hue.",
    ),
    setting(ScheduleSettings, "resize", "Longer side that images are made smaller to.", type=int),
    settings_options(
        ScheduleSettings,
        {
            "checks": "Evaluations on the way.",
            "check_images": "Images of one.",
            "save_every": "Steps between two checkpoints.",
            "seed": "Of weights and crops.",
        },
    ),
    setting(ScheduleSettings, "dtype", "Precision of training.", **choice(DTYPES)),
)
_network_option = click.option(
    "--network",
    default="b0",
    show_default=True,
    **choice(NETWORKS),
    help="A SegFormer, or EffiSegNet; weights are random.",
)
_temperature_option = setting(StudySettings, "temperature", "Of the term kl.")


@click.group(short_help="Segmentation of any classes: train, distil, compare.")
def segment() -> None:
    """Trains networks that tell the class of each pixel, on pictures with label maps, alone or
    following a larger network; measures them, and compares terms of distillation.

    \b
    Example:
      vectorfind segment train --images camvid/images --labels camvid/labels \\
          --classes sky,building,road,tree,car --network b2 --out teacher
      vectorfind segment predict teacher/training/network.safetensors street.jpg --out maps
    """


@segment.command(short_help="Train a network on label maps.")
@_data_options
@_fold_option
@_network_option
@_schedule_options
@device_option
@out_option("Folder for the network, its tables and overlays.")
@json_option
@quiet_option
def train(**options: Any) -> None:
    """Trains a network on pictures with label maps, and measures it on the pictures of one part.
    Resumes where it was stopped.

    \b
    Example:
      vectorfind segment train --images images --labels labels --classes sky,road,car \\
          --network b0 -n 2000 --height 192 --width 192 --lr 1e-3 --out b0
    """
    _train(options)


@segment.command(short_help="Train a network that follows a teacher.")
@_data_options
@_fold_option
@click.option(
    "--teacher", required=True, help="A segmenter's file, a SegFormer's folder, or hub:OWNER/NAME."
)
@click.option("--kl", type=float, help="Weight of the KL at a temperature, e.g. 1.0.")
@click.option("--at", type=float, help="Weight of Attention Transfer.")
@click.option("--sp", type=float, help="Weight of Similarity Preserving.")
@_temperature_option
@click.option(
    "--trust",
    default=TRUSTS[0],
    show_default=True,
    **choice(TRUSTS),
    help="Where --kl follows the teacher: everywhere, in classes that it tells better than the "
    "student on images held out, or by its probability of the label.",
)
@_network_option
@_schedule_options
@device_option
@out_option("Folder for the network, its tables and overlays.")
@json_option
@quiet_option
def distill(**options: Any) -> None:
    """Trains a network on label maps and a teacher's answers. Resumes where it was stopped.

    \b
    Example:
      vectorfind segment distill --images images --labels labels --classes sky,road,car \\
          --teacher b2/training/network.safetensors --kl 1 --trust class -n 2000 --out b0-kl
    """
    ending = "" if options["trust"] == TRUSTS[0] else f":{options['trust']}"
    terms = [
        f"{kind}:{options[kind]!r}{ending if kind == 'kl' else ''}"
        for kind in TERMS
        if options[kind] is not None
    ]
    if not terms:
        raise click.UsageError(f"no term; give some of --{', --'.join(TERMS)}")
    if ending and options["kl"] is None:
        raise click.UsageError("--trust is for --kl; give its weight")
    _train({**options, "terms": terms})


@segment.command("test", short_help="Measure a network on label maps.")
@click.argument("network", type=click.Path(path_type=Path))
@_data_options
@click.option("--fold", type=int, help="Test on this part alone; else on all pictures.")
@device_option
@click.option("--out", type=GivenPath(), help="Folder for the tables and overlays.")
@json_option
def measure(network: Path, out: Path | None, device: str | None, **options: Any) -> None:
    """Scores NETWORK on whole pictures: IoU of each class, mIoU, mAcc and aAcc, in per cent. A
    class that no picture shows is left out.

    \b
    Example:
      vectorfind segment test b0/training/network.safetensors --images images --labels labels \\
          --classes sky,road,car --fold 1 --out measured
    """
    from vectorfind.runs.segmentation.jobs import score_segmenter

    data = settings_from(LabelledData, options)
    _echo_scores(score_segmenter(network, data, out, options["fold"], device))


@segment.command(short_help="Write label maps of pictures.")
@click.argument("network", type=click.Path(path_type=Path))
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--overlay", is_flag=True, help="Also write the pictures tinted by their classes.")
@device_option
@out_option("Folder for the maps, NAME_labels.png.")
@quiet_option
def predict(
    network: Path,
    pictures: tuple[Path, ...],
    overlay: bool,
    out: Path,
    device: str | None,
    quiet: bool,
) -> None:
    """Writes a label map of each of the PICTURES, files or folders: an 8-bit PNG of its size whose
    values are class numbers, with the classes' palette.

    \b
    Example:
      vectorfind segment predict b0/training/network.safetensors streets --overlay --out maps
    """
    from vectorfind.runs.segmentation.hair.jobs import picture_files
    from vectorfind.runs.segmentation.jobs import predict_files

    predict_files(network, picture_files(pictures), out, overlay, device, say(quiet))


@segment.command(short_help="Compare terms of distillation, in every fold.")
@_data_options
@setting(StudySettings, "student", "What is taught.", **choice(NETWORKS))
@setting(StudySettings, "teacher", "What it follows, trained in each fold.", **choice(NETWORKS))
@setting(StudySettings, "terms", "KIND:WEIGHT or kl:WEIGHT:TRUST, with commas.", type=Names())
@_temperature_option
@setting(StudySettings, "baseline_seeds", "Seeds of the student without terms.")
@setting(StudySettings, "teacher_iterations", "Of the teacher; else -n.", type=Count())
@setting(StudySettings, "teacher_lr", "Of the teacher; else --lr.", type=float)
@setting(StudySettings, "shown_images", "Test images that the page shows labels in.")
@_schedule_options
@click.option("--reference", type=GivenPath(), help="CSV of figures to show beside.")
@device_option
@out_option("Folder for networks, tables, plots and the page.")
@json_option
@quiet_option
def compare(
    out: Path, reference: Path | None, device: str | None, quiet: bool, **options: Any
) -> None:
    """Trains a teacher in every fold, and on the same crops a student without terms and one with
    each; other seeds of the first tell differences from noise. Resumes where it was stopped.

    \b
    Example:
      vectorfind segment compare --images images --labels labels --classes sky,road,car \\
          --resize 192 --height 96 --width 96 -n 800 --lr 1e-3 --warmup 0.1 --out study
    """
    from vectorfind.runs.segmentation.comparison import compare_students

    schedule = settings_from(ScheduleSettings, options)
    study = settings_from(StudySettings, {**options, "schedule": schedule})
    data = settings_from(LabelledData, options)
    report = compare_students(
        out, data, study, reference, command_line(), device, say(quiet), quiet
    )
    echo_report(report)


def _train(options: dict[str, Any]) -> None:
    from vectorfind.runs.segmentation.jobs import train_segmenter

    trained = train_segmenter(
        options["out"],
        settings_from(LabelledData, options),
        options["network"],
        settings_from(ScheduleSettings, options),
        options["fold"],
        options.get("teacher"),
        options.get("terms", ()),
        options.get("temperature", StudySettings.temperature),
        options["device"],
        say(options["quiet"]),
        options["quiet"],
    )
    _echo_scores(trained.table)
    if not wants_json():
        click.echo(f"network: {trained.path}")


def _echo_scores(table: pd.DataFrame) -> None:
    from reports.analysis.segmentation import class_names
    from reports.tables import table_rows
    from vectorfind.runs.segmentation.table import scores_markdown

    if wants_json():
        echo_json({"rows": table_rows(table)})
        return
    click.echo(scores_markdown(table.iloc[0], class_names(table)).rstrip())
