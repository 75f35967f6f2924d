"""Courses in folders: networks trained side by side, gone on with after a stop, kept as files.

results.json              how each network fared: checks on the way, last and best weights
NAME.safetensors          its last weights
training.safetensors      the state of a training that has not ended
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text, read_json
from property_cnn.common.progress import Progress
from property_cnn.common.training_state import is_state
from property_cnn.jobs.folder import Claim, open_folder
from property_cnn.segmentation.labelled import Fold, LabelledImages
from property_cnn.segmentation.networks.files import load_network, save_segmenter
from property_cnn.segmentation.settings import ScheduleSettings
from property_cnn.segmentation.training import Course, Lesson, course_marks, train_together

RESULTS, TRAINING = "results.json", "training.safetensors"

Log = Callable[[str], None]


@dataclass(frozen=True)
class Taught:
    """Networks that were trained side by side.

    Attributes:
        networks: name -> network with the last weights, in evaluation mode.
        courses: name -> how it fared.
    """

    networks: dict[str, nn.Module]
    courses: dict[str, Course]


@dataclass(frozen=True)
class Followed:
    """What students follow.

    Attributes:
        network: in evaluation mode, with `logits`.
        digest: names its weights.
    """

    network: nn.Module
    digest: str


def train_in(  # noqa: PLR0913, its keywords are the interface
    folder: str | os.PathLike,
    lessons: Mapping[str, Lesson],
    data: LabelledImages,
    fold: Fold,
    settings: ScheduleSettings,
    teacher: Followed | None = None,
    label: str = "training",
    dtype: torch.dtype = torch.float16,
    device: str | torch.device = "cpu",
    log: Log | None = None,
    quiet: bool = True,
) -> Taught:
    """Trains networks in a folder, or goes on with them, or reads what is finished there.

    Args:
        folder: made if there is none.
        lessons, data, fold, settings, device: as for `train_together`.
        teacher: what they follow.
        label: what progress calls it.
        dtype: of the large weights in the files.
        log: called with a line at every check.
        quiet: tell no progress.

    Raises:
        InputError: the folder is of another training, or holds other files.
        CheckpointError: a state or a network in it is damaged.
    """
    terms = {name: lesson.terms for name, lesson in lessons.items()}
    marks = course_marks(terms, data, fold, settings, teacher.digest if teacher else "")
    with open_folder(folder, _claim(lessons)) as work:
        place = work.folder
        finished = _finished(place, lessons, marks)
        if finished is not None:
            return finished
        work.begin_again()
        progress = Progress(label, settings.iterations, "iterations", quiet)
        courses = train_together(
            lessons, data, fold, settings, None if teacher is None else teacher.network,
            teacher.digest if teacher else "", place / TRAINING, _told(progress), log, device,
        )  # fmt: skip
        for name, lesson in lessons.items():
            about = {
                "resize": settings.resize,
                "recipe": asdict(settings),
                "terms": [asdict(term) for term in lesson.terms],
                "data": data.digest,
                "made_from": marks,
            }
            classes = data.classes
            save_segmenter(
                lesson.network, place / f"{name}.safetensors", classes.names, classes.palette,
                about, dtype,
            )  # fmt: skip
        stored = {name: _plain(course) for name, course in courses.items()}
        atomic_write(place / RESULTS, json_text({"made_from": marks, "courses": stored}))
        work.remove(TRAINING)
        work.finish()
    return _finished(place, lessons, marks)


def _claim(lessons: Mapping[str, Lesson]) -> Claim:
    def ours(folder: Path) -> bool:
        return is_state(folder / TRAINING)

    written = (RESULTS, TRAINING, *(f"{name}.safetensors" for name in lessons))
    return Claim("", {"kind": "segmentation training"}, written=written, ours=ours)


def _finished(folder: Path, lessons: Mapping[str, Lesson], marks: str) -> Taught | None:
    """What is finished in a folder; None where that is not all.

    Raises:
        InputError: it was made from something else.
    """
    if not (folder / RESULTS).is_file():
        return None
    try:
        results = read_json(folder / RESULTS)
    except InputError:  # damaged: made again from the files that are there
        return None
    other = InputError(
        f"{folder} holds a training with other settings or data; choose another --out, or "
        "remove it to begin again"
    )
    if results.get("made_from") != marks:
        raise other
    networks = {}
    for name, lesson in lessons.items():
        try:
            network, card = load_network(folder / f"{name}.safetensors")
        except CheckpointError:
            return None
        if card.get("made_from") != marks:
            return None
        if _shapes(network) != _shapes(lesson.network):  # the marks name no network
            raise other
        networks[name] = network
    courses = {
        name: Course(**{key: _numbers(value) for key, value in course.items()})
        for name, course in results["courses"].items()
    }
    return Taught(networks, courses)


def _shapes(network: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


def _told(progress: Progress) -> Callable[[int], None]:
    """Tells progress of the first iterations, if they were made before, apart from the others."""
    first = True

    def tell(iterations: int) -> None:
        nonlocal first
        if first and iterations > 1:
            progress.skip(iterations)
        else:
            progress.advance(iterations)
        first = False

    return tell


def _plain(course: Course) -> dict[str, Any]:
    """A course without its weights, as JSON holds it; NaN is null."""
    values = asdict(course)
    del values["best_weights"]
    return json.loads(json.dumps(values, default=str), parse_constant=lambda name: None)


def _numbers(value: Any) -> Any:
    """The same with NaN for null."""
    if value is None:
        return math.nan
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return (
        {key: _numbers(each) for key, each in value.items()} if isinstance(value, dict) else value
    )
