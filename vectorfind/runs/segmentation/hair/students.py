"""Students of the hair teacher: one distilled, several compared, any tested; files in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.folders import begins_with, writable_folder
from property_cnn.common.tasks import one_thread, training_threads
from property_cnn.hair.teacher import load_teacher
from property_cnn.jobs.folder import Claim, open_again
from property_cnn.segmentation.data import Dataset, LabelledSquares
from property_cnn.segmentation.distill import Distilled
from property_cnn.segmentation.labelled import Classes, LabelledImages
from property_cnn.segmentation.settings import LOSSES, DistillSettings
from property_cnn.segmentation.teachers import Teacher
from vectorfind.runs.segmentation.hair.data import hair_data, stored_counts
from vectorfind.runs.segmentation.hair.jobs import check_student_folder, make_student
from vectorfind.runs.segmentation.hair.settings import Lessons
from vectorfind.runs.segmentation.hair.table import (
    COLUMNS,
    OVERLAY,
    TABLES,
    load_students,
    score_students,
    write_table,
)

Log = Callable[[str], None]


@training_threads()
def distil_student(
    out: str | os.PathLike,
    lessons: Lessons,
    settings: DistillSettings,
    device: str | None = None,
    log: Log = print,
) -> tuple[Path, Distilled]:
    """Makes what is missing of the data, and trains a student on it in a folder; resumes.

    Returns:
        The path of the student, and how it was trained.
    """
    pictures = lessons.pictures
    if pictures is not None and pictures.hair_class is None:
        settings = replace(settings, student=replace(settings.student, classes=pictures.classes))
    check_student_folder(out)
    data, teacher = _data(out, lessons, bool(settings.terms), device, log)
    return make_student(out, data, settings, teacher, device, log)


@training_threads()
def compare_losses(
    out: str | os.PathLike,
    lessons: Lessons,
    settings: Sequence[DistillSettings],
    device: str | None = None,
    log: Log = print,
) -> pd.DataFrame:
    """Distils a student with each settings' loss on the same faces, in a folder of that name, and
    writes one test table of all; resumes.

    Raises:
        InputError: there is no loss, or own pictures were given.
    """
    if lessons.pictures is not None:
        raise InputError("--images is for hair distill; compare takes rendered and generated faces")
    if not settings:
        raise InputError(f"no losses to compare; give some of {', '.join(LOSSES)}")
    inner = ("data", *(each.loss for each in settings))
    with open_again(out, _table_claim(inner)) as work:
        data, teacher = _data(out, lessons, True, device, log)
        paths = [
            make_student(Path(out) / each.loss, data, each, teacher, device, log)[0]
            for each in settings
        ]
        students = load_students(paths, device)
        table, shown = score_students(students, data, teacher, lessons.faces.side, log)
        write_table(work.folder, table, shown)
    return table


@one_thread()
def score_files(
    out: str | os.PathLike,
    paths: Sequence[str | os.PathLike],
    lessons: Lessons,
    device: str | None = None,
    log: Log = print,
) -> pd.DataFrame:
    """Scores students on the faces of `lessons.data` that were held out, and writes the table.

    Raises:
        CheckpointError: a student, the teacher or the data are missing or damaged.
        InputError: a student was trained on other data.
    """
    counts = stored_counts(lessons.data)
    students = load_students(paths, device)
    with open_again(out, _table_claim()) as work:
        data, teacher = _data(out, replace(lessons, faces=counts), True, device, log)
        table, shown = score_students(students, data, teacher, counts.side, log)
        write_table(work.folder, table, shown)
    return table


def _table_claim(inner: tuple[str, ...] = ()) -> Claim:
    """A folder for a table of students, and for those that are distilled in it."""

    def ours(folder: Path) -> bool:
        return begins_with(folder / TABLES[0], ",".join(COLUMNS))

    written = (*TABLES, f"{OVERLAY}*.png")
    return Claim("", {"kind": "hair test"}, written=written, stores=inner, ours=ours)


def _data(
    out: str | os.PathLike, lessons: Lessons, taught: bool, device: str | None, log: Log
) -> tuple[Dataset, Teacher | None]:
    """What students learn from, and the teacher; None where own pictures need none."""
    pictures = lessons.pictures
    if pictures is not None:
        classes = Classes.numbered(pictures.classes)
        images = LabelledImages(pictures.images, pictures.maps, classes)
        data = LabelledSquares(images, pictures.hair_class)
        return data, load_teacher(lessons.teacher, device) if taught else None
    teacher = load_teacher(lessons.teacher, device)
    writable_folder(out)
    place = lessons.data or Path(out) / "data"
    return hair_data(place, lessons.faces, teacher, lessons.generator, log, device), teacher
