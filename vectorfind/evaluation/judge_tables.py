"""What judges say of a test, as the tables and arrays of its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from property_cnn.properties import akin
from reports import columns as c
from reports.layout import IDENTITY, JUDGES, JUDGES_CASES, JUDGES_SLOPES
from reports.statistics import Estimate
from reports.tables import slopes_table
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.evaluation.judging import Identity, Judgement, mean_cosine
from vectorfind.evaluation.measuring import Measurement

_NONE = (np.nan, np.nan, np.nan)


@dataclass(frozen=True, eq=False)
class _Side:
    """The scorer's figures or a judge's.

    Attributes:
        name: "scorer" or the judge's.
        scored: names of its scores.
        reads: property -> score, of the properties that it reads.
        measured, control: what it measured.
        passed: cases.
    """

    name: str
    scored: Sequence[str]
    reads: Mapping[str, str]
    measured: Measurement
    control: Measurement | None
    passed: int


def judge_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """File's name -> table; none without judges.

    `judges.csv` has a row a judge and property, the scorer's first; `judges_slopes.csv` the judges'
    slopes and leaks, in standard deviations of each one's own scores of the unedited cases;
    `judges_cases.csv` a row a judge and case; `identity.csv`, if a judge tells it, a row a judge
    and length of the edits.
    """
    told = evaluation.judgements
    if not told:
        return {}
    sides = [_scorer(evaluation), *map(_side, told)]
    names = evaluation.properties
    rows = [_row(side, names, place) for side in sides for place in range(len(names))]
    slopes = [_slopes(each, names) for each in told]
    cases = [row for each in told for row in _case_rows(each, names)]
    tables = {
        JUDGES: pd.DataFrame(rows),
        JUDGES_SLOPES: pd.concat(slopes, ignore_index=True),
        JUDGES_CASES: pd.DataFrame(cases),
    }
    identity = [row for each in told for row in _identity_rows(each, evaluation)]
    return tables | ({IDENTITY: pd.DataFrame(identity)} if identity else {})


def judge_arrays(evaluation: Evaluation) -> dict[str, np.ndarray]:
    """What judges read, as arrays.

    Of the judge at place K of `judges`: the names `judge_K_scored`, its scores `judge_K_base`
    (C, A), `judge_K_edited` (C, S, A) and `judge_K_control`, and, where it tells people apart,
    `judge_K_cosine` and `judge_K_distance` (C, S) of embeddings.
    """
    told, arrays = evaluation.judgements, {}
    if told:
        arrays["judges"] = np.array([each.judge.name for each in told])
    for place, each in enumerate(told):
        parts = {
            "scored": np.array(each.judge.scored),
            "base": each.base_scores,
            "edited": each.measured.scores,
            "control": None if each.control is None else each.control.scores,
            "cosine": None if each.identity is None else each.identity.cosine,
            "distance": None if each.identity is None else each.identity.distance,
        }
        arrays |= {f"judge_{place}_{k}": part for k, part in parts.items() if part is not None}
    return arrays


def _scorer(evaluation: Evaluation) -> _Side:
    return _Side(
        c.SCORER,
        evaluation.scored,
        {name: name for name in evaluation.properties},
        evaluation.measured,
        evaluation.control,
        int((evaluation.table[c.PASSED] == c.PASS_MARK).sum()),
    )


def _side(told: Judgement) -> _Side:
    return _Side(
        told.judge.name,
        told.judge.scored,
        told.reads,
        told.measured,
        told.control,
        int(told.passed.sum()),
    )


def _row(side: _Side, names: Sequence[str], place: int) -> dict[str, Any]:
    """A row of `judges.csv`; no figures where the property is not read."""
    name, measured = names[place], side.measured
    score = side.reads.get(name)
    row = {c.JUDGE: side.name, c.PROPERTY: name, c.SCORE: score or ""}
    row |= _figures(side, measured, name, place)
    random = _figures(side, side.control, name, place)
    row |= {c.random_column(column): value for column, value in random.items()}
    leak_score, leak = ("", np.nan) if score is None else _leak(side, score, place)
    row |= {c.LEAK_SCORE: leak_score, c.LEAK: leak}
    row |= {c.PASSED: side.passed, c.CASES: len(measured.scores)}
    return row | {c.UNDEFINED: measured.undefined, c.UNREADABLE: measured.unreadable}


def _figures(side: _Side, measured: Measurement | None, name: str, place: int) -> dict[str, float]:
    """Corr-coefs and the slope of a property with their intervals; NaN where there are none."""
    score = side.reads.get(name)
    corr, size, slope = _NONE, _NONE, _NONE
    if measured is not None and score is not None:
        index = list(side.reads).index(name)
        corr, size = measured.correlation.at(index), measured.abs_correlation.at(index)
        slope = measured.slope.at(place, side.scored.index(score))
    ends = (c.mean_column, c.low_column, c.high_column)
    figures = {end(c.CORR): value for end, value in zip(ends, corr, strict=True)}
    figures[c.mean_column(c.ABS_CORR)] = size[0]
    return figures | {end(c.SLOPE): value for end, value in zip(ends, slope, strict=True)}


def _leak(side: _Side, own: str, place: int) -> tuple[str, float]:
    """The other score that a strength moves most, and by how much."""
    slopes = side.measured.slope.mean[place]
    others = [
        (abs(slope), score, slope)
        for score, slope in zip(side.scored, slopes, strict=True)
        if not akin(own, score) and np.isfinite(slope)
    ]
    _, score, slope = max(others, default=(0.0, "", np.nan))
    return score, float(slope)


def _slopes(told: Judgement, names: Sequence[str]) -> pd.DataFrame:
    slope: Estimate = told.measured.slope
    table = slopes_table(slope.mean, slope.low, slope.high, names, told.judge.scored)
    table.insert(0, c.JUDGE, told.judge.name)
    return table


def _case_rows(told: Judgement, names: Sequence[str]) -> list[dict[str, Any]]:
    read = list(told.reads)
    rows = []
    for case, corrs in enumerate(told.measured.correlations):
        row = {c.JUDGE: told.judge.name, c.CASE: case}
        row[c.PASSED] = c.PASS_MARK if told.passed[case] else c.FAIL_MARK
        for name in names:
            corr = corrs[read.index(name)] if name in read else np.nan
            row[c.corr_column(name)] = corr
        rows.append(row)
    return rows


def _identity_rows(told: Judgement, evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of `identity.csv`: of all edits, then by their length, for both sorts of directions."""
    lengths = np.linalg.norm(evaluation.strengths.astype(np.float64), axis=1).round(1)
    rows = []
    for which, identity in ((c.FOUND, told.identity), (c.RANDOM, told.control_identity)):
        if identity is None:
            continue
        rows.append(_identity_row(told, which, np.nan, identity))
        for length in np.unique(lengths):
            some = lengths == length
            cosine, distance = identity.cosine[:, some], identity.distance[:, some]
            part = Identity(cosine, distance, mean_cosine(evaluation.settings, cosine))
            rows.append(_identity_row(told, which, length, part))
    return rows


def _identity_row(
    told: Judgement,
    which: str,
    length: float,
    identity: Identity,
) -> dict[str, Any]:
    there, limit = ~np.isnan(identity.distance), told.judge.same_person
    known = bool(there.any()) and np.isfinite(limit)
    share = float((identity.distance[there] <= limit).mean()) if known else np.nan
    row = {c.JUDGE: told.judge.name, c.DIRECTIONS: which, c.LENGTH: length}
    row |= dict(zip((c.MEAN, c.LOW, c.HIGH), identity.mean.at(), strict=True))
    row |= {c.SAME_PERSON: share, c.LIMIT: limit, c.EDITS: int(there.size)}
    return row | {c.UNREADABLE: int(there.size - there.sum())}
