"""Directions by support vector machines: the normal between a group's top and bottom samples.

A linear classifier's normal as an editing direction is InterFaceGAN's idea (Shen et al., 2020);
one a group, between the extremes of a score, is the reference system's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from vectorfind.config import FindSettings
from vectorfind.methods.base import Fit
from vectorfind.methods.fields import GroupField
from vectorfind.methods.linear.sides import (
    SideFit,
    SidesMethod,
    Vectors,
    fit_sides,
)
from vectorfind.methods.linear.squared_hinge import SquaredHingeSvm

STRENGTHS = {
    "eyes": (-1.2, 1.2),
    "mouth": (-1.8, -0.9, 0.0, 0.9, 1.8),
    "pose": (-1.8, -1.2, -0.6, 0.0, 0.6),
}
"""Strengths of the image-generation test by which the reference system measures these."""


@dataclass(frozen=True, eq=False)
class SvmField(GroupField):
    """One direction a group, each the normal of an SVM.

    Attributes:
        accuracy: (G,) share of the validation samples on the right side.
    """

    accuracy: np.ndarray

    kind = "svm"

    def fits(self) -> tuple[Fit, ...]:
        """The validation accuracy of every group's SVM."""
        pairs = zip(self.groups, self.accuracy, strict=True)
        return tuple(Fit(str(group), "accuracy", float(value)) for group, value in pairs)

    def summary(self) -> str:
        """The mean of those."""
        return f"validation accuracy {self.accuracy.mean():.3f} of the SVMs"

    def curve_column(self, name: str) -> tuple[str, float]:
        """The mean of those."""
        from reports.columns import svm_accuracy_column  # loads all of reports

        return svm_accuracy_column(name), float(self.accuracy.mean())

    def pack(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """`groups`, `directions` and `accuracy`."""
        arrays, metadata = super().pack()
        return arrays | {"accuracy": self.accuracy}, metadata


class SvmMethod(SidesMethod):
    """A linear SVM a group and property; its normal is the direction."""

    name = "svm"
    sentence = (
        "The normal of a linear SVM between the samples with the highest and the lowest scores, "
        "one a group."
    )
    title = label = "SVM"
    fields = (SvmField,)
    strengths = STRENGTHS

    def classifier(self, settings: FindSettings) -> Callable[..., SideFit]:
        """`fit_svm`."""
        return partial(fit_svm, c=settings.svm_c)

    def field(self, groups: np.ndarray, directions: np.ndarray, accuracy: np.ndarray) -> SvmField:
        """The field of the directions of groups."""
        return SvmField(groups, directions, accuracy)


SVM = SvmMethod()


def fit_svm(
    vectors: Vectors,
    scores: np.ndarray,
    ratio: float,
    rng: np.random.Generator,
    c: float = FindSettings.svm_c,
) -> SideFit:
    """Fits one group's direction of one property, see `sides.fit_sides`; c as in LinearSVC."""
    return fit_sides(vectors, scores, ratio, rng, SquaredHingeSvm(c))
