"""Directions by logistic regression between a group's top and bottom samples.

As an SVM's, its normal is the direction (after Shen et al., 2020); but all samples of both sides
weigh in it, not those next to the border alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vectorfind.config import FindSettings
from vectorfind.methods.fields import FittedField
from vectorfind.methods.linear.sides import SideFit, SidesMethod, Vectors, fit_sides
from vectorfind.methods.svm import STRENGTHS

C = 10.0
"""Inverse of the penalty, on vectors scaled to a root-mean-square length of 1; as the SVM's."""

STEPS = 1000
"""Most steps of the solver, L-BFGS, which draws no random numbers."""


class LogisticMethod(SidesMethod):
    """A logistic classifier a group and property; its normal is the direction."""

    name = "logistic"
    sentence = (
        "The normal of a logistic regression between the samples with the highest and the lowest "
        "scores, one a group."
    )
    title, label = "Logistic", "logistic regression"
    fields = (FittedField,)
    strengths = STRENGTHS

    def classifier(self, settings: FindSettings) -> Callable[..., SideFit]:
        """`fit_logistic`."""
        return fit_logistic

    def field(
        self, groups: np.ndarray, directions: np.ndarray, accuracy: np.ndarray
    ) -> FittedField:
        """The field of the directions of groups."""
        return FittedField(groups, directions, accuracy, "accuracy")


LOGISTIC = LogisticMethod()


def fit_logistic(
    vectors: Vectors, scores: np.ndarray, ratio: float, rng: np.random.Generator
) -> SideFit:
    """Fits one group's direction of one property, see `sides.fit_sides`."""
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    return fit_sides(vectors, scores, ratio, rng, LogisticRegression(C=C, max_iter=STEPS))
