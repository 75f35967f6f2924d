"""Directions by logistic regression between a group's top and bottom samples.

As an SVM's, its normal is the direction (after Shen et al., 2020); but all samples of both sides
weigh in it, not those next to the border alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from vectorfind.config import FindSettings
from vectorfind.methods.base import GROUPS, SCORES, FitTask, Method
from vectorfind.methods.fields import FittedField
from vectorfind.methods.linear.sides import SideFit, Vectors, check_sides, fit_groups, fit_sides
from vectorfind.methods.svm import STRENGTHS

C = 10.0
"""Inverse of the penalty, on vectors scaled to a root-mean-square length of 1; as the SVM's."""

STEPS = 1000
"""Most steps of the solver, L-BFGS, which draws no random numbers."""


class LogisticMethod(Method):
    """A logistic classifier a group and property; its normal is the direction."""

    name = "logistic"
    sentence = (
        "The normal of a logistic regression between the samples with the highest and the lowest "
        "scores, one a group."
    )
    title, label = "Logistic", "logistic regression"
    needs = (SCORES, GROUPS)
    fields = (FittedField,)
    strengths = STRENGTHS
    parts_extremes = True

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError if the smallest group is too small, with an n that should do."""
        check_sides(sizes, settings)

    def fit(self, task: FitTask) -> dict[str, FittedField]:
        """A field a property, of one classifier a group."""
        settings = task.settings
        fits = fit_groups(
            fit_logistic,
            partial(task.samples.vectors, settings.layer),
            {name: task.scores(name) for name in task.properties},
            task.members,
            settings.ratio,
            settings.seed,
            settings.workers,
        )
        groups = np.array(list(task.members))
        return {
            name: FittedField(
                groups,
                np.array([fit.direction for fit in some]),
                np.array([fit.accuracy for fit in some]),
                "accuracy",
            )
            for name, some in fits.items()
        }


LOGISTIC = LogisticMethod()


def fit_logistic(
    vectors: Vectors, scores: np.ndarray, ratio: float, rng: np.random.Generator
) -> SideFit:
    """Fits one group's direction of one property, see `sides.fit_sides`."""
    from sklearn.linear_model import LogisticRegression  # takes a second to load

    return fit_sides(vectors, scores, ratio, rng, LogisticRegression(C=C, max_iter=STEPS))
