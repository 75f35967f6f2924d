"""Directions by ridge regression of the score on whitened vectors.

Where a score is linear in the vectors, its coefficients are the direction, and every sample tells
of it, not the extremes alone. The penalty is Hoerl and Kennard's (1970), here on principal
components of unit variance, so that vectors of any scale and correlation are treated alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import SPLITS, random_stream
from vectorfind.config import FindSettings
from vectorfind.methods.base import GROUPS, SCORES, FitTask, Method
from vectorfind.methods.components.principal import Whitening, readable_rows, whitening
from vectorfind.methods.fields import FittedField
from vectorfind.methods.linear.sides import check_parts
from vectorfind.methods.svm import STRENGTHS

LEAST = 20
"""Least number of samples of a group."""

VALIDATION = 0.2
"""Share of a group's samples that is kept from the fit to measure R²."""

ALPHAS = tuple(10.0 ** np.arange(-4.0, 2.5, 0.5))
"""Penalties that leave-one-out cross-validation chooses from, as shares of the samples."""


class RidgeMethod(Method):
    """A ridge regression a group; its coefficients of each score are the directions."""

    name = "ridge"
    sentence = (
        "The coefficients of a ridge regression of the score on the whitened vectors, one a group."
    )
    title, label = "Ridge", "ridge regression"
    needs = (SCORES, GROUPS)
    fields = (FittedField,)
    strengths = STRENGTHS

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError if a group holds fewer than 20 samples."""
        check_parts(sizes, settings)
        smallest = min(sizes, key=lambda name: sizes[name])
        if sizes[smallest] < LEAST:
            raise InputError(
                f"n={settings.n} is too small for {len(sizes)} groups: the smallest, {smallest}, "
                f"has {sizes[smallest]} samples and needs {LEAST}; raise n, or group by fewer "
                "properties"
            )

    def fit(self, task: FitTask) -> dict[str, FittedField]:
        """A field a property, of one regression a group."""
        from property_cnn.common.tasks import run_tasks

        white = whitening(task, readable_rows(task))
        tasks = [(task, white, group) for group in task.members]
        fits = list(run_tasks(_fit_group, tasks, task.settings.workers))
        groups = np.array(list(task.members))
        return {
            name: FittedField(
                groups,
                np.array([directions[index] for directions, _ in fits]),
                np.array([quality[index] for _, quality in fits]),
                "R²",
            )
            for index, name in enumerate(task.properties)
        }


RIDGE = RidgeMethod()


def _fit_group(task: FitTask, white: Whitening, group: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit directions (P, d) float32 of one group, and R² (P,) on its held-out samples."""
    rows = readable_rows(task, task.members[group])
    scores = np.stack([task.scores(name)[rows] for name in task.properties], axis=1)
    rng = random_stream(task.settings.seed, SPLITS, group)
    order = rng.permutation(len(rows))
    held = max(2, round(VALIDATION * len(rows)))
    coordinates = white.coordinates(task.samples.vectors(task.settings.layer, rows))
    coefficients, quality = fit_ridge(coordinates, scores, order[held:], order[:held])
    raw = white.directions(coefficients)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    if not (lengths > 0).all():
        name = task.properties[int(np.argmin(lengths))]
        raise InputError(
            f"the samples of group {group} tell nothing of {name}; group by fewer properties, or "
            "choose another layer"
        )
    return (raw / lengths).astype(np.float32), quality


def fit_ridge(
    coordinates: np.ndarray, scores: np.ndarray, fitted: np.ndarray, held: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regressions of z-normalised scores, each with the penalty that suits it best.

    Args:
        coordinates: (m, k) of the samples, of unit variance.
        scores: (m, P).
        fitted, held: rows to fit to, and to measure R² on.

    Returns:
        Coefficients (P, k), and R² (P,).
    """
    from sklearn.linear_model import RidgeCV  # takes a second to load
    from sklearn.metrics import r2_score

    scores = scores.astype(np.float64)
    spread = scores[fitted].std(axis=0)
    targets = (scores - scores[fitted].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    alphas = np.array(ALPHAS) * len(fitted)
    model = RidgeCV(alphas, alpha_per_target=True).fit(coordinates[fitted], targets[fitted])
    predicted = model.predict(coordinates[held]).reshape(len(held), -1)  # of one, it is flat
    quality = r2_score(targets[held], predicted, multioutput="raw_values")
    return np.atleast_2d(model.coef_), quality
