"""Students of one teacher compared: each distillation term, in each fold, against none.

    fold1-teacher/     the teacher that was trained on the other folds
    fold1-seed0/       the student without terms and those with, on the same crops
    fold1-seed1/       the student without terms again, from another seed
    students.csv       what they score; checks.csv on the way, differences.csv what is clear

Every folder inside is a training that goes on after a stop; where several processes are given
one folder, each takes a fold that no other works on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.networks import weights_digest
from property_cnn.common.tasks import one_thread
from property_cnn.jobs.folder import Claim, Work, open_again
from property_cnn.segmentation.labelled import Fold, LabelledImages
from property_cnn.segmentation.networks.files import Segmenter, network_layers, new_network
from property_cnn.segmentation.training import Lesson
from reports.analysis.segmentation import differences
from reports.layout import (
    BASELINE,
    CHECKS,
    CONFIG,
    FIGURES,
    OVERLAYS_FIGURE,
    REFERENCE,
    REPORT,
    SEGMENTATION_KIND,
    STUDENT_DIFFERENCES,
    STUDENTS,
    STUDENTS_TEXT,
    TEACHER,
    figure_path,
)
from reports.plots.style import Plot
from reports.tables import csv_text
from vectorfind.runs.record import versions
from vectorfind.runs.report import Report, own_report
from vectorfind.runs.segmentation.courses import Followed, Taught, train_in
from vectorfind.runs.segmentation.data import absent_classes, folds_of, open_labelled
from vectorfind.runs.segmentation.overlays import compared_overlays
from vectorfind.runs.segmentation.settings import LabelledData, StudySettings, term_settings
from vectorfind.runs.segmentation.table import check_rows, course_rows, frame_of, markdown

Log = Callable[[str], None]


@one_thread()
def compare_students(  # noqa: PLR0913, its keywords are the interface
    out: str | os.PathLike,
    data: LabelledData,
    settings: StudySettings | None = None,
    reference: str | os.PathLike | None = None,
    command: str = "",
    device: str | None = None,
    log: Log | None = None,
    quiet: bool = True,
) -> Report:
    """Trains teachers and students in every fold, and writes tables, plots and the page; resumes.

    Args:
        out: the folder.
        data: images with label maps, and their folds.
        settings: networks, terms, seeds and the schedule.
        reference: a table of figures from elsewhere, shown beside: CSV with a column `model`.
        command: the command line, to be kept.
        device: where to train.
        log: called with lines of text.
        quiet: tell no progress.

    Raises:
        InputError: data or settings that cannot be used, or a folder of another comparison.
    """
    settings = settings or StudySettings()
    log = log or (lambda line: None)
    images = open_labelled(data, settings.schedule.resize)
    folds = folds_of(data, images)
    pixels = images.pixels()
    for number, fold in enumerate(folds, start=1):
        absent = absent_classes(pixels, images, fold)
        if absent:
            log(f"fold {number}: no test image shows {', '.join(absent)}; its IoU is left out")
    beside = None if reference is None else _reference(Path(reference))
    config = _config(data, settings, images, command)
    inner = tuple(_folders(len(folds), settings))
    claim = Claim(CONFIG, config, _decides, (*_WRITTEN,), stores=inner)
    with open_again(out, claim) as work:
        root = work.folder
        place = choose_device(device)
        rows, checks = [], []
        for number, fold in enumerate(folds, start=1):
            train = _FoldTraining(root, number, images, fold, settings, place, log, quiet)
            trained = train.all()
            if number == 1:
                overlays = _overlays(trained, images, fold, settings, place)
            for seed, taught in trained:
                names = images.classes.names
                rows += course_rows(taught.courses, number, seed, names)
                checks += check_rows(taught.courses, number, seed, names)
        table = frame_of(rows, images.classes.names)
        atomic_write(root / STUDENTS, csv_text(table))
        atomic_write(root / STUDENTS_TEXT, markdown(table))
        atomic_write(root / CHECKS, csv_text(frame_of(checks, images.classes.names)))
        atomic_write(root / STUDENT_DIFFERENCES, csv_text(differences(table)))
        if beside is not None:
            atomic_write(root / REFERENCE, csv_text(beside))
        _write_overlays(work, overlays)
        return own_report(root)


_WRITTEN = (
    *(STUDENTS, STUDENTS_TEXT, CHECKS, STUDENT_DIFFERENCES, REFERENCE, REPORT),
    f"{FIGURES}/*.png",
)

_ASIDE = "shown_images"  # of the settings; decides no training


class _FoldTraining:
    """The trainings of one fold."""

    def __init__(  # noqa: PLR0913, they are what a fold's trainings share
        self,
        root: Path,
        number: int,
        images: LabelledImages,
        fold: Fold,
        settings: StudySettings,
        device: torch.device,
        log: Log,
        quiet: bool,
    ):
        self.root, self.number, self.settings, self.log = root, number, settings, log
        self._shared = {"data": images, "fold": fold, "device": device, "quiet": quiet}
        self.classes = len(images.classes)

    def all(self) -> Sequence[tuple[int, Taught]]:
        """(seed, networks) of the teacher, of the students, and of the baseline's other seeds."""
        schedule = self.settings.teacher_schedule()
        network = new_network(self.settings.teacher, self.classes, schedule.seed)
        taught = self._train(TEACHER, {TEACHER: Lesson(network)}, schedule, torch.float32)
        teacher = taught.networks[TEACHER].requires_grad_(False)
        followed = Followed(teacher, weights_digest(teacher.state_dict()))
        done = [(schedule.seed, taught)]
        for seed in self.settings.seeds():
            first = seed == self.settings.schedule.seed
            lessons = self._lessons(seed, teacher if first else None)
            own = replace(self.settings.schedule, seed=seed)
            name = f"seed{seed}"
            done.append(
                (seed, self._train(name, lessons, own, teacher=followed if first else None))
            )
        return done

    def _lessons(self, seed: int, teacher: torch.nn.Module | None) -> dict[str, Lesson]:
        """Students from the same first weights: without terms, and with them for a teacher."""
        terms: dict[str, tuple] = {BASELINE: ()}
        if teacher is not None:
            layers = network_layers(self._new(seed)), network_layers(teacher)
            found = term_settings(self.settings.terms, self.settings.temperature, *layers)
            terms |= {name: (term,) for name, term in found.items()}
        return {name: Lesson(self._new(seed), each) for name, each in terms.items()}

    def _new(self, seed: int) -> torch.nn.Module:
        return new_network(self.settings.student, self.classes, seed)

    def _train(
        self,
        name: str,
        lessons: dict[str, Lesson],
        schedule: Any,
        dtype: torch.dtype = torch.float16,
        teacher: Followed | None = None,
    ) -> Taught:
        label = f"fold {self.number}, {name}"
        return train_in(
            self.root / f"fold{self.number}-{name}", lessons, settings=schedule, teacher=teacher,
            label=label, dtype=dtype, log=lambda line: self.log(f"{label}: {line}"), **self._shared,
        )  # fmt: skip


def _overlays(
    trained: Sequence[tuple[int, Taught]],
    images: LabelledImages,
    fold: Fold,
    settings: StudySettings,
    device: torch.device,
) -> Plot | None:
    """What the teacher of a fold and the students of the first seed tell in some test images."""
    if not settings.shown_images:
        return None
    (_, teacher), (_, students), *_ = trained
    segmenters = {
        name: Segmenter(network, images.classes, settings.schedule.resize, device)
        for name, network in (teacher.networks | students.networks).items()
    }
    return compared_overlays(segmenters, images, fold.test, settings.shown_images)


def _write_overlays(work: Work, overlays: Plot | None) -> None:
    paths = [figure_path(OVERLAYS_FIGURE, narrow) for narrow in (False, True)]
    if overlays is None:
        work.remove(*paths)
        return
    for path, content in zip(paths, (overlays.wide, overlays.narrow), strict=True):
        atomic_write(work.folder / path, content)


def _folders(folds: int, settings: StudySettings) -> list[str]:
    names = [TEACHER, *(f"seed{seed}" for seed in settings.seeds())]
    return [f"fold{number}-{name}" for number in range(1, folds + 1) for name in names]


def _config(
    data: LabelledData, settings: StudySettings, images: LabelledImages, command: str
) -> dict[str, Any]:
    own = {name: value for name, value in asdict(data).items() if not isinstance(value, Path)}
    return {
        "kind": SEGMENTATION_KIND,
        "data": {**own, "classes": list(images.classes.names), "n": len(images)},
        "digest": images.digest,
        "study": asdict(settings),
        "command": command,
        "versions": versions(),
    }


def _decides(config: dict) -> dict:
    decisive = {key: config.get(key) for key in ("kind", "data", "digest", "study")}
    if isinstance(decisive["study"], dict):
        study = {key: value for key, value in decisive["study"].items() if key != _ASIDE}
        decisive["study"] = study
    return decisive


def _reference(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors
        raise InputError(f"{path} is no CSV that can be read; leave --reference out") from error
    if "model" not in table.columns or len(table.columns) < 2:
        raise InputError(f"{path} has no column model beside others; leave --reference out")
    return table
