"""The hair segmenter's files: masks of pictures, the teacher, and students."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError, SkippedError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.tasks import one_thread, training_threads
from property_cnn.common.training_state import is_state
from property_cnn.hair.segmenter import load_hair_segmenter
from property_cnn.hair.teacher import save_teacher
from property_cnn.hair.teacher_training import train_teacher
from property_cnn.jobs.folder import Claim, Work, open_folder
from property_cnn.pictures import SUFFIXES, encoded, read_image, to_tensor
from property_cnn.segmentation.data import Dataset
from property_cnn.segmentation.distill import Distilled, distill
from property_cnn.segmentation.metrics import THRESHOLD
from property_cnn.segmentation.networks.files import save_student
from property_cnn.segmentation.settings import DistillSettings, TeacherSettings
from property_cnn.segmentation.teachers import Teacher
from reports import figure_png
from reports.plots.overlays import overlay_sheet

TEACHER, STUDENT = "teacher.safetensors", "student.safetensors"
TEACHER_TRAINING = "teacher_training.pt"
TRAINING = ("training.pt", "valid_loss.csv")
OVERLAYS = "overlays"
_STUDENTS = ((STUDENT, *TRAINING, f"{OVERLAYS}/epoch_*.png"), ("data",))
"""Patterns of what a student's training writes, and the folder of its data."""

Log = Callable[[str], None]


@one_thread()
def segment_files(
    paths: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    model: str | os.PathLike | None = None,
    device: str | None = None,
    log: Log = print,
) -> list[Path]:
    """Writes a soft mask, 8-bit grey of the picture's size, for each picture file.

    Pictures of any sizes and kinds are taken one by one. Those that cannot be read are passed
    over, and named in the error that follows when all others are done.

    Args:
        paths: of pictures; the mask of x.png is x_mask.png.
        out: folder of the masks.
        model: a file of `hair distill`; the shipped segmenter if not given.
        device: where it runs.
        log: called with a line for each picture.

    Raises:
        InputError: two pictures have one name, or none could be read.
        SkippedError: some could not be read; the masks of all others are written.
    """
    out = Path(out)
    paths = [Path(path) for path in paths]
    targets = [out / f"{path.stem}_mask.png" for path in paths]
    twice = sorted({path.name for path in targets if targets.count(path) > 1})
    if twice:
        raise InputError(f"several pictures would become {twice[0]}; rename them or use two --out")
    segmenter = load_hair_segmenter(model, choose_device(device))
    writable_folder(out)
    written, problems = [], []
    for path, target in zip(paths, targets, strict=True):
        try:
            pixels = read_image(path)
        except InputError as error:
            problems.append(str(error))
            continue
        mask = segmenter(to_tensor(pixels[None]))[0, 0].cpu()
        atomic_write(target, encoded(mask.mul(255).round().byte().numpy()))
        written.append(target)
        share = float((mask >= THRESHOLD).float().mean())
        log(f"{target}: {f'{share:.1%} hair' if share else 'no hair found'}")
    if problems:
        raise (SkippedError if written else InputError)(
            f"{len(problems)} of {len(paths)} pictures could not be read: {'; '.join(problems)}"
        )
    return written


@training_threads()
def make_teacher(
    out: str | os.PathLike,
    settings: TeacherSettings | None = None,
    device: str | None = None,
    log: Log = print,
) -> tuple[Path, dict[str, float]]:
    """Trains the teacher in a folder, or goes on with it; its file, and its scores for hair."""
    settings = settings or TeacherSettings()
    place = choose_device(device)
    with _trained_in(out, log, (TEACHER, TEACHER_TRAINING)) as work:
        teacher, scores = train_teacher(settings, work.folder / TEACHER_TRAINING, log, place)
        about = {"recipe": asdict(settings), "scores": scores}
        save_teacher(teacher.network, work.folder / TEACHER, teacher.side, about)
    return Path(out) / TEACHER, scores


def make_student(
    out: str | os.PathLike,
    data: Dataset,
    settings: DistillSettings,
    teacher: Teacher | None = None,
    device: str | None = None,
    log: Log = print,
) -> tuple[Path, Distilled]:
    """Distils a student in a folder, or goes on with it.

    Leaves `student.safetensors` (the best epoch), `valid_loss.csv`, `training.pt`,
    and in `overlays/` a picture of fixed validation images for each epoch.
    """
    with _trained_in(out, log, *_STUDENTS) as work:
        distilled = distill(
            data,
            settings,
            teacher if settings.terms else None,
            work.folder,
            log,
            choose_device(device),
            _overlay_writer(work.folder / OVERLAYS, settings.loss),
        )
        about: dict[str, Any] = {
            "recipe": asdict(settings),
            "data": data.digest,
            "teacher": getattr(teacher, "digest", ""),
            "epochs": len(distilled.history),
            "valid_loss": min(row["valid_loss"] for row in distilled.history),
        }
        save_student(distilled.student, work.folder / STUDENT, settings.side, about)
    return Path(out) / STUDENT, distilled


def check_student_folder(out: str | os.PathLike) -> None:
    """Raises InputError where a student cannot be trained in a folder, before anything is made."""
    with open_folder(out, _training_claim(*_STUDENTS)):
        pass


@contextmanager
def _trained_in(
    out: str | os.PathLike, log: Log, written: tuple[str, ...], stores: tuple[str, ...] = ()
) -> Iterator[Work]:
    """A folder of a training, whose state says itself what it is of; its files are listed."""
    with open_folder(out, _training_claim(written, stores)) as work:
        work.begin_again()
        yield work
        lost = sorted(name for name in work.faults if name not in work.written)
        if work.finished and lost:
            log(f"not made again, since only training makes them: {', '.join(lost)}")
        work.finish()


def _training_claim(written: tuple[str, ...], stores: tuple[str, ...] = ()) -> Claim:
    def ours(folder: Path) -> bool:
        return any(is_state(folder / name) for name in (TEACHER_TRAINING, TRAINING[0]))

    return Claim("", {"kind": written[0]}, written=written, stores=stores, ours=ours)


def picture_files(given: Iterable[str | os.PathLike]) -> list[Path]:
    """The files given, and the pictures in the folders given, in order.

    Raises:
        InputError: a folder has no pictures, or nothing was given.
    """
    files: list[Path] = []
    for path in map(Path, given):
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not inside:
            raise InputError(f"no pictures in {path}; they end in {', '.join(SUFFIXES)}")
        files += inside
    if not files:
        raise InputError("no pictures given; name files or folders")
    return files


def _overlay_writer(folder: Path, name: str) -> Callable[[int, Tensor, Tensor, Tensor], None]:
    def show(epoch: int, images: Tensor, targets: Tensor, predicted: Tensor) -> None:
        if predicted.shape[1] != 1:  # of several classes: where the student and the labels agree
            predicted, targets = _agreement(predicted, targets)
        figure = overlay_sheet(
            images.numpy(),
            predicted[:, 0].numpy(),
            targets[:, 0].numpy(),
            title=f"{name}, epoch {epoch}, validation images",
        )
        atomic_write(folder / f"epoch_{epoch:03d}.png", figure_png(figure))

    return show


def _agreement(predicted: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The first class that occurs in the labels beside class 0, as masks predicted and wanted."""
    labels = targets if targets.ndim == 3 else targets.argmax(dim=1)
    others = [int(label) for label in labels.unique() if 0 < label < predicted.shape[1]]
    chosen = others[0] if others else 0
    return (
        (predicted.argmax(dim=1) == chosen).float()[:, None],
        (labels == chosen).float()[:, None],
    )
