"""What linear classifiers between the highest and the lowest scores have in common: the sides, the
scale of the vectors, the held-out share, and the sizes that a group needs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import SPLITS, random_stream
from vectorfind.config import FindSettings
from vectorfind.methods.base import GROUPS, SCORES, DirectionField, FitTask, Method

SIDE = 5
"""Least number of samples on the top side, and on the bottom side, of a group."""

VALIDATION = 0.2
"""Share of each side that is kept from the fit to measure its accuracy."""

Vectors = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class SideFit:
    """One group's direction of one property.

    Attributes:
        direction: (d,) float32 of unit norm; moving along it raises the property.
        accuracy: share of the validation samples on the right side.
    """

    direction: np.ndarray
    accuracy: float


class SidesMethod(Method):
    """A linear classifier a group and property; its normal is the direction."""

    needs = (SCORES, GROUPS)
    parts_extremes = True

    @abstractmethod
    def classifier(self, settings: FindSettings) -> Callable[..., SideFit]:
        """Fits one group's direction of one property, see `fit_groups`."""

    @abstractmethod
    def field(
        self, groups: np.ndarray, directions: np.ndarray, accuracy: np.ndarray
    ) -> DirectionField:
        """The field of the directions (G, d) of groups (G,), of such accuracy (G,)."""

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError if the smallest group is too small, with an n that should do."""
        check_sides(sizes, settings)

    def fit(self, task: FitTask) -> dict[str, DirectionField]:
        """A field a property, of one classifier a group."""
        settings = task.settings
        fits = fit_groups(
            self.classifier(settings),
            partial(task.samples.vectors, settings.layer),
            {name: task.scores(name) for name in task.properties},
            task.members,
            settings.ratio,
            settings.seed,
            settings.workers,
        )
        groups = np.array(list(task.members))
        return {
            name: self.field(
                groups,
                np.array([fit.direction for fit in some]),
                np.array([fit.accuracy for fit in some]),
            )
            for name, some in fits.items()
        }


def fit_sides(
    vectors: Vectors,
    scores: np.ndarray,
    ratio: float,
    rng: np.random.Generator,
    model: Any,
    validation: float = VALIDATION,
    scaled: bool = True,
) -> SideFit:
    """Fits a classifier between the samples with the lowest and with the highest scores.

    Args:
        vectors: gives the vectors (k, d) of rows, which are places in `scores`.
        scores: (m,) of the property in the group.
        ratio: share of the m samples on either side.
        rng: draws the validation samples, the same share of either side.
        model: scikit-learn's, with `fit`, `score` and, of a fit, `coef_`.
        validation: that share.
        scaled: centre the vectors and divide them by one number, their root-mean-square length, so
            that a penalty means the same at every layer; the direction is that of the raw vectors
            all the same.

    Raises:
        InputError: the vectors of both sides are the same.
    """
    side = round(ratio * len(scores))
    order = np.argsort(scores, kind="stable")
    held = max(1, round(validation * side))
    bottom, top = rng.permutation(order[:side]), rng.permutation(order[-side:])
    target = np.repeat([0, 1], side - held)
    x = vectors(np.concatenate([bottom[held:], top[held:]])).astype(np.float64)
    centre, scale = x.mean(axis=0) if scaled else 0.0, 1.0
    x -= centre
    if scaled:
        scale = np.sqrt(np.einsum("kd,kd->", x, x) / len(x)) or 1.0
        x /= scale
    model.fit(x, target)
    checked = vectors(np.concatenate([bottom[:held], top[:held]]))
    accuracy = model.score((checked - centre) / scale, np.repeat([0, 1], held))
    normal = model.coef_[0]
    length = np.linalg.norm(normal)
    if not 0 < length < np.inf:
        raise InputError(
            "samples with the highest and the lowest scores have the same vectors, so nothing "
            "parts them; choose another layer"
        )
    return SideFit((normal / length).astype(np.float32), float(accuracy))


def fit_groups(
    fit: Callable[..., SideFit],
    vectors: Vectors,
    scores: Mapping[str, np.ndarray],
    members: Mapping[str, np.ndarray],
    ratio: float,
    seed: int,
    workers: int | None = None,
) -> dict[str, list[SideFit]]:
    """Fits every property in every group, in parallel; the result does not depend on how.

    Args:
        fit: takes the first four arguments of `fit_sides`.
        vectors: gives the vectors (k, d) float32 of rows; no more than a fit needs are read.
        scores: property -> (n,).
        members: group -> rows of its samples, all readable.
        ratio: share of a group's samples on either side.
        seed: fixes the validation samples of each group and property.
        workers: fits at once, see `tasks.run_tasks`.

    Returns:
        property -> one SideFit a group, in the order of `members`.
    """
    from property_cnn.common.tasks import run_tasks

    tasks = [
        (fit, vectors, scores[name][rows], rows, ratio, (seed, name, group))
        for name in scores
        for group, rows in members.items()
    ]
    fits = list(run_tasks(_fit_rows, tasks, workers))
    count = len(members)
    return {name: fits[i * count : (i + 1) * count] for i, name in enumerate(scores)}


def _fit_rows(
    fit: Callable[..., SideFit],
    vectors: Vectors,
    scores: np.ndarray,
    rows: np.ndarray,
    ratio: float,
    keys: tuple[int, str, str],
) -> SideFit:
    seed, name, group = keys
    rng = random_stream(seed, SPLITS, name, group)
    return fit(lambda places: vectors(rows[places]), scores, ratio, rng)


def check_sides(sizes: Mapping[str, int], settings: FindSettings) -> None:
    """Raises InputError if the smallest group is too small, with an n that should do.

    Args:
        sizes: group -> readable samples; an empty group counts as one of 0.
        settings: of the fit.
    """
    check_parts(sizes, settings)
    needed = needed_size(settings.ratio)
    smallest = min(sizes, key=lambda name: sizes[name])
    if sizes[smallest] >= needed:
        return
    n = enough(sizes[smallest], settings.n, settings.ratio)
    raise InputError(
        f"n={settings.n} is too small for {len(sizes)} groups: the smallest, {smallest}, has "
        f"{sizes[smallest]} samples and needs {needed}; try n={n}, or group by fewer properties"
    )


def check_parts(sizes: Mapping[str, int], settings: FindSettings) -> None:
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
