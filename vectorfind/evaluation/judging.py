"""What judges say of a test: the figures that the scorer gives, by scorers that found nothing.

A direction may deceive the network that it was found with. It need not deceive another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from property_cnn.common.prompt import Shown
from property_cnn.properties import read_as
from reports.statistics import Estimate, bootstrap, interval_stream
from vectorfind.config import EvaluateSettings
from vectorfind.evaluation.cases import JudgeScores
from vectorfind.evaluation.design import Design
from vectorfind.evaluation.measuring import Measurement, measure
from vectorfind.models.judges import Judge


@dataclass(frozen=True, eq=False, repr=False)
class Identity(Shown):
    """How far edits of C cases, S each, leave a face the same person's.

    Attributes:
        cosine, distance: (C, S) of the embeddings of the edited and the unedited image; NaN where
            one of them shows no face.
        mean: of the cosines of each case, over cases.
    """

    cosine: np.ndarray
    distance: np.ndarray
    mean: Estimate


@dataclass(frozen=True, eq=False, repr=False)
class Judgement(Shown):
    """What one judge says of the C cases of a test.

    Attributes:
        judge: who.
        reads: property of the directions -> the judge's name for it, of those that it reads.
        base_scores: (C, A) of the unedited images.
        score_std: (A,) standard deviations of these: the unit of its slopes; NaN where fewer than
            two were read or all are alike.
        measured: with the directions found.
        passed: (C,) bool: of the properties that it reads, all corr-coefs reach their thresholds.
        control: with random directions; None where the test has no control.
        identity, control_identity: None of a judge that does not tell it.
    """

    judge: Judge
    reads: dict[str, str]
    base_scores: np.ndarray
    score_std: np.ndarray
    measured: Measurement
    passed: np.ndarray
    control: Measurement | None
    identity: Identity | None
    control_identity: Identity | None


def judgements(
    settings: EvaluateSettings,
    design: Design,
    judges: Sequence[Judge],
    read: Sequence[JudgeScores],
) -> tuple[Judgement, ...]:
    """What judges say, from what they read.

    Args:
        settings: of the test, complete.
        design: of S edits a case.
        judges: who.
        read: of each, its answers on the cases and, after them, those of the control.
    """
    return tuple(
        _judgement(settings, design, judge, answers)
        for judge, answers in zip(judges, read, strict=True)
    )


def _judgement(
    settings: EvaluateSettings, design: Design, judge: Judge, answers: JudgeScores
) -> Judgement:
    names, count = list(settings.strengths), settings.cases
    reads = {name: read_as(name, judge.scored) for name in names}
    reads = {name: score for name, score in reads.items() if score is not None}
    own = {names.index(name): judge.scored.index(score) for name, score in reads.items()}
    base = answers.unedited[:count]
    std = _spread(base)
    found, chance = np.split(answers.edited, [count])
    measured = measure(settings, design, found, own, std)
    least = [settings.thresholds[name] for name in reads]
    identities = [
        _identity(settings, *(part[rows] for part in (answers.cosine, answers.distance)))
        if len(cases) and judge.tells_identity
        else None
        for rows, cases in ((slice(count), found), (slice(count, None), chance))
    ]
    return Judgement(
        judge=judge,
        reads=reads,
        base_scores=base,
        score_std=std,
        measured=measured,
        passed=(np.abs(measured.correlations) >= least).all(axis=1),  # NaN is no pass
        control=measure(settings, design, chance, own, std) if len(chance) else None,
        identity=identities[0],
        control_identity=identities[1],
    )


def _spread(scores: np.ndarray) -> np.ndarray:
    """(A,) population standard deviations of the rows (C, A) that were read; NaN for none."""
    there = scores[~np.isnan(scores).any(axis=1)].astype(np.float64)
    if len(there) < 2:
        return np.full(scores.shape[1], np.nan)
    std = there.std(axis=0)
    return np.where(std > 0, std, np.nan)


def _identity(settings: EvaluateSettings, cosine: np.ndarray, distance: np.ndarray) -> Identity:
    return Identity(cosine, distance, mean_cosine(settings, cosine))


def mean_cosine(settings: EvaluateSettings, cosine: np.ndarray) -> Estimate:
    """Over cases, of each case's mean over those of its edits (C, S) that are not NaN."""
    there = ~np.isnan(cosine)
    with np.errstate(invalid="ignore"):
        means = np.where(there, cosine, 0.0).sum(axis=1) / there.sum(axis=1)  # NaN without any
    return bootstrap(means, interval_stream(settings.seed), settings.bootstrap)
