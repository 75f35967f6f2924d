"""`vectorfind hair`: masks of hair, and the training of the network that tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from property_cnn.common.errors import InputError
from vectorfind.cli.options import Count, Names, device_option, out_option, quiet_option, stacked

DTYPES = ("float32", "bfloat16")
LOSSES = ("soft-bce", "mse", "kl-single", "kl-bernoulli")
DATA = {"rendered": 2000, "generated": 3000, "seed": 0, "side": 224}
TRAINING = {"epochs": 100, "patience": 20, "batch_size": 4, "lr": 1e-4, "decay": 0.975}
TEACHING = {"faces": 8000, "test_faces": 256, "batch_size": 8, "lr": 6e-4, "seed": 0}
"""Defaults of `FaceCounts`, `DistillSettings` and `TeacherSettings`, known without PyTorch."""


def _numbers(defaults: dict[str, Any], helps: dict[str, str]) -> Callable:
    """An option for each entry, of its default's type."""
    options = []
    for name, text in helps.items():
        default = defaults[name]
        kind = Count() if isinstance(default, int) and name != "seed" else type(default)
        flag = f"--{name.replace('_', '-')}"
        options.append(
            click.option(flag, name, type=kind, default=default, show_default=True, help=text)
        )
    return stacked(*options)


_dtype_option = click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    default=DTYPES[0],
    show_default=True,
    help="Precision of training; bfloat16 is faster where the processor has it.",
)
_data_options = stacked(
    click.option(
        "--teacher", default="default", show_default=True, help="Or a file, a folder, hub:NAME."
    ),
    click.option("--data", type=click.Path(path_type=Path), help="Folder of faces; else OUT/data."),
    _numbers(
        DATA,
        {
            "rendered": "Rendered faces to learn from.",
            "generated": "Faces of the generator to learn from.",
            "seed": "Of faces, split, weights and order.",
            "side": "Pixels of a side of images and masks.",
        },
    ),
    click.option("--generator", default="default", show_default=True, help="Of generated faces."),
    click.option("--images", type=click.Path(path_type=Path), help="Folder of own pictures."),
    click.option(
        "--maps", type=click.Path(path_type=Path), help="Folder of their label maps, .png."
    ),
    click.option("--classes", type=int, help="Classes of the label maps."),
    click.option("--hair-class", type=int, help="Learn this class alone, as hair; else all."),
)
_training_options = stacked(
    _numbers(
        TRAINING,
        {
            "epochs": "Most passes over the training images.",
            "patience": "Epochs without progress to stop after.",
            "batch_size": "Images a step.",
            "lr": "Learning rate of the first epoch.",
            "decay": "Of the learning rate, an epoch.",
        },
    ),
    _dtype_option,
    click.option(
        "--start",
        default="random",
        show_default=True,
        metavar="random|lite0|FILE",
        help="First weights: ImageNet's, from the extra hair-lite0, or another student's.",
    ),
    click.option("--train-side", type=int, help="Pixels of a side in training; else --side."),
    click.option("--kl", type=float, help="Weight of the KL at a temperature, e.g. 0.5."),
    click.option("--temperature", type=float, default=4.0, show_default=True, help="Of --kl."),
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
@click.option("--model", type=click.Path(path_type=Path), help="A student; else the shipped one.")
@device_option
@out_option("Folder for the masks, NAME_mask.png.")
@quiet_option
def segment(
    images: tuple[Path, ...], out: Path, model: Path | None, device: str | None, quiet: bool
) -> None:
    """Writes a mask of the hair in each of the IMAGES, files or folders, as 8-bit grey PNG of
    its size: 255 is hair.

    Grey, RGBA and 16-bit pictures are taken too, in any mix of sizes. One that cannot be read is
    passed over and named in the end, with exit code 2.

    \b
    Example:
      vectorfind hair segment portraits other.jpg --out masks
    """
    from vectorfind.runs.hair.jobs import picture_files, segment_files

    segment_files(picture_files(images), out, model, device, _say(quiet))


@hair.command(short_help="Train the teacher on rendered faces.")
@_numbers(
    TEACHING,
    {
        "faces": "Rendered faces to learn from, each once.",
        "test_faces": "Other ones to measure on.",
        "batch_size": "Faces a step.",
        "lr": "Highest learning rate.",
        "seed": "Of faces and weights.",
    },
)
@click.option("--side", type=int, default=224, show_default=True, help="Of the faces, in pixels.")
@_dtype_option
@device_option
@out_option("Folder for teacher.safetensors and the checkpoint.")
@quiet_option
def teacher(out: Path, device: str | None, side: int, quiet: bool, **options: Any) -> None:
    """Trains a SegFormer to parse rendered faces. Resumes where it was stopped.

    \b
    Example:
      vectorfind hair teacher --out runs/hair
    """
    from property_cnn.segmentation.settings import SegformerSettings, TeacherSettings
    from vectorfind.runs.hair.jobs import make_teacher

    settings = TeacherSettings(**options, network=SegformerSettings(side=side))
    path, scores = make_teacher(out, settings, device, _say(quiet))
    listed = ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
    click.echo(f"hair on {settings.test_faces} other faces: {listed}")
    click.echo(f"teacher: {path}")


@hair.command(short_help="Distil a student from the teacher.")
@click.option("--loss", type=click.Choice(LOSSES), default="soft-bce", show_default=True)
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
    settings = _settings(loss, options)
    if options["images"] is not None and options["hair_class"] is None and options["classes"]:
        student = replace(settings.student, classes=options["classes"])
        settings = replace(settings, student=student)
    data, known = _data(out, options, device, quiet)
    from vectorfind.runs.hair.jobs import make_student

    path, found = make_student(out, data, settings, known, device, _say(quiet))
    best = min(row["valid_loss"] for row in found.history)
    click.echo(f"best validation loss {best:.5f} of {len(found.history)} epochs")
    click.echo(f"student: {path}" if path.is_file() else f"checkpoint: {out / 'training.pt'}")


@hair.command(short_help="Test students: table and overlays.")
@click.argument("students", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--teacher", default="default", show_default=True, help="The one that they learned from."
)
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="What they learned from."
)
@click.option("--generator", default="default", show_default=True, help="Of generated faces.")
@device_option
@out_option("Folder for hair_test.csv, hair_test.md and overlays.")
@quiet_option
def test(
    students: tuple[Path, ...],
    teacher: str,
    data: Path,
    generator: str,
    out: Path,
    device: str | None,
    quiet: bool,
) -> None:
    """Scores STUDENTS on the tenth of their faces that was held out: MSE, IoU, DICE, recall and
    precision against the teacher, and on rendered faces against the truth; seconds an image.

    \b
    Example:
      vectorfind hair test runs/hair/student.safetensors --data runs/hair/data --out hair-test
    """
    from property_cnn.common.folders import writable_folder
    from property_cnn.segmentation.segformer import load_teacher
    from vectorfind.runs.hair.data import hair_data, stored_counts
    from vectorfind.runs.hair.table import load_students

    counts = stored_counts(data)
    trained = load_students(students, device)
    known = load_teacher(teacher, device)
    writable_folder(out)
    faces = hair_data(data, counts, known, generator, _say(quiet), device)
    _table(out, trained, faces, known, counts.side, quiet)


@hair.command(short_help="Train and test several losses side by side.")
@click.option(
    "--losses", type=Names(), default=",".join(LOSSES), show_default=True, help="Which ones."
)
@_data_options
@_training_options
@device_option
@out_option("Folder for a student a loss, hair_test.csv and hair_test.md.")
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
    if options["images"] is not None:
        raise InputError("--images is for hair distill; compare takes rendered and generated faces")
    wanted = [_settings(loss, options) for loss in losses]
    if not wanted:
        raise InputError(f"no losses to compare; give some of {', '.join(LOSSES)}")
    data, known = _data(out, options, device, quiet)
    from vectorfind.runs.hair.jobs import make_student
    from vectorfind.runs.hair.table import load_students

    say, paths = _say(quiet), []
    for settings in wanted:
        folder = out / settings.loss
        paths.append(make_student(folder, data, settings, known, device, say)[0])
    _table(out, load_students(paths, device), data, known, options["side"], quiet)


def _say(quiet: bool) -> Callable[[str], None]:
    return (lambda line: None) if quiet else click.echo


def _settings(loss: str, options: dict[str, Any]) -> Any:
    from property_cnn.segmentation.settings import DistillSettings, TermSettings

    layers = {name: options[name] for name in ("student_layers", "teacher_layers") if options[name]}
    terms = tuple(
        TermSettings(kind, options[kind], options["temperature"], **layers)
        for kind in ("kl", "at", "sp")
        if options[kind] is not None
    )
    numbers = {name: options[name] for name in (*TRAINING, "seed", "dtype", "start")}
    numbers["side"] = options["train_side"] or options["side"]
    return DistillSettings(loss=loss, terms=terms, **numbers)


def _data(out: Path, options: dict[str, Any], device: str | None, quiet: bool):
    """The data set, and the teacher or None where none is needed."""
    from property_cnn.common.folders import writable_folder
    from property_cnn.segmentation.segformer import load_teacher

    images, maps, classes = options["images"], options["maps"], options["classes"]
    given = options["teacher"]
    if (images is None) != (maps is None) or (images is not None and classes is None):
        raise InputError("own pictures need all three of --images, --maps and --classes")
    if images is not None:
        from property_cnn.segmentation.data import LabelledFolder

        data = LabelledFolder(images, maps, classes, options["hair_class"])
        taught = any(options[term] is not None for term in ("kl", "at", "sp"))
        return data, load_teacher(given, device) if taught else None
    from vectorfind.runs.hair.data import FaceCounts, hair_data

    counts = FaceCounts(**{name: options[name] for name in DATA})
    known = load_teacher(given, device)
    writable_folder(out)
    place = options["data"] or out / "data"
    return hair_data(place, counts, known, options["generator"], _say(quiet), device), known


def _table(out: Path, students: Any, data: Any, teacher: Any, side: int, quiet: bool) -> None:
    from vectorfind.runs.hair.table import markdown, score_students, write_table

    table, shown = score_students(students, data, teacher, side, _say(quiet))
    write_table(out, table, shown)
    click.echo(markdown(table).rstrip())
    click.echo(f"table: {out / 'hair_test.csv'}")
