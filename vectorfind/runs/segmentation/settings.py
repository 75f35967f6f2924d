"""What segmenters learn from and how they are compared; loads without PyTorch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from property_cnn.common.checks import (
    Count,
    OneOf,
    PartShare,
    Positive,
    Seed,
    Settings,
    Whole,
    named_once,
)
from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import (
    FOLD_BY,
    IGNORED,
    NETWORKS,
    TERMS,
    TRUSTS,
    ScheduleSettings,
    TermSettings,
)

TERM_TEXTS = ("kl:1", "kl:0.5", "at:1", "sp:1", "kl:1:class", "kl:1:pixel")
"""Terms of the CamVid study, and two that follow the teacher where it can be trusted."""

TEACHER_CHECKS = 2
"""Evaluations on a teacher's way."""

_TERM = re.compile(r"(?P<kind>\w+):(?P<weight>[0-9.eE+-]+)(:(?P<trust>\w+))?")


@dataclass(frozen=True)
class LabelledData(Settings):
    """Images with label maps, and which of them are tested on.

    Attributes:
        images: folder of pictures.
        labels: folder of their label maps, .png of the same names.
        classes: names of the classes 0, 1, …
        ignore: label of pixels that do not count.
        listing: CSV with a column `name`, and `part` (train or test) for one split, or `sequence`.
        folds: parts that the images are cut into, each tested on once.
        fold_by: "frame" or "sequence".
        held: share of the training images that is left out, to weigh the teacher by.
        fold_seed: of the folds and what is left out.
    """

    images: Path
    labels: Path
    classes: tuple[str, ...]
    ignore: Annotated[int, Whole(0, IGNORED)] = IGNORED
    listing: Path | None = None
    folds: Annotated[int, Whole(2, 1000)] = 2
    fold_by: Annotated[str, OneOf("fold-by", FOLD_BY)] = FOLD_BY[0]
    held: PartShare = 0.1
    fold_seed: Seed = 0


@dataclass(frozen=True)
class StudySettings(Settings):
    """Students compared: one without terms, of several seeds, and one for each term.

    Attributes:
        student, teacher: names of networks with random weights.
        terms: as texts KIND:WEIGHT or kl:WEIGHT:TRUST.
        temperature: of "kl".
        baseline_seeds: of the student without terms: its spread tells differences from noise.
        teacher_iterations, teacher_lr: of the teacher; None for the students'.
        shown_images: test images of the first fold in which the page shows what each network
            tells; 0 for none. It decides nothing else.
        schedule: of the students.
    """

    student: Annotated[str, OneOf("network", NETWORKS)] = "b0"
    teacher: Annotated[str, OneOf("network", NETWORKS)] = "b2"
    terms: tuple[str, ...] = TERM_TEXTS
    temperature: Positive = 4.0
    baseline_seeds: Count = 3
    teacher_iterations: Count | None = None
    teacher_lr: Positive | None = None
    shown_images: Annotated[int, Whole(0, 12)] = 3
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        term_settings(self.terms, self.temperature)

    def teacher_schedule(self) -> ScheduleSettings:
        """How the teacher is trained."""
        return replace(
            self.schedule,
            iterations=self.teacher_iterations or self.schedule.iterations,
            lr=self.teacher_lr or self.schedule.lr,
            checks=min(TEACHER_CHECKS, self.teacher_iterations or self.schedule.iterations),
        )

    def seeds(self) -> tuple[int, ...]:
        """Seeds of the students: the first of all, the others of the one without terms."""
        return tuple(self.schedule.seed + number for number in range(self.baseline_seeds))


def term_settings(
    texts: Sequence[str],
    temperature: float,
    student_layers: tuple[str, ...] | None = None,
    teacher_layers: tuple[str, ...] | None = None,
) -> dict[str, TermSettings]:
    """Name -> a term, from texts as "kl:1", "at:0.5" or "kl:1:class".

    Raises:
        InputError: a text is no term, or stands twice.
    """
    layers = {"student_layers": student_layers, "teacher_layers": teacher_layers}
    given = {name: value for name, value in layers.items() if value is not None}
    terms = []
    for text in texts:
        match = _TERM.fullmatch(text.strip())
        try:
            weight = float(match["weight"]) if match else float("nan")
        except ValueError:
            weight = float("nan")
        if weight != weight:
            raise InputError(
                f"{text!r} is no term; write {'|'.join(TERMS)}:WEIGHT, or kl:WEIGHT:"
                f"{'|'.join(TRUSTS[1:])}"
            )
        trust = match["trust"] or TRUSTS[0]
        term = TermSettings(match["kind"], weight, temperature, trust=trust, **given)
        suffix = "" if trust == TRUSTS[0] else f"-{trust}"
        terms.append((f"{term.kind}-{weight:g}{suffix}", term))
    return named_once("term", terms)
