"""Training on label maps of any classes: crops, a rate that warms up and falls, evaluations.

Several students that follow one teacher are trained side by side: each crop is read once, and the
teacher answers it once for all. A student's weights are the same as if it were trained alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.devices import autocast
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.streams import CROPS, random_stream
from property_cnn.common.training_state import (
    fingerprint,
    own_state,
    parts_state,
    restore_parts,
    save_state,
)
from property_cnn.pictures import to_tensor
from property_cnn.segmentation.augment import random_crop
from property_cnn.segmentation.labelled import Fold, LabelledImages, spread
from property_cnn.segmentation.losses import soft_bce
from property_cnn.segmentation.metrics import ClassScores
from property_cnn.segmentation.settings import SMALLEST, ScheduleSettings, TermSettings
from property_cnn.segmentation.terms import LayerTaps, compared_layers, map_loss, soft_kl
from property_cnn.segmentation.trust import class_trust, class_weights, pixel_weights

CHECKPOINT = "segmentation training 1"

_BATCH = 8  # images of an evaluation at once
_SAME = 1e-4  # relative difference of lengths up to which weights are the same


@dataclass(frozen=True)
class Lesson:
    """What one student learns beside the labels.

    Attributes:
        network: with `logits`; put in training mode where it is trained.
        terms: distillation terms, whose weights stand beside the labels' cross-entropy of 1.
    """

    network: nn.Module
    terms: tuple[TermSettings, ...] = ()


@dataclass
class Course:
    """How a student's training went.

    Attributes:
        checks: a row each: `iteration`, `miou`, `macc`, `aacc`, and `iou`, a list of C.
        last: as a row, of the last weights on all test images.
        best: as a row, of the weights with the highest mIoU at a check, on all test images.
        best_weights: their state dict.
        trusted: weight of each class at each check, for the term with trust "class".
    """

    checks: list[dict[str, Any]] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    trusted: list[list[float]] = field(default_factory=list)


class Answers(NamedTuple):
    """What the teacher says of a batch: logits (N, C, H, W), and maps by its layers' names."""

    logits: Tensor
    maps: Mapping[str, Tensor]


def train_together(  # noqa: PLR0913, its keywords are the interface
    lessons: Mapping[str, Lesson],
    data: LabelledImages,
    fold: Fold,
    settings: ScheduleSettings,
    teacher: nn.Module | None = None,
    teacher_digest: str = "",
    checkpoint: Path | None = None,
    progress: Callable[[int], None] | None = None,
    log: Callable[[str], None] | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, Course]:
    """Trains students on the same crops, in the same order.

    Args:
        lessons: name -> the student and its terms; its network holds the last weights then.
        data: images with label maps.
        fold: rows to train on, to weigh the teacher by, and to test on.
        settings: the schedule.
        teacher: in evaluation mode, needed where a student has terms.
        teacher_digest: names its weights.
        checkpoint: file of the state; training goes on from one of the same settings and first
            weights as if it had not been broken off.
        progress: called with the number of iterations since the last call.
        log: called with a line at every check.
        device: where to train.

    Raises:
        InputError: a term without a teacher, a layer that is not there, networks of another number
            of classes than the data, or a checkpoint of other settings, data or first weights.
        CheckpointError: the checkpoint is damaged, of another kind or of other networks.
    """
    _check_lessons(lessons, fold, settings, teacher)
    students = {
        name: _Student(lesson, settings, len(data.classes), device)
        for name, lesson in lessons.items()
    }
    _check_classes(lessons, teacher, len(data.classes), device)
    terms = {name: lesson.terms for name, lesson in lessons.items()}
    marks = course_marks(terms, data, fold, settings, teacher_digest)
    first = _restored(students, checkpoint, marks)
    if progress is not None and first:
        progress(first)
    trial, reader = _Trial(data, fold, settings, device), _Reader(teacher, lessons)
    for step in range(first, settings.iterations):
        if step in trial.due or step == 0:
            _weigh(students, trial, reader)
        _step(students, reader, crops(data, fold.train, settings, step, device), step)
        done = step + 1
        if done in trial.due:
            _check(students, trial, done, log)
        if done % settings.save_every == 0 or done == settings.iterations:
            _save(students, checkpoint, marks, done)
        if progress is not None:
            progress(1)
    for student in students.values():
        trial.finish(student)
    return {name: student.course for name, student in students.items()}


def course_marks(
    terms: Mapping[str, Sequence[TermSettings]],
    data: LabelledImages,
    fold: Fold,
    settings: ScheduleSettings,
    teacher_digest: str = "",
) -> str:
    """Names all that students' training follows from, but for their first weights.

    These are named apart, in the checkpoint: what is finished can be read where the same seed draws
    other last digits, as on another kind of processor.

    Args:
        terms: name -> the student's terms.
        data, fold, settings, teacher_digest: as for `train_together`.
    """
    return fingerprint(
        settings=asdict(settings),
        lessons={name: [asdict(term) for term in each] for name, each in terms.items()},
        data=data.digest,
        fold=[rows.tolist() for rows in fold],
        teacher=teacher_digest,
    )


def crops(
    data: LabelledImages,
    rows: np.ndarray,
    settings: ScheduleSettings,
    step: int,
    device: str | torch.device = "cpu",
) -> tuple[Tensor, Tensor]:
    """The batch of a step: images (B, 3, h, w) in [-1, 1] and labels (B, h, w) int64.

    Rows come in an order that is drawn anew in every pass; seed and step fix all of it.
    """
    pictures, maps = [], []
    for place in range(step * settings.batch_size, (step + 1) * settings.batch_size):
        turn, index = divmod(place, len(rows))
        order = random_stream(settings.seed, CROPS, "order", turn).permutation(len(rows))
        stream = random_stream(settings.seed, CROPS, "crop", place)
        crop, labels = random_crop(*data.read(rows[order[index]]), settings, stream)
        pictures.append(crop)
        maps.append(labels)
    return to_tensor(np.stack(pictures)).to(device), torch.from_numpy(
        np.stack(maps).astype(np.int64)
    ).to(device)


@torch.inference_mode()
def score(
    networks: Mapping[str, nn.Module],
    data: LabelledImages,
    rows: Sequence[int] | np.ndarray,
    device: str | torch.device = "cpu",
) -> dict[str, dict[str, Any]]:
    """`ClassScores.result` of networks on whole images, at the size of their labels.

    Args:
        networks: name -> network with `logits`; in evaluation mode while it answers.
        data: images with label maps.
        rows: of those to answer.
        device: where the networks are.
    """
    totals = {name: ClassScores(len(data.classes)) for name in networks}
    with _evaluating(networks.values()):
        for images, labels in _whole_images(data, rows):
            pixels = to_tensor(images).to(device)
            for name, network in networks.items():
                totals[name].add(
                    enlarged(network.logits(pixels), labels.shape[-2:]).argmax(1), labels
                )
    return {name: total.result() for name, total in totals.items()}


def enlarged(logits: Tensor, size: Sequence[int]) -> Tensor:
    """Logits (N, C, h, w) as float32, enlarged bilinearly to a size."""
    logits = logits.float()
    if tuple(logits.shape[-2:]) == tuple(size):
        return logits
    return F.interpolate(logits, tuple(size), mode="bilinear", align_corners=False)


class _Student:
    """A student in training: its loss, its optimiser and its course."""

    def __init__(
        self, lesson: Lesson, settings: ScheduleSettings, classes: int, device: str | torch.device
    ):
        self.first = _lengths(lesson.network)
        self.network = lesson.network.to(device).train()
        self.terms, self.settings = lesson.terms, settings
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            fused=True,  # a quarter of the time
        )
        self.taps = LayerTaps(self.network, compared_layers(lesson.terms)[0])
        self.trusted = torch.ones(classes)
        self.course = Course()

    @property
    def weighs_classes(self) -> bool:
        """Whether it follows its teacher by classes."""
        return any(term.trust == "class" for term in self.terms)

    def learn(self, images: Tensor, labels: Tensor, answers: Answers | None, step: int) -> None:
        """One step of the optimiser."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.settings, step)
        with self.taps, autocast(images.device, self.settings.dtype):
            logits = self.network.logits(images)
        logits = enlarged(logits, labels.shape[-2:])
        loss = soft_bce(logits, labels)
        for term in self.terms:
            loss = loss + term.weight * self._term(term, logits, labels, answers)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def _term(self, term: TermSettings, logits: Tensor, labels: Tensor, answers: Answers) -> Tensor:
        if term.kind == "kl":
            weights = None
            if term.trust == "class":
                weights = class_weights(self.trusted, labels)
            elif term.trust == "pixel":
                weights = pixel_weights(answers.logits, labels)
            return soft_kl(logits, answers.logits, term.temperature, weights)
        return map_loss(term, self.taps.maps, answers.maps)

    def state(self) -> dict[str, Any]:
        parts = parts_state({"network": self.network, "optimizer": self.optimizer})
        course = {
            "checks": self.course.checks,
            "best_weights": self.course.best_weights,
            "trusted": self.course.trusted,
        }
        return {**parts, "course": course, "weights": self.trusted, "first": self.first}

    def restore(self, state: Mapping[str, Any]) -> None:
        restore_parts({"network": self.network, "optimizer": self.optimizer}, state)
        self.course = Course(**state["course"])
        self.trusted = state["weights"]


class _Reader:
    """The teacher's answers, with its maps."""

    def __init__(self, teacher: nn.Module | None, lessons: Mapping[str, Lesson]):
        names = compared_layers(term for lesson in lessons.values() for term in lesson.terms)[1]
        self.teacher = teacher
        self._taps = None if teacher is None else LayerTaps(teacher, names)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Answers | None:
        """What the teacher says of images (N, 3, H, W) in [-1, 1]; None without one."""
        if self.teacher is None:
            return None
        with self._taps, _evaluating([self.teacher]):
            logits = enlarged(self.teacher.logits(images), images.shape[-2:])
        return Answers(logits, dict(self._taps.maps))


class _Trial:
    """The images that students are measured on, on the way and at the end."""

    def __init__(
        self,
        data: LabelledImages,
        fold: Fold,
        settings: ScheduleSettings,
        device: str | torch.device,
    ):
        self.data, self.fold, self.device = data, fold, device
        self.due = {
            round(settings.iterations * (check + 1) / settings.checks)
            for check in range(settings.checks)
        }
        self.rows = spread(fold.test, settings.check_images)

    def score(self, networks: Mapping[str, nn.Module], rows: np.ndarray) -> dict[str, dict]:
        return score(networks, self.data, rows, self.device)

    def finish(self, student: _Student) -> None:
        """Scores the last and the best weights on all test images."""
        course, network = student.course, student.network
        best = max(course.checks, key=lambda row: row["miou"])["iteration"]
        last = course.checks[-1]["iteration"]
        course.last = {"iteration": last, **self.score({"": network}, self.fold.test)[""]}
        course.best = course.last
        if best == last:
            return
        kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        network.load_state_dict(course.best_weights)
        course.best = {"iteration": best, **self.score({"": network}, self.fold.test)[""]}
        network.load_state_dict(kept)


def rate(settings: ScheduleSettings, step: int) -> float:
    """The learning rate of a step (from 0): up linearly, then down linearly to 0."""
    warm = round(settings.warmup * settings.iterations)
    if step < warm:
        return settings.lr * (step + 1) / warm
    return settings.lr * (settings.iterations - step) / (settings.iterations - warm)


def _lengths(network: nn.Module) -> list[float]:
    """The length of each of a network's tensors of weights, which tells networks apart.

    A digest would not do: another processor draws the same weights but for their last bits.
    """
    weights = (weight.detach().double() for weight in network.parameters())
    return [float(weight.norm()) for weight in weights]


def _restored(students: Mapping[str, _Student], checkpoint: Path | None, marks: str) -> int:
    """Gives the students what a checkpoint holds of them; the steps that were done."""
    state = own_state(checkpoint, CHECKPOINT, marks, {"done": 0, "students": {}})
    if state is None:
        return 0
    try:
        for name, student in students.items():
            student.restore(state["students"][name])
    except (KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{checkpoint} is of other networks; remove it, or train those"
        ) from error
    for name, student in students.items():  # states of earlier versions do not tell it
        kept = state["students"][name].get("first", student.first)
        if len(kept) != len(student.first) or not np.allclose(kept, student.first, rtol=_SAME):
            raise InputError(
                f"{checkpoint} is of a training of {name} from other first weights; choose another "
                "--out, or remove it to begin again"
            )
    return state["done"]


def _save(students: Mapping[str, _Student], checkpoint: Path | None, marks: str, done: int) -> None:
    if checkpoint is not None:
        kept = {name: student.state() for name, student in students.items()}
        save_state(checkpoint, CHECKPOINT, marks, {"done": done, "students": kept})


def _step(
    students: Mapping[str, _Student], reader: _Reader, batch: tuple[Tensor, Tensor], step: int
) -> None:
    images, labels = batch
    answers = reader(images)
    for student in students.values():
        student.learn(images, labels, answers, step)


def _check(
    students: Mapping[str, _Student], trial: _Trial, done: int, log: Callable[[str], None] | None
) -> None:
    results = trial.score({name: each.network for name, each in students.items()}, trial.rows)
    for name, student in students.items():
        row = {"iteration": done, **results[name]}
        if not math.isfinite(row["miou"]):
            row["miou"] = 0.0
        checks = student.course.checks
        if all(row["miou"] > before["miou"] for before in checks):
            weights = student.network.state_dict()
            student.course.best_weights = {key: value.clone() for key, value in weights.items()}
        checks.append(row)
    if log is not None:
        told = ", ".join(
            f"{name} {student.course.checks[-1]['miou']:.3f}" for name, student in students.items()
        )
        log(f"iteration {done:,}, mIoU of {len(trial.rows)} test images: {told}")


def _weigh(students: Mapping[str, _Student], trial: _Trial, reader: _Reader) -> None:
    """Tells students that follow by classes how much the teacher is ahead of them in each."""
    chosen = {name: each for name, each in students.items() if each.weighs_classes}
    if not chosen:
        return
    networks = {name: each.network for name, each in chosen.items()}
    results = trial.score({**networks, "": reader.teacher}, trial.fold.held)
    for name, student in chosen.items():
        student.trusted = class_trust(results[""]["iou"], results[name]["iou"])
        student.course.trusted.append(student.trusted.tolist())


def _whole_images(
    data: LabelledImages, rows: Sequence[int] | np.ndarray
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Images (N, H, W, 3) and labels (N, H, W) of one size each, a few at a time."""
    pictures: list[np.ndarray] = []
    maps: list[np.ndarray] = []
    for row in rows:
        picture, labels = data.read(row)
        if pictures and (picture.shape != pictures[0].shape or len(pictures) == _BATCH):
            yield np.stack(pictures), torch.from_numpy(np.stack(maps))
            pictures, maps = [], []
        pictures.append(picture)
        maps.append(labels)
    if pictures:
        yield np.stack(pictures), torch.from_numpy(np.stack(maps))


@contextmanager
def _evaluating(networks) -> Iterator[None]:
    """The networks in evaluation mode, and as they were afterwards."""
    modes = [(network, network.training) for network in networks]
    for network, _ in modes:
        network.eval()
    try:
        yield
    finally:
        for network, training in modes:
            network.train(training)


def _check_lessons(
    lessons: Mapping[str, Lesson],
    fold: Fold,
    settings: ScheduleSettings,
    teacher: nn.Module | None,
) -> None:
    if not all(lessons):
        raise InputError("a student has no name; give it one")
    terms = [term for lesson in lessons.values() for term in lesson.terms]
    if terms and teacher is None:
        raise InputError(f"the term {terms[0].kind!r} needs a teacher; give one")
    if any(term.trust == "class" for term in terms) and not len(fold.held):
        raise InputError("trust by classes needs images held out; give a larger share of them")
    if len(fold.train) < settings.batch_size:
        raise InputError(
            f"{len(fold.train)} training images do not fill a batch of {settings.batch_size}"
        )


@torch.inference_mode()
def _check_classes(
    lessons: Mapping[str, Lesson],
    teacher: nn.Module | None,
    classes: int,
    device: str | torch.device,
) -> None:
    """Refuses networks that tell another number of classes, before hours of training."""
    networks = {f"the student {name}": lesson.network for name, lesson in lessons.items()}
    if any(term.kind == "kl" for lesson in lessons.values() for term in lesson.terms):
        networks["the teacher"] = teacher
    blank = torch.zeros(1, 3, SMALLEST, SMALLEST, device=device)
    with _evaluating(networks.values()):
        for name, network in networks.items():
            told = network.logits(blank).shape[1]
            if told != classes:
                raise InputError(f"{name} tells {told} classes, the data {classes}; need the same")
