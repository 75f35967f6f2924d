"""`vectorfind hair`: masks of hair, and the training of the network that tells them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from property_cnn.common.checks import DTYPES
from property_cnn.hair.settings import FaceCounts
from property_cnn.segmentation.settings import (
    LOSSES,
    TERMS,
    DistillSettings,
    SegformerSettings,
    TeacherSettings,
    TermSettings,
)
from vectorfind.cli.options import (
    GivenPath,
    Names,
    choice,
    device_option,
    echo_json,
    generator_option,
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
from vectorfind.runs.segmentation.hair.settings import Lessons, OwnPictures

if TYPE_CHECKING:
    import pandas as pd

_DTYPE = "Precision of training; bfloat16 is faster where the processor has it."

_teacher_option = setting(Lessons, "teacher", "Or a file, a folder, hub:NAME.")
_generator_option = generator_option("Of generated faces.")
_data_options = stacked(
    _teacher_option,
    click.option("--data", type=GivenPath(), help="Folder of faces; else OUT/data."),
    settings_options(
        FaceCounts,
        {
            "rendered": "Rendered faces to learn from.",
            "generated": "Faces of the generator to learn from.",
            "photographs": "Photographs by mobilestylegan to learn from; needs vectorfind fetch.",
            "seed": "Of faces, split, weights and order.",
            "side": "Pixels of a side of images and masks.",
        },
    ),
    _generator_option,
    click.option("--images", type=click.Path(path_type=Path), help="Folder of own pictures."),
    click.option(
        "--maps", type=click.Path(path_type=Path), help="Folder of their label maps, .png."
    ),
    click.option("--classes", type=int, help="Classes of the label maps."),
    click.option("--hair-class", type=int, help="Learn this class alone, as hair; else all."),
)
_training_options = stacked(
    settings_options(
        DistillSettings,
        {
            "epochs": "Most passes over the training images.",
            "patience": "Epochs without progress to stop after.",
            "batch_size": "Images a step.",
            "lr": "Learning rate of the first epoch.",
            "decay": "Of the learning rate, an epoch.",
        },
    ),
    setting(DistillSettings, "dtype", _DTYPE, **choice(DTYPES)),
    setting(
        DistillSettings,
        "start",
        "First weights: ImageNet's, from the extra hair-lite0, or another student's.",
        metavar="random|lite0|FILE",
    ),
    click.option("--train-side", type=int, help="Pixels of a side in training; else --side."),
    click.option("--kl", type=float, help="Weight of the KL at a temperature, e.g. 0.5."),
    setting(TermSettings, "temperature", "Of --kl."),
    click.option("--at", type=float, help="Weight of Attention Transfer."),
    click.option("--sp", type=float, help="Weight of Similarity Preserving."),
    click.option("--student-layers", type=Names(), help="Layers that --at and --sp compare."),
    click.option("--teacher-layers", type=Names(), help="Their partners in the teacher."),
)


@click.group(short_help="Hair masks: use, train and test the segmenter.")
def hair() -> None:
    """Tells where hair is, by a small network that learns from a slow face-parsing teacher.

    \b
    Example:
      vectorfind hair teacher --out runs/hair
      vectorfind hair distill --out runs/hair
      vectorfind hair segment portrait.png --model runs/hair/student.safetensors --out masks
    """


@hair.command(short_help="Write hair masks of pictures.")
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    help="A student's file, photographs, or photographs-student; else the shipped student.",
)
@device_option
@out_option("Folder for the masks, NAME_mask.png.")
@quiet_option
def segment(
    images: tuple[Path, ...], out: Path, model: str | None, device: str | None, quiet: bool
) -> None:
    """Writes a mask of the hair in each of the IMAGES, files or folders, as 8-bit grey PNG of
    its size: 255 is hair.

    Grey, RGBA and 16-bit pictures are taken too, in any mix of sizes. One that cannot be read is
    passed over and named in the end, with exit code 3; 2 where none could be read.

    \b
    Example:
      vectorfind hair segment portraits other.jpg --out masks
    """
    from vectorfind.runs.segmentation.hair.jobs import picture_files, segment_files

    segment_files(picture_files(images), out, model, device, say(quiet))


@hair.command(short_help="Train the teacher on rendered faces.")
@setting(TeacherSettings, "faces", "Rendered faces to learn from, each once.", "-n")
@settings_options(
    TeacherSettings,
    {
        "test_faces": "Other ones to measure on.",
        "batch_size": "Faces a step.",
        "lr": "Highest learning rate.",
        "seed": "Of faces and weights.",
    },
)
@setting(SegformerSettings, "side", "Of the faces, in pixels.")
@setting(TeacherSettings, "dtype", _DTYPE, **choice(DTYPES))
@device_option
@out_option("Folder for teacher.safetensors and the checkpoint.")
@quiet_option
def teacher(out: Path, device: str | None, side: int, quiet: bool, **options: Any) -> None:
    """Trains a SegFormer to parse rendered faces. Resumes where it was stopped.

    \b
    Example:
      vectorfind hair teacher --out runs/hair
    """
    from vectorfind.runs.segmentation.hair.jobs import make_teacher

    settings = TeacherSettings(**options, network=SegformerSettings(side=side))
    path, scores = make_teacher(out, settings, device, say(quiet))
    listed = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    click.echo(f"hair on {settings.test_faces} other faces: {listed}")
    click.echo(f"teacher: {path}")


@hair.command(short_help="Distil a student from the teacher.")
@setting(DistillSettings, "loss", "", **choice(LOSSES))
@_data_options
@_training_options
@device_option
@out_option("Folder for student.safetensors, valid_loss.csv and overlays.")
@quiet_option
def distill(out: Path, loss: str, device: str | None, quiet: bool, **options: Any) -> None:
    """Trains a student on rendered and generated faces with the teacher's soft masks, or on own
    pictures with label maps. Resumes where it was stopped.

    \b
    Example:
      vectorfind hair distill --loss soft-bce --out runs/hair
      vectorfind hair distill --at 0.5 --teacher parser --out runs/hair-at
      vectorfind hair distill --images camvid --maps camvid-labels --classes 12 --out camvid
    """
    from vectorfind.runs.segmentation.hair.students import distil_student

    settings = _settings(loss, options)
    path, result = distil_student(out, _lessons(options), settings, device, say(quiet))
    best = min(row["valid_loss"] for row in result.history)
    click.echo(f"best validation loss {best:.5f} of {len(result.history)} epochs")
    click.echo(f"student: {path}")


@hair.command(short_help="Test students: table and overlays.")
@click.argument("students", nargs=-1, required=True, type=click.Path(path_type=Path))
@setting(Lessons, "teacher", "The one that they learned from.")
@click.option("--data", required=True, type=GivenPath(), help="What they learned from.")
@_generator_option
@device_option
@out_option("Folder for hair_test.csv, hair_test.md and overlays.")
@json_option
@quiet_option
def test(
    students: tuple[Path, ...], out: Path, device: str | None, quiet: bool, **options: Any
) -> None:
    """Scores STUDENTS on the tenth of their faces that was held out: MSE, IoU, DICE, recall and
    precision against the teacher, and on rendered faces against the truth; seconds an image.

    \b
    Example:
      vectorfind hair test runs/hair/student.safetensors --data runs/hair/data --out hair-test
    """
    from vectorfind.runs.segmentation.hair.students import score_files

    lessons = settings_from(Lessons, options)
    _echo_table(out, score_files(out, students, lessons, device, say(quiet)))


@hair.command(short_help="Train and test several losses side by side.")
@click.option(
    "--losses", type=Names(), default=",".join(LOSSES), show_default=True, help="Which ones."
)
@_data_options
@_training_options
@device_option
@out_option("Folder for a student a loss, hair_test.csv and hair_test.md.")
@json_option
@quiet_option
def compare(
    out: Path, losses: tuple[str, ...], device: str | None, quiet: bool, **options: Any
) -> None:
    """Distils a student with each loss on the same faces, and writes one table of all. Resumes
    where it was stopped.

    \b
    Example:
      vectorfind hair compare --epochs 12 --out runs/hair-losses
    """
    from vectorfind.runs.segmentation.hair.students import compare_losses

    settings = [_settings(loss, options) for loss in losses]
    _echo_table(out, compare_losses(out, _lessons(options), settings, device, say(quiet)))


def _settings(loss: str, options: dict[str, Any]) -> DistillSettings:
    layers = {name: options[name] for name in ("student_layers", "teacher_layers") if options[name]}
    terms = tuple(
        TermSettings(kind, options[kind], options["temperature"], **layers)
        for kind in TERMS
        if options[kind] is not None
    )
    given = {**options, "side": options["train_side"] or options["side"]}
    return settings_from(DistillSettings, {**given, "loss": loss, "terms": terms})


def _lessons(options: dict[str, Any]) -> Lessons:
    own = options["images"] is not None or options["maps"] is not None
    pictures = settings_from(OwnPictures, options) if own else None
    faces = FaceCounts() if own else settings_from(FaceCounts, options)
    return settings_from(Lessons, {**options, "faces": faces, "pictures": pictures})


def _echo_table(out: Path, table: pd.DataFrame) -> None:
    from reports.tables import table_rows
    from vectorfind.runs.segmentation.hair.table import markdown

    if wants_json():
        echo_json({"table": str(out / "hair_test.csv"), "rows": table_rows(table)})
        return
    click.echo(markdown(table).rstrip())
    click.echo(f"table: {out / 'hair_test.csv'}")
