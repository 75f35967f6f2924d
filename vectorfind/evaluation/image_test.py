"""The image-generation test: do the intended strengths come out in the images' scores?

Corr-coefs and passes are the reference system's. Slopes, leaks and the control with random
directions stand beside them, because a correlation says nothing of an effect's size, and along
any straight line in latent space most scores drift somewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.common.prompt import Shown, Thumbnail, table_html
from property_cnn.common.streams import CASES, CONTROL, random_stream
from property_cnn.common.tasks import run_tasks
from property_cnn.hair import HairSegmenter
from reports import columns as c
from reports.statistics import Interval, bootstrap, interval_stream, wilson
from reports.tables import result_table, statistics_table
from reports.text import signed, span
from vectorfind.config import (
    LEAST_READ,
    MOST_IMAGES,
    SIGMA,
    EvaluateSettings,
    FindSettings,
    default_thresholds,
)
from vectorfind.directions.directions import Directions
from vectorfind.directions.edits import CaseEdits
from vectorfind.directions.thumbnails import thumbnails
from vectorfind.evaluation.cases import Onlookers, case_scores, unedited_images
from vectorfind.evaluation.dependency import Side, dependency_table, single_pairs
from vectorfind.evaluation.design import design_of, design_sizes
from vectorfind.evaluation.judging import Judgement, judgements
from vectorfind.evaluation.measuring import Measurement, measure
from vectorfind.methods.registry import default_strengths
from vectorfind.models.judges import Judge
from vectorfind.models.pair import Models, check_readable
from vectorfind.models.protocols import named
from vectorfind.sampling.latents import BLOCK, mapped_latents
from vectorfind.sampling.sampler import read_all

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROL_CASES = 100
"""Cases of the control unless another number is asked for; never more than the test's own."""


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Shown):
    """Result of the image-generation test of C cases.

    Attributes:
        directions: that were tested.
        settings: those of the test, with strengths, thresholds and control_cases filled in.
        properties: P names of the strengths.
        scored: A names of the scores.
        table: a row a case: case, group_name, passed (O or X), a corr-coef a property and
            sum_abs_corr, NaN where undefined.
        statistics: one row: the reference's columns first, then counts, |corr| and intervals.
        strengths: (S, P) the edits of each case: the full grid, first property slowest, or what
            `vectorfind.evaluation.design` takes of it.
        measured: with the directions found.
        control: with random directions, on the first control_cases cases; None if that is 0.
        base_scores: (C, A) of the unedited images.
        z, label: (C, z_dim) and (C, label_dim), the cases.
        latents: (C, d) their vectors at the directions' layer.
        vectors: (C, P, d) the directions of each.
        base_unreadable: cases whose unedited image could not be read (group "?").
        hair: (C, S) IoU of the hair masks after and before each edit; None if not asked for.
        judgements: what each judge says.
        crossed: how many edits, the first ones, vary all properties at once; None for all, the
            full grid. The others are sweeps of one property alone.
    """

    directions: Directions
    settings: EvaluateSettings
    properties: tuple[str, ...]
    scored: tuple[str, ...]
    table: pd.DataFrame
    statistics: pd.DataFrame
    strengths: np.ndarray
    measured: Measurement
    control: Measurement | None
    base_scores: np.ndarray
    z: np.ndarray
    label: np.ndarray
    latents: np.ndarray
    vectors: np.ndarray
    base_unreadable: int
    hair: np.ndarray | None = None
    judgements: tuple[Judgement, ...] = ()
    crossed: int | None = None

    def facts(self) -> dict[str, str]:
        """What was tested and what came out, to be shown."""
        of, cases, measured = self.directions, len(self.table), self.measured
        passed = int((self.table[c.PASSED] == c.PASS_MARK).sum())
        facts = {
            "directions": f"{', '.join(self.properties)} by {of.method} at {of.layer}",
            "generator": named(of.models.generator),
            "scorer": named(of.models.scorer),
            "cases": f"{cases:,}, {len(self.strengths):,} edits each, seed {self.settings.seed}",
            "passed": f"{passed:,} of {cases:,}, {span(*wilson(passed, cases))} of all",
            "sum of |corr-coefs|": _interval(measured.sum_abs_correlation.at()),
            "corr-coefs": "\n".join(
                f"{name} {_interval(measured.correlation.at(place))}"
                for place, name in enumerate(self.properties)
            ),
        }
        if self.control is not None:
            facts["of random directions"] = _interval(self.control.sum_abs_correlation.at())
        if measured.unreadable or self.base_unreadable:
            facts["unreadable"] = f"{measured.unreadable:,} edits, {self.base_unreadable:,} faces"
        if self.judgements:
            facts["judges"] = ", ".join(each.judge.name for each in self.judgements)
        return facts

    def _repr_html_(self) -> str:
        return table_html(type(self).__name__, self.facts(), self._thumbnails)

    @cached_property
    def _thumbnails(self) -> tuple[Thumbnail, ...]:
        """Of the first readable case; made once."""
        first = int(np.isfinite(self.base_scores).all(axis=1).argmax())
        case = slice(first, first + 1)
        return thumbnails(
            lambda: self.directions.at(self.z[case], self.label[case]), self.settings.strengths
        )

    def plot_strengths(self, narrow: bool = False) -> Figure:
        """How far each property's score follows its strength, over the cases; see the run's page.

        Args:
            narrow: one panel a row, for narrow screens.

        Returns:
            A matplotlib Figure.
        """
        from reports.plots.measurements import strength_against_score  # loads matplotlib

        scores = self._own_scores(self.measured)
        control = None if self.control is None else self._own_scores(self.control)
        grid = self.strengths[self.factorial]
        columns = 1 if narrow else 3
        return strength_against_score(grid, scores, self.properties, control, columns)

    def plot_corr_coefs(self, narrow: bool = False) -> Figure:
        """Where the cases' corr-coefs lie, against the threshold of a pass and random directions.

        Args:
            narrow: one panel a row, for narrow screens.

        Returns:
            A matplotlib Figure.
        """
        from reports.plots.measurements import corr_histogram  # loads matplotlib

        thresholds, columns = dict(self.settings.thresholds), 1 if narrow else 3
        control = None if self.control is None else self.control.correlations
        found = self.measured.correlations
        return corr_histogram(found, self.properties, thresholds, control, columns)

    def plot_slopes(self, narrow: bool = False) -> Figure:
        """What a unit of each strength does to every score: its own, and leaks.

        Args:
            narrow: scores down the side, for narrow screens.

        Returns:
            A matplotlib Figure.
        """
        from reports.plots.measurements import slope_heatmap  # loads matplotlib

        own = [self.scored.index(name) for name in self.properties]
        order = own + [index for index in range(len(self.scored)) if index not in own]
        scored = [self.scored[index] for index in order]  # own effects on the diagonal
        slope = self.measured.slope
        mean, low, high = (part[:, order] for part in (slope.mean, slope.low, slope.high))
        return slope_heatmap(mean, self.properties, scored, low, high, narrow)

    def plot_dependency(self, narrow: bool = False) -> Figure:
        """How far other scores move with each property's own: the curves of `dependency`.

        Args:
            narrow: one panel a row, for narrow screens.

        Returns:
            A matplotlib Figure.
        """
        from reports.plots.dependency import dependency_curves  # loads matplotlib

        return dependency_curves(self.dependency(), columns=1 if narrow else 3)

    def dependency(self) -> pd.DataFrame:
        """Attribute dependency by the scorer and by each judge, see `dependency_table`."""
        reads = {name: name for name in self.properties}
        own, std = self.measured.scores, self.directions.score_std
        sides = [Side(c.SCORER, self.scored, reads, self.base_scores, own, std)]
        for told in self.judgements:
            seen = told.base_scores, told.measured.scores, told.score_std
            sides.append(Side(told.judge.name, told.judge.scored, told.reads, *seen))
        settings = self.settings
        pairs = dict(zip(self.properties, single_pairs(self.strengths, self.crossed), strict=True))
        return dependency_table(sides, pairs, settings.seed, settings.bootstrap)

    def _own_scores(self, measured: Measurement) -> np.ndarray:
        """(C, S, P) scores of the properties, in standard deviations of the samples'."""
        own = [self.scored.index(name) for name in self.properties]
        std = self.directions.score_std
        unit = np.where(std > 0, std, 1.0)[own]
        return measured.scores[:, self.factorial, own] / unit

    @property
    def factorial(self) -> slice:
        """The edits that corr-coefs and slopes are of: those that vary all properties at once."""
        return slice(self.crossed)


def _interval(of: Interval) -> str:
    return f"{signed(of[0])} ({span(*of[1:])})"


def completed(settings: EvaluateSettings, directions: Directions) -> EvaluateSettings:
    """The settings with every default filled in that depends on the directions.

    Raises:
        InputError: a setting is not allowed.
    """
    return completed_early(settings, directions.settings, directions.scored)


def completed_early(
    settings: EvaluateSettings, find: FindSettings, scored: Sequence[str]
) -> EvaluateSettings:
    """As `completed`, before there are directions.

    Args:
        settings: of the test.
        find: how the directions are found, complete.
        scored: the properties that the scorer reads.
    """
    names = find.properties
    unscored = [name for name in names if name not in scored]
    if unscored:
        raise InputError(
            f"the scorer does not read {', '.join(unscored)}, so no test can be made; import the "
            f"directions under names that it reads: {', '.join(scored)}"
        )
    settings.validate(names)
    if settings.target and find.units != SIGMA:
        raise InputError(
            "edits to a target need strengths in standard deviations of the scores; find the "
            "directions with units sigma"
        )
    strengths = default_strengths(find.method, names) | dict(find.strengths or {})
    strengths |= dict(settings.strengths or {})
    points = math.prod(len(strengths[name]) for name in names)
    if points < LEAST_READ:
        raise InputError(
            f"the grid has {points} points, strengths of {names[0]} alone, and a corr-coef of two "
            f"is always 1 or -1; give {LEAST_READ} strengths or more"
        )
    control = settings.control_cases
    settings = replace(
        settings,
        strengths={name: strengths[name] for name in names},
        thresholds=default_thresholds(names) | dict(settings.thresholds or {}),
        control_cases=min(settings.cases, CONTROL_CASES) if control is None else control,
    )
    if image_count(settings) > MOST_IMAGES:
        raise InputError(
            f"{settings.cases:,} cases of {len(names)} properties make {image_count(settings):,} "
            f"images, at most {MOST_IMAGES:,} are tested on; give fewer cases, strengths or "
            "properties"
        )
    return settings


def image_count(settings: EvaluateSettings, judged: bool = False) -> int:
    """How many images a test with completed settings makes, with judges or without."""
    edits = sum(design_sizes(settings.strengths, settings.edits))
    cases = settings.cases + settings.control_cases
    again = unedited_images(cases, settings.cases if settings.hair else 0, judged)
    return settings.cases + again + cases * edits


def run_cases(
    directions: Directions,
    settings: EvaluateSettings,
    progress: Callable[[int], None] | None = None,
    folder: Path | None = None,
    segmenter: HairSegmenter | None = None,
    judges: Sequence[Judge] = (),
) -> Evaluation:
    """The image-generation test.

    Args:
        directions: to be tested.
        settings: completed ones, see `completed`.
        progress: called with the number of images done since the last call.
        folder: keeps what is finished, so that an interrupted test can go on.
        segmenter: tells hair; needed where the settings ask for it.
        judges: scorers that read the same images, see `judging`.

    Raises:
        ScorerError: wrong shape, infinities, or more than half of the images unreadable (what
            judges cannot read is only counted).
    """
    models, layer = directions.models, directions.layer
    z, label, latents, base = unedited_cases(directions, settings, progress)
    groups = directions.group_of(base)
    design = design_of(settings.strengths, settings.edits, settings.seed)
    vectors = directions.vectors(latents, groups)  # (C, P, d)
    shape = (settings.control_cases, *vectors.shape[1:])
    chance = random_directions(settings.seed, shape, models.editable(layer))
    edits = CaseEdits(
        models,
        np.concatenate([latents, latents[: len(chance)]]),
        np.concatenate([vectors, chance]),
        design.strengths,
        layer,
        settings.batch_size,
        directions.course(settings.steps, settings.target),
        groups,
    )
    onlookers = Onlookers(segmenter if settings.hair else None, tuple(judges))
    workers = directions.settings.workers
    result = case_scores(edits, onlookers, len(latents), workers, folder, progress)
    scores, control_scores = np.split(result.scores, [len(latents)])
    check_readable(~np.isnan(scores).any(axis=2), "edited images")
    own = {place: directions.scored.index(name) for place, name in enumerate(settings.strengths)}
    std = directions.score_std
    measured = measure(settings, design, scores, own, std)
    control = measure(settings, design, control_scores, own, std) if len(chance) else None
    table, statistics = tables(groups, measured, settings)
    hair = result.overlaps if settings.hair else None
    if hair is not None:
        table, statistics = with_hair(table, statistics, hair, settings)
    return Evaluation(
        directions=directions,
        settings=settings,
        properties=directions.properties,
        scored=directions.scored,
        table=table,
        statistics=statistics,
        strengths=design.strengths,
        measured=measured,
        control=control,
        base_scores=base,
        z=z,
        label=label,
        latents=latents,
        vectors=vectors,
        base_unreadable=int(np.isnan(base).any(axis=1).sum()),
        hair=hair,
        judgements=judgements(settings, design, judges, result.judged),
        crossed=None if design.full else design.crossed,
    )


def with_hair(
    table: pd.DataFrame, statistics: pd.DataFrame, hair: np.ndarray, settings: EvaluateSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with the overlaps (C, S): each case's mean, and the mean of those."""
    cases = hair.mean(axis=1)
    mean = bootstrap(cases, interval_stream(settings.seed), settings.bootstrap)
    more = {"mean": mean.mean, "low": mean.low, "high": mean.high}
    return table.assign(**{c.HAIR_IOU: cases}), statistics.assign(
        **{f"{c.HAIR_IOU}_{end}": float(value) for end, value in more.items()}
    )


def unedited_cases(
    directions: Directions,
    settings: EvaluateSettings,
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """z, label, vectors (C, d) at the directions' layer and scores (C, A) of the fresh cases."""
    models, count = directions.models, settings.cases
    tasks = [
        (models, directions.layer, settings.seed, start // BLOCK, min(BLOCK, count - start),
         settings.batch_size)
        for start in range(0, count, BLOCK)
    ]  # fmt: skip
    parts = []
    for part in run_tasks(_unedited_block, tasks, directions.settings.workers, models):
        parts.append(part)
        if progress is not None:
            progress(len(part[0]))
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _unedited_block(
    models: Models, layer: str, seed: int, block: int, count: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    last = models.last_layer
    layers = tuple({layer, last})
    z, label, latents = mapped_latents(models, seed, CASES, count, layers, block)
    return z, label, latents[layer], read_all(models, latents[last], last, batch_size)


def random_directions(
    seed: int, shape: tuple[int, int, int], part: tuple[int, int] | None = None
) -> np.ndarray:
    """Unit vectors (C, P, d) in random directions, one a case and property.

    Args:
        seed: the test's.
        shape: C, P and d.
        part: start and stop of what directions may move; they are zero outside. None for all.
    """
    start, stop = part or (0, shape[2])
    drawn = (*shape[:2], stop - start)
    vectors = random_stream(seed, CONTROL).standard_normal(drawn, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.pad(vectors, ((0, 0), (0, 0), (start, shape[2] - stop)))


def tables(
    groups: np.ndarray, measured: Measurement, settings: EvaluateSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of the cases and its statistics in one row; an undefined case has failed."""
    names = tuple(settings.strengths)
    least = [settings.thresholds[name] for name in names]
    passed = (np.abs(measured.correlations) >= least).all(axis=1)  # NaN is no pass
    table = result_table(groups, passed, measured.correlations, names)
    undefined = np.isnan(measured.correlations).any(axis=1)
    table.loc[undefined, c.SUM_ABS_CORR] = np.nan  # no sum of a part, in no mean
    statistics = statistics_table(table, names, measured.unreadable)
    more: dict[str, float] = {}
    for index, name in enumerate(names):
        signed, sizes = c.corr_column(name), c.abs_corr_column(name)
        more[f"{signed}_low"] = measured.correlation.low[index]
        more[f"{signed}_high"] = measured.correlation.high[index]
        more[f"{sizes}_mean"] = measured.abs_correlation.mean[index]
    low, high = wilson(int(passed.sum()), len(passed))
    more |= {f"{c.PASSED_RATIO}_low": low, f"{c.PASSED_RATIO}_high": high}
    return table, statistics.assign(**more)
