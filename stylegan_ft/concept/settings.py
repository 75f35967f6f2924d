"""The concept's attributes, and settings of their filter and classifiers, without PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from property_cnn.common.checks import check_within
from property_cnn.common.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

CONCEPT = ("gender", "quality", "age", "glasses")
"""Names of the attributes, in the order of every column of theirs: 1 is female cues, good quality,
old, glasses worn."""

FACES = 16_000
"""Rendered faces that the shipped classifiers learn from."""


@dataclass(frozen=True)
class Thresholds:
    """The bounds themselves pass; defaults are the reference system's.

    Args:
        gender: least probability of female cues.
        quality: least probability of good quality.
        age: highest probability of an old face.
        glasses: highest probability of glasses.

    Raises:
        InputError: a bound is outside 0 … 1.
    """

    gender: float = 0.92
    quality: float = 0.9
    age: float = 0.008
    glasses: float = 0.01

    def __post_init__(self):
        for name, bound in asdict(self).items():
            check_within(name, bound)

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
class MemberSettings:
    """Size of a member.

    Args:
        side: pixels of its input; images of another size are resized to it.
        widths: channels of its convolutions, each of which halves the side.

    Raises:
        InputError: no convolutions, or more than the side can be halved.
    """

    side: int = 64
    widths: tuple[int, ...] = (32, 32, 64, 64)

    def __post_init__(self):
        if not self.widths or min(self.widths) < 1 or self.side % 2 ** len(self.widths):
            raise InputError(
                f"side {self.side}, widths {list(self.widths)}; give at least one width, and a "
                "side that can be halved as often as there are widths"
            )


@dataclass(frozen=True)
class EnsembleSettings:
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

    folds: int = 5
    epochs: int = 3
    batch_size: int = 64
    lr: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2
    seed: int = 0
    network: MemberSettings = field(default_factory=MemberSettings)

    def __post_init__(self):
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout}; need a share from 0 to below 1")
        if self.folds < 2 or self.epochs < 1 or self.batch_size < 2:
            raise InputError(
                f"folds {self.folds}, epochs {self.epochs}, batch_size {self.batch_size}; "
                "need at least 2, 1 and 2"
            )
