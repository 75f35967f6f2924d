"""One step of distillation: L = L_seg + Σ w · L_KD for a batch."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from property_cnn.devices import autocast
from property_cnn.errors import InputError
from property_cnn.hair.feature_terms import MAP_TERMS, LayerTaps, TermSettings, soft_kl
from property_cnn.hair.losses import mask_loss
from property_cnn.hair.student import EffiSegNet
from property_cnn.hair.teachers import Teacher, class_probabilities

if TYPE_CHECKING:
    from property_cnn.hair.distill import DistillSettings

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
        taught = [term for term in self.terms if term.kind in MAP_TERMS]
        network = getattr(teacher, "network", None)
        if taught and not isinstance(network, nn.Module):
            raise InputError(f"the teacher has no `network` whose layers {taught[0].kind!r} reads")
        self._taps = (
            LayerTaps(student, [name for term in taught for name in term.student_layers]),
            LayerTaps(network, [name for term in taught for name in term.teacher_layers])
            if taught
            else None,
        )
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
        student, teacher = self._taps[0].maps, self._taps[1].maps
        pairs = zip(term.student_layers, term.teacher_layers, strict=True)
        losses = [
            MAP_TERMS[term.kind](student[ours], teacher[theirs].clone()) for ours, theirs in pairs
        ]
        return torch.stack(losses).mean()

    def _teacher_logits(self, logits: Tensor, answers: Tensor) -> Tensor:
        """Logits that stand for the teacher's probabilities, which fix them but for a constant."""
        if logits.shape[1] == 1:
            hair = answers[:, self.teacher.hair : self.teacher.hair + 1]
            return torch.logit(hair.clamp(_LEAST, 1 - _LEAST))
        return answers.clamp_min(_LEAST).log()


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
