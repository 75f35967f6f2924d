"""The test table of hair students: masks against the teacher's and the true ones, and seconds."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.hair.data import HairData
from property_cnn.hair.segmenter import HairSegmenter
from property_cnn.segmentation.distill import split_rows
from property_cnn.segmentation.metrics import METRICS, MaskScores
from property_cnn.segmentation.networks.files import load_student
from property_cnn.segmentation.teachers import Teacher, hair_probability
from reports import figure_png
from reports.plots.overlays import overlay_sheet

NETWORK, IMAGES, AGAINST, COUNT, SECONDS = "network", "images", "against", "n", "seconds_per_image"
COLUMNS = (NETWORK, IMAGES, AGAINST, COUNT, *METRICS, SECONDS)
"""Columns of `hair_test.csv`."""

TEACHER, TRUTH, TEACHERS = "teacher", "truth", "teacher against truth"
"""What masks are compared with."""

TABLES, OVERLAY = ("hair_test.csv", "hair_test.md"), "overlay_"
"""Names of the files, and the beginning of the pictures' names."""

_BATCH = 16
_TIMED = 9  # images that seconds are the median of
_SHOWN = 6  # images of an overlay picture


@dataclass(frozen=True)
class TrainedStudent:
    """A student, and what it was trained on.

    Attributes:
        name: in the table.
        segmenter: the network.
        seed: of its split.
        data: the text that names what it was trained on.
    """

    name: str
    segmenter: HairSegmenter
    seed: int
    data: str


def load_students(
    paths: Sequence[str | os.PathLike], device: str | torch.device | None = None
) -> list[TrainedStudent]:
    """Students from their files, named by their losses, or their folders where those are equal.

    Raises:
        CheckpointError: a file is missing, damaged or of another kind.
        InputError: a file does not tell what it was trained on.
    """
    students, losses = [], []
    for path in paths:
        network, card = load_student(path)
        segmenter = HairSegmenter(network, device, card["side"])
        if not {"recipe", "data"} <= card.keys():
            raise InputError(f"{path} does not tell what it was trained on; distil it again")
        losses.append(card["recipe"]["loss"])
        students.append(TrainedStudent(losses[-1], segmenter, card["recipe"]["seed"], card["data"]))
    if len(set(losses)) == len(losses):
        return students
    names = [str(Path(path).parent.name or Path(path).stem) for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    return [
        TrainedStudent(name, student.segmenter, student.seed, student.data)
        for name, student in zip(names, students, strict=True)
    ]


def score_students(
    students: Sequence[TrainedStudent],
    data: HairData,
    teacher: Teacher | None = None,
    side: int = 224,
    log: Callable[[str], None] | None = None,
) -> tuple[pd.DataFrame, dict[str, tuple[Tensor, Tensor, Tensor]]]:
    """Scores on the test tenth of a data set, that no student was trained or chosen on.

    Args:
        students: all trained on this data set.
        data: with the teacher's masks; kinds with true masks are scored against those too, as
            are the teacher's masks themselves.
        teacher: timed beside the students if given.
        side: of images and masks.
        log: called with a line a student.

    Returns:
        The table with `COLUMNS`, and "student kind" -> images, masks predicted and target (K, S, S)
        to show.

    Raises:
        InputError: a student was trained on other data.
    """
    for student in students:
        if student.data != data.digest:
            raise InputError(
                f"{student.name} was trained on other images or another teacher's masks, so none "
                "are known to be held out; give the --data that it was trained on"
            )
    slow = np.nan
    if teacher is not None:
        slow = _seconds(_answering(teacher), data, _test_rows(data, students[0]), side)
    rows, shown = [], {}
    for student in students:
        test = _test_rows(data, student)
        seconds = _seconds(student.segmenter, data, test, side)
        for kind, part in enumerate(data.parts):
            chosen = test[data.kinds[test] == kind]
            if not len(chosen):
                continue
            about = (part.name, len(chosen))
            scores = _kind_scores(student, data, chosen, side, part.truth is not None)
            rows += [_row(student.name, to, about, scores[to], seconds) for to in (TEACHER, TRUTH)
                     if to in scores]  # fmt: skip
            if TEACHERS in scores and student is students[0]:
                rows.append(_row(TEACHER, TRUTH, about, scores[TEACHERS], slow))
            images, soft = data.batch(chosen[:_SHOWN], side)
            answer = student.segmenter(images)[:, 0].cpu()
            shown[f"{student.name} {part.name}"] = (images, answer, soft[:, 0])
        if log is not None:
            log(f"tested {student.name}: {seconds:.4f} s an image")
    if teacher is not None and not any(row[0] == TEACHER for row in rows):
        rows.append((TEACHER, "", "", 0, *[np.nan] * len(METRICS), slow))
    return pd.DataFrame(rows, columns=list(COLUMNS)), shown


def _test_rows(data: HairData, student: TrainedStudent) -> np.ndarray:
    return split_rows(len(data), student.seed).test


def _kind_scores(
    student: TrainedStudent, data: HairData, rows: np.ndarray, side: int, known: bool
) -> dict[str, MaskScores]:
    """Scores on images of one kind: of the student against the teacher, and where the true masks
    are `known`, of both against those.
    """
    scores = {to: MaskScores() for to in ((TEACHER, TRUTH, TEACHERS) if known else (TEACHER,))}
    for batch in np.array_split(rows, -(-len(rows) // _BATCH)):
        images, soft = data.batch(batch, side)
        answer = student.segmenter(images)[:, 0].cpu()
        scores[TEACHER].add(answer, soft[:, 0])
        if known:
            truth = data.truth(batch, side)
            scores[TRUTH].add(answer, truth)
            scores[TEACHERS].add(soft[:, 0], truth)
    return scores


def write_table(
    out: str | os.PathLike,
    table: pd.DataFrame,
    shown: Mapping[str, tuple[Tensor, Tensor, Tensor]],
) -> list[Path]:
    """Writes `hair_test.csv`, `hair_test.md`, and an overlay picture a student and kind."""
    out = Path(out)
    paths = [out / name for name in TABLES]
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    atomic_write(paths[0], text)
    atomic_write(paths[1], markdown(table))
    for name, (images, predicted, target) in shown.items():
        figure = overlay_sheet(
            images.numpy(), predicted.numpy(), target.numpy(), title=f"{name}: student and teacher"
        )
        paths.append(out / f"{OVERLAY}{name.replace(' ', '_').replace(os.sep, '_')}.png")
        atomic_write(paths[-1], figure_png(figure))
    return paths


def markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, as in docs/hair.md, and what the figures mean."""
    heads = ("network", "images", "against", "n", "MSE", "IoU", "DICE", "recall", "precision", "s")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in table.itertuples(index=False):
        values = row._asdict()
        scores = [_number(values[name], 6 if name == "mse" else 4) for name in METRICS]
        cells = [values[NETWORK], values[IMAGES], values[AGAINST], f"{values[COUNT]:,}", *scores]
        lines.append(f"| {' | '.join([*cells, _number(values[SECONDS], 4)])} |")
    fast = table[table[NETWORK] != TEACHER][SECONDS].median()
    slow = table[table[NETWORK] == TEACHER][SECONDS].median()
    lines += ["", "Pooled over all pixels of the test images; both masks cut at 0.5, MSE before."]
    lines.append(f"Seconds an image, one by one, on {torch.get_num_threads()} threads of this CPU.")
    if slow == slow and fast:
        lines.append(f"The teacher takes {slow / fast:.1f} times a student's time.")
    return "\n".join(lines) + "\n"


def _row(name: str, against: str, about: tuple[str, int], scores: MaskScores, seconds: float):
    values = scores.result()
    return (name, about[0], against, about[1], *[values[key] for key in METRICS], seconds)


def _answering(teacher: Teacher) -> Callable[[Tensor], Tensor]:
    return lambda images: hair_probability(teacher, images)


def _seconds(network: Callable, data: HairData, rows: np.ndarray, side: int) -> float:
    """Median seconds of an image alone, after one that is not counted."""
    taken = []
    for row in np.resize(rows, _TIMED + 1):
        images, _ = data.batch(np.array([row]), side)
        started = time.perf_counter()
        network(images).cpu()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def _number(value: float, digits: int) -> str:
    return "—" if value != value else f"{value:.{digits}f}"
