"""Distillation: the loop that trains a student on a teacher's masks, or on label maps."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from property_cnn.common.devices import autocast
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.training_state import (
    fingerprint,
    own_state,
    parts_state,
    restore_parts,
    save_state,
)
from property_cnn.segmentation.data import Dataset
from property_cnn.segmentation.degrade import degrade, flip
from property_cnn.segmentation.losses import mask_loss
from property_cnn.segmentation.networks.effisegnet import EffiSegNet, new_student
from property_cnn.segmentation.networks.files import load_student
from property_cnn.segmentation.networks.lite0 import start_from_lite0
from property_cnn.segmentation.settings import DistillSettings, TermSettings
from property_cnn.segmentation.teachers import Teacher, class_probabilities
from property_cnn.segmentation.terms import MAP_TERMS, LayerTaps, compared_layers, map_loss, soft_kl

HISTORY_COLUMNS = ("epoch", "lr", "train_loss", "valid_loss", "best")
"""Columns of the CSV that the loop writes; `best` is 1 where the epoch was the best so far."""

CHECKPOINT = "hair distillation checkpoint 1"


class Split(NamedTuple):
    """Row numbers of the three parts of a data set."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


class Distilled(NamedTuple):
    """What the loop returns: the student with the best validation loss, and how it got there."""

    student: EffiSegNet
    history: list[dict[str, float]]
    split: Split


def split_rows(count: int, seed: int) -> Split:
    """80 % of the rows to train on, 10 % to validate and 10 % to test; the seed fixes which.

    Raises:
        InputError: there are fewer than 10 rows.
    """
    if count < 10:
        raise InputError(f"{count} images are too few to split 80/10/10; need at least 10")
    rows = np.random.default_rng([seed, 80, 10]).permutation(count)
    held = count // 10
    return Split(np.sort(rows[2 * held :]), np.sort(rows[:held]), np.sort(rows[held : 2 * held]))


def distill(  # noqa: PLR0913, its keywords are the interface
    data: Dataset,
    settings: DistillSettings | None = None,
    teacher: Teacher | None = None,
    folder: str | Path | None = None,
    log: Callable[[str], None] | None = None,
    device: str | torch.device = "cpu",
    show: Callable[[int, Tensor, Tensor, Tensor], None] | None = None,
    shown: int = 6,
) -> Distilled:
    """Trains a student: AdamW, a learning rate that decays each epoch, early stopping.

    Args:
        data: images with soft masks or label maps.
        settings: how; the defaults if not given.
        teacher: needed for distillation terms, which ask it about every batch anew.
        folder: for the checkpoint `training.pt`, and the CSV `valid_loss.csv`. Training goes on
            from a checkpoint of the same settings and data as if it had not been broken off.
        log: called with a line of text after every epoch.
        device: where to train.
        show: called after every epoch with its number and the first validation images
            (K, 3, S, S), their targets and the student's probabilities (K, C, S, S), all on the
            CPU.
        shown: how many images K.

    Raises:
        InputError: too few images for the split and the batches, or a term cannot be computed.
        CheckpointError: the checkpoint is a file of another kind, or damaged.
    """
    settings = settings or DistillSettings()
    split = split_rows(len(data), settings.seed)
    if len(split.train) < settings.batch_size:
        raise InputError(
            f"{len(split.train)} training images do not fill a batch of {settings.batch_size}"
        )
    student = _first_student(settings).to(device)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    marks = fingerprint(
        settings=asdict(settings), data=data.digest, teacher=getattr(teacher, "digest", "")
    )
    checkpoint = None if folder is None else Path(folder) / "training.pt"
    history: list[dict[str, float]] = []
    best = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    parts = {"network": student, "optimizer": optimizer}
    like = {**parts_state(parts), "best": best, "history": history}
    state = own_state(checkpoint, CHECKPOINT, marks, like)
    if state is not None:
        restore_parts(parts, state)
        best, history = state["best"], state["history"]
    with DistillStep(student, settings, teacher) as step:
        while not _finished(history, settings):
            epoch = len(history)
            train_loss = _train_epoch(step, optimizer, data, split.train, settings, epoch, device)
            valid_loss = _valid_loss(step, data, split.valid, settings, device)
            better = all(valid_loss < row["valid_loss"] for row in history)
            rate = optimizer.param_groups[0]["lr"]
            values = (epoch + 1, rate, train_loss, valid_loss, int(better))
            history.append(dict(zip(HISTORY_COLUMNS, values, strict=True)))
            if better:
                best = {name: tensor.clone() for name, tensor in student.state_dict().items()}
            if folder is not None:
                state = {**parts_state(parts), "best": best, "history": history}
                save_state(checkpoint, CHECKPOINT, marks, state)
                atomic_write(Path(folder) / "valid_loss.csv", _history_text(history))
            if show is not None:
                images, targets = data.batch(split.valid[:shown], settings.side)
                show(epoch + 1, images, targets, step.answer(images.to(device)).cpu())
            if log is not None:
                log(
                    f"epoch {epoch + 1}/{settings.epochs}, {settings.loss} {train_loss:.5f}, "
                    f"validation {valid_loss:.5f}{' (best)' if better else ''}"
                )
    student.load_state_dict(best)
    return Distilled(student.eval(), history, split)


def _first_student(settings: DistillSettings) -> EffiSegNet:
    student = new_student(settings.student, settings.seed)
    if settings.start == "lite0":
        start_from_lite0(student)
    elif settings.start != "random":
        before, _ = load_student(settings.start)
        if before.settings != settings.student:
            raise InputError(
                f"the student in {settings.start} is {before.settings}; need {settings.student}"
            )
        student.load_state_dict(before.state_dict())
    return student


def _finished(history: list[dict[str, float]], settings: DistillSettings) -> bool:
    since = next((i for i, row in enumerate(reversed(history)) if row["best"]), 0)
    return len(history) >= settings.epochs or since >= settings.patience


def _train_epoch(
    step: DistillStep,
    optimizer: torch.optim.Optimizer,
    data: Dataset,
    rows: np.ndarray,
    settings: DistillSettings,
    epoch: int,
    device: str | torch.device,
) -> float:
    """Mean loss of one pass in an order that seed and epoch fix; a last part batch is left out."""
    for group in optimizer.param_groups:
        group["lr"] = settings.lr * settings.decay**epoch
    order = np.random.default_rng([settings.seed, epoch]).permutation(rows)
    draws = torch.Generator().manual_seed(settings.seed * 2**32 + epoch)
    step.student.train()
    total, count = 0.0, len(order) // settings.batch_size
    for number in range(count):
        batch = order[number * settings.batch_size : (number + 1) * settings.batch_size]
        images, targets = data.batch(batch, settings.side)
        if settings.augment:
            images, targets = flip(images, targets, draws)
            images = degrade(images, draws)
        loss = step.loss(images.to(device), targets.to(device))
        if not torch.isfinite(loss):
            raise InputError(
                f"the loss became {loss.item()} in epoch {epoch + 1}; lower lr or the weights"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / count


def _valid_loss(
    step: DistillStep,
    data: Dataset,
    rows: np.ndarray,
    settings: DistillSettings,
    device: str | torch.device,
) -> float:
    """Mean mask loss, without the terms, so that runs with and without them compare."""
    step.student.eval()
    total = 0.0
    for start in range(0, len(rows), settings.batch_size):
        batch = rows[start : start + settings.batch_size]
        images, targets = data.batch(batch, settings.side)
        total += step.mask_loss(images.to(device), targets.to(device)) * len(batch)
    return total / len(rows)


def _history_text(history: list[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, HISTORY_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: f"{value:.8g}" for name, value in row.items()} for row in history)
    return text.getvalue()


_LEAST = 1 / 510  # half a level of an 8-bit mask; its logit stands for 0


class DistillStep:
    """Computes losses; while it is entered, hooks on both networks' layers catch their maps.

    Args:
        student: in training or evaluation mode, as the caller wants it.
        settings: loss and terms.
        teacher: needed where there are terms; its `network` holds the named layers.

    Raises:
        InputError: terms without a teacher, layers that are not there, or classes that differ.
    """

    def __init__(self, student: EffiSegNet, settings: DistillSettings, teacher: Teacher | None):
        self.student, self.teacher, self.terms = student, teacher, settings.terms
        self.dtype = settings.dtype
        self._mask_loss = mask_loss(settings.loss)
        classes = student.settings.classes
        if settings.loss == "kl-single" and classes > 1:
            raise InputError(f"kl-single is for one class, not {classes}; use kl-bernoulli")
        if self.terms and teacher is None:
            raise InputError(f"the term {self.terms[0].kind!r} needs a teacher; give one")
        if any(term.kind == "kl" for term in self.terms) and classes not in (
            1,
            len(teacher.classes),
        ):
            raise InputError(
                f"a student of {classes} classes cannot follow a teacher of "
                f"{len(teacher.classes)}; give it 1 or as many"
            )
        own, theirs = compared_layers(self.terms)
        network = getattr(teacher, "network", None)
        if theirs and not isinstance(network, nn.Module):
            kind = next(term.kind for term in self.terms if term.kind in MAP_TERMS)
            raise InputError(f"the teacher has no `network` whose layers {kind!r} reads")
        self._taps = (LayerTaps(student, own), LayerTaps(network, theirs) if theirs else None)
        self._entered = ExitStack()

    def __enter__(self) -> DistillStep:
        for taps in self._taps:
            if taps is not None:
                self._entered.enter_context(taps)
        return self

    def __exit__(self, *error: object) -> None:
        self._entered.close()

    def loss(self, images: Tensor, targets: Tensor) -> Tensor:
        """The whole loss of a batch, to be differentiated."""
        answers = None
        if self.terms:
            # copied out of inference mode, so that gradients may pass through what is made of it
            answers = class_probabilities(self.teacher, images).clone()
        logits = self._logits(images)
        total = self._mask_loss(logits, targets)
        for term in self.terms:
            total = total + term.weight * self._term(term, logits, answers)
        return total

    @torch.no_grad()
    def mask_loss(self, images: Tensor, targets: Tensor) -> float:
        """The mask loss of a batch alone."""
        return self._mask_loss(self._logits(images), targets).item()

    @torch.no_grad()
    def answer(self, images: Tensor) -> Tensor:
        """The student's probabilities (N, C, H, W)."""
        return self.student(_channels_last(images))

    def _logits(self, images: Tensor) -> Tensor:
        with autocast(images.device, self.dtype):
            return self.student.logits(_channels_last(images)).float()

    def _term(self, term: TermSettings, logits: Tensor, answers: Tensor) -> Tensor:
        if term.kind == "kl":
            return soft_kl(logits, self._teacher_logits(logits, answers), term.temperature)
        maps = self._taps[1].maps
        copied = {name: maps[name].clone() for name in term.teacher_layers}
        return map_loss(term, self._taps[0].maps, copied)

    def _teacher_logits(self, logits: Tensor, answers: Tensor) -> Tensor:
        """Logits that stand for the teacher's probabilities, which fix them but for a constant."""
        if logits.shape[1] == 1:
            hair = answers[:, self.teacher.hair : self.teacher.hair + 1]
            return torch.logit(hair.clamp(_LEAST, 1 - _LEAST))
        return answers.clamp_min(_LEAST).log()


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
