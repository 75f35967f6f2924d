"""Directions by support vector machines: the normal between a group's top and bottom samples.

A linear classifier's normal as an editing direction is InterFaceGAN's idea (Shen et al., 2020);
one a group, between the extremes of a score, is the reference system's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import SPLITS, random_stream
from vectorfind.config import FindSettings
from vectorfind.methods.base import GROUPS, SCORES, Fit, FitTask, Method
from vectorfind.methods.fields import GroupField

SIDE = 5
"""Least number of samples on the top side, and on the bottom side, of a group."""

VALIDATION = 0.2
"""Share of each side that is kept from the fit to measure its accuracy."""

STRENGTHS = {
    "eyes": (-1.2, 1.2),
    "mouth": (-1.8, -0.9, 0.0, 0.9, 1.8),
    "pose": (-1.8, -1.2, -0.6, 0.0, 0.6),
}
"""Strengths of the image-generation test by which the reference system measures these."""

Vectors = Callable[[np.ndarray], np.ndarray]


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


class SvmMethod(Method):
    """A linear SVM a group and property; its normal is the direction."""

    name = "svm"
    sentence = (
        "The normal of a linear SVM between the samples with the highest and the lowest scores, "
        "one a group."
    )
    title = label = "SVM"
    needs = (SCORES, GROUPS)
    fields = (SvmField,)
    strengths = STRENGTHS
    parts_extremes = True

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError if the smallest group is too small, with an n that should do."""
        _check_parts(sizes, settings)
        needed = needed_size(settings.ratio)
        smallest = min(sizes, key=lambda name: sizes[name])
        if sizes[smallest] >= needed:
            return
        n = enough(sizes[smallest], settings.n, settings.ratio)
        raise InputError(
            f"n={settings.n} is too small for {len(sizes)} groups: the smallest, {smallest}, has "
            f"{sizes[smallest]} samples and needs {needed}; try n={n}, or group by fewer properties"
        )

    def fit(self, task: FitTask) -> dict[str, SvmField]:
        """A field a property, of one SVM a group."""
        settings = task.settings
        fits = fit_groups(
            partial(task.samples.vectors, settings.layer),
            {name: task.scores(name) for name in task.properties},
            task.members,
            settings.ratio,
            settings.seed,
            settings.svm_c,
            settings.workers,
        )
        groups = np.array(list(task.members))
        return {
            name: SvmField(
                groups,
                np.array([fit.direction for fit in some]),
                np.array([fit.accuracy for fit in some]),
            )
            for name, some in fits.items()
        }


SVM = SvmMethod()


def _check_parts(sizes: Mapping[str, int], settings: FindSettings) -> None:
    """Raises InputError for a grouping property with too few different scores to part samples.

    Parts hold as many samples each, so that none of them is empty but for equal scores.
    """
    if sum(sizes.values()) < settings.quantiles:
        return
    for place, name in enumerate(settings.group_by or ()):
        held = {group[place] for group, size in sizes.items() if size}
        if held != {group[place] for group in sizes}:
            raise InputError(
                f"{name} is the same in so many samples that it cannot part them into "
                f"{settings.quantiles} groups, whatever n is; group by other properties"
            )


@dataclass(frozen=True, eq=False)
class SvmFit:
    """One group's direction of one property.

    Attributes:
        direction: (d,) float32 of unit norm; moving along it raises the property.
        accuracy: share of the validation samples on the right side.
    """

    direction: np.ndarray
    accuracy: float


def fit_svm(
    vectors: Vectors,
    scores: np.ndarray,
    ratio: float,
    rng: np.random.Generator,
    c: float = FindSettings.svm_c,
) -> SvmFit:
    """Fits one group's direction of one property.

    The vectors are centred and divided by one number, their root-mean-square length, so that C
    means the same at every layer; the direction is that of the raw vectors all the same.

    Args:
        vectors: gives the vectors (k, d) of rows, which are places in `scores`.
        scores: (m,) of the property in the group.
        ratio: share of the m samples on either side.
        rng: draws the validation samples, the same share of either side.
        c: LinearSVC's C.

    Raises:
        InputError: the vectors of both sides are the same.
    """
    from sklearn.svm import LinearSVC  # takes a second to load

    side = round(ratio * len(scores))
    order = np.argsort(scores, kind="stable")
    held = max(1, round(VALIDATION * side))
    bottom, top = rng.permutation(order[:side]), rng.permutation(order[-side:])
    target = np.repeat([0, 1], side - held)
    x = vectors(np.concatenate([bottom[held:], top[held:]])).astype(np.float64)
    centre = x.mean(axis=0)
    x -= centre
    scale = np.sqrt(np.einsum("kd,kd->", x, x) / len(x)) or 1.0
    x /= scale
    # The primal solver draws no random numbers, which a process's threads would share, and its
    # sums over d numbers are too short for BLAS to split: the result is the same on any engine.
    model = LinearSVC(C=c, dual=False).fit(x, target)
    checked = vectors(np.concatenate([bottom[:held], top[:held]]))
    accuracy = model.score((checked - centre) / scale, np.repeat([0, 1], held))
    normal = model.coef_[0]
    length = np.linalg.norm(normal)
    if not 0 < length < np.inf:
        raise InputError(
            "samples with the highest and the lowest scores have the same vectors, so nothing "
            "parts them; choose another layer"
        )
    return SvmFit((normal / length).astype(np.float32), float(accuracy))


def fit_groups(
    vectors: Vectors,
    scores: Mapping[str, np.ndarray],
    members: Mapping[str, np.ndarray],
    ratio: float,
    seed: int,
    c: float = FindSettings.svm_c,
    workers: int | None = None,
) -> dict[str, list[SvmFit]]:
    """Fits every property in every group, in parallel; the result does not depend on how.

    Args:
        vectors: gives the vectors (k, d) float32 of rows; no more than a fit needs are read.
        scores: property -> (n,).
        members: group -> rows of its samples, all readable.
        ratio, c: see `fit_svm`.
        seed: fixes the validation samples of each group and property.
        workers: fits at once, see `tasks.run_tasks`.

    Returns:
        property -> one SvmFit a group, in the order of `members`.
    """
    from property_cnn.common.tasks import run_tasks

    tasks = [
        (vectors, scores[name][rows], rows, ratio, (seed, name, group), c)
        for name in scores
        for group, rows in members.items()
    ]
    fits = list(run_tasks(_fit_rows, tasks, workers))
    count = len(members)
    return {name: fits[i * count : (i + 1) * count] for i, name in enumerate(scores)}


def needed_size(ratio: float) -> int:
    """The least group of which `ratio`, rounded, leaves 5 samples on either side."""
    size = int((SIDE - 0.5) / ratio)
    while round(ratio * size) < SIDE:
        size += 1
    return size


def enough(smallest: int, n: int, ratio: float) -> int:
    """An n at which a group of `smallest` in n is large enough, with half as much to spare."""
    wanted = 1.5 * n * needed_size(ratio) / max(smallest, 1)
    step = 10 ** max(int(np.log10(wanted)) - 1, 0)
    return int(np.ceil(wanted / step) * step)


def _fit_rows(
    vectors: Vectors,
    scores: np.ndarray,
    rows: np.ndarray,
    ratio: float,
    keys: tuple[int, str, str],
    c: float,
) -> SvmFit:
    seed, name, group = keys
    rng = random_stream(seed, SPLITS, name, group)
    return fit_svm(lambda places: vectors(rows[places]), scores, ratio, rng, c)
