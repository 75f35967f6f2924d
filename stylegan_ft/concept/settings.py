"""The concept's attributes, and settings of their filter and classifiers, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from property_cnn.common.checks import (
    Count,
    Factor,
    PartShare,
    Positive,
    Seed,
    Settings,
    Share,
    Whole,
)
from property_cnn.common.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

CONCEPT = ("gender", "quality", "age", "glasses")
"""Names of the attributes, in the order of every column of theirs: 1 is female cues, good quality,
old, glasses worn."""

FACES = 16_000
"""Rendered faces that the shipped classifiers learn from."""


@dataclass(frozen=True)
class Thresholds(Settings):
    """The bounds themselves pass; defaults are the reference system's.

    Args:
        gender: least probability of female cues.
        quality: least probability of good quality.
        age: highest probability of an old face.
        glasses: highest probability of glasses.

    Raises:
        InputError: a bound is outside 0 … 1.
    """

    gender: Share = 0.92
    quality: Share = 0.9
    age: Share = 0.008
    glasses: Share = 0.01

    def within(self, scores: Tensor) -> Tensor:
        """(N, 4) bool: which of the probabilities (N, 4), columns `CONCEPT`, are within the bounds.

        Raises:
            InputError: the scores have another shape.
        """
        if scores.ndim != 2 or scores.shape[1] != len(CONCEPT):
            raise InputError(
                f"scores of shape {tuple(scores.shape)}; need (N, {len(CONCEPT)}): "
                f"{', '.join(CONCEPT)}"
            )
        bounds = scores.new_tensor([self.gender, self.quality, self.age, self.glasses])
        signs = scores.new_tensor([1.0, 1.0, -1.0, -1.0])  # the last two are highest values
        return scores * signs >= bounds * signs

    def passes(self, scores: Tensor) -> Tensor:
        """(N,) bool: which of the probabilities (N, 4), columns `CONCEPT`, are within all four.

        Raises:
            InputError: the scores have another shape.
        """
        return self.within(scores).all(dim=1)


@dataclass(frozen=True)
class MemberSettings(Settings):
    """Size of a member.

    Args:
        side: pixels of its input; images of another size are resized to it.
        widths: channels of its convolutions, each of which halves the side.

    Raises:
        InputError: no convolutions, or more than the side can be halved.
    """

    side: Annotated[int, Whole(1, 4096)] = 64
    widths: tuple[Annotated[int, Whole(1, 65_536)], ...] = (32, 32, 64, 64)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.widths or self.side % 2 ** len(self.widths):
            raise InputError(
                f"side {self.side}, widths {list(self.widths)}; give at least one width, and a "
                "side that can be halved as often as there are widths"
            )


@dataclass(frozen=True)
class EnsembleSettings(Settings):
    """How the ensembles are trained.

    Args:
        folds: members an attribute; each learns from all folds but one.
        epochs: passes over the images.
        batch_size: images a step.
        lr: highest learning rate of AdamW; it falls along a half cosine to 0.
        weight_decay: of AdamW.
        dropout: share of the last features that training hides.
        seed: of folds, first weights, order, mirroring and dropout.
        network: size of a member.

    Raises:
        InputError: a number is too small.
    """

    folds: Annotated[int, Whole(2, 100)] = 5
    epochs: Count = 3
    batch_size: Annotated[int, Whole(2, 65_536)] = 64
    lr: Positive = 2e-3
    weight_decay: Factor = 1e-2
    dropout: PartShare = 0.2
    seed: Seed = 0
    network: MemberSettings = field(default_factory=MemberSettings)
