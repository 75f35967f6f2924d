"""InterFaceGAN: normals of SVMs, each without its part along the other properties' normals.

Shen, Gu, Tang and Zhou, "Interpreting the Latent Space of GANs for Semantic Face Editing" (2020),
with their numbers: the extreme 2 % of all samples on either side, a soft-margin SVM on the vectors
as they are, 70 % of them to fit it; and their conditional manipulation, of every property on all
others, in the primal form, which projects a normal off the span of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import SPLITS, random_stream
from vectorfind.config import FindSettings
from vectorfind.methods.base import SCORES, FitTask, Method
from vectorfind.methods.conditions import project_off
from vectorfind.methods.fields import FittedField
from vectorfind.methods.linear.sides import SideFit, Vectors, enough, fit_sides, needed_size
from vectorfind.methods.svm import STRENGTHS
from vectorfind.sampling.groups import WHOLE

RATIO = 0.02
"""Share of all samples on either side."""

VALIDATION = 0.3
"""Share of each side that is kept from the fit to measure its accuracy."""


class InterFaceGAN(Method):
    """The normals of one SVM a property, made orthogonal to one another's."""

    name = "interfacegan"
    sentence = (
        "InterFaceGAN: the normal of a linear SVM between the extreme 2 % of all samples, without "
        "its part along the other properties' normals."
    )
    title = label = "InterFaceGAN"
    needs = (SCORES,)
    fields = (FittedField,)
    strengths = STRENGTHS
    layer = "w"

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError if 2 % of the samples are fewer than five, with an n that should do."""
        readable, needed = sum(sizes.values()), needed_size(RATIO)
        if readable < needed:
            raise InputError(
                f"n={settings.n} is too small: {readable} samples are readable, and of {needed} "
                f"2 % are five; try n={enough(readable, settings.n, RATIO)}"
            )

    def fit(self, task: FitTask) -> dict[str, FittedField]:
        """A field a property, of one direction for all images, whatever the groups are."""
        rows, names = np.flatnonzero(task.samples.readable), task.properties
        vectors = partial(_of_rows, task, rows)
        fits = {name: _fit(task, vectors, task.scores(name)[rows], name) for name in names}
        normals = np.stack([fits[name].direction for name in names])[None]  # (1, P, d)
        others = {name: [other for other in names if other != name] for name in names}
        conditions = {name: rest for name, rest in others.items() if rest}
        projected = project_off(normals, names, conditions)
        return {
            name: FittedField(
                np.array([WHOLE]), projected[:, index], np.array([fits[name].accuracy]), "accuracy"
            )
            for index, name in enumerate(names)
        }


INTERFACEGAN = InterFaceGAN()


def _of_rows(task: FitTask, rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    return task.samples.vectors(task.settings.layer, rows[places])


def _fit(task: FitTask, vectors: Vectors, scores: np.ndarray, name: str) -> SideFit:
    from sklearn.svm import SVC  # takes a second to load

    rng = random_stream(task.settings.seed, SPLITS, name, WHOLE)
    model = SVC(kernel="linear")  # C = 1
    return fit_sides(vectors, scores, RATIO, rng, model, VALIDATION, scaled=False)
