"""Attribute dependency: how far other scores move where a property's own score moves by so much.

The measure is that of StyleSpace (Wu et al., 2021): changes are in standard deviations, the
others' are averaged (mean dependency) or their largest is taken (max dependency), and both are
told against the size of the property's own change, so that directions of any length can be set
beside each other.

Two images of a case are compared that differ in one property alone. In a design with sweeps these
are the sweeps' edits and the unedited image. In a full grid every edit is compared with the one
whose strength of the property is nearest to 0, the lower of two, and whose other strengths are the
same; the unedited image is one of the grid's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from property_cnn.properties import akin
from reports import columns as c
from reports.statistics import bootstrap, interval_stream

WIDTH = 0.5
"""Standard deviations of the property's own score that a bin of its changes spans."""

MOST_CHANGE = 6.0
"""Where the last bin begins, which has no end."""


def single_pairs(strengths: np.ndarray, crossed: int | None = None) -> list[np.ndarray]:
    """Pairs of a case's images that differ in one property alone.

    Args:
        strengths: (S, P) of its edits.
        crossed: how many of them, the first ones, are no sweeps; None where there are no sweeps.

    Returns:
        Of each property (K, 2) places among the edits, S for the unedited image: of an edit, and
        of what it is compared with.
    """
    first = 0 if crossed is None else crossed
    rows = np.concatenate([strengths[first:], np.zeros((1, strengths.shape[1]))])
    rows = rows.astype(np.float64).round(6) + 0.0  # no -0.0
    places = np.append(np.arange(first, len(strengths)), len(strengths))
    pairs = []
    for column in range(strengths.shape[1]):
        alike: dict[tuple[float, ...], list[int]] = {}
        for row, others in enumerate(np.delete(rows, column, axis=1)):
            alike.setdefault(tuple(others), []).append(row)
        found = []
        for members in alike.values():
            own = rows[members, column]
            order = np.lexsort([own, np.abs(own)])
            least = members[order[0]]
            found += [
                (each, least) for each in members if rows[each, column] != rows[least, column]
            ]
        pairs.append(places[np.array(found, dtype=int).reshape(-1, 2)])
    return pairs


def dependencies(
    pairs: np.ndarray, base: np.ndarray, edited: np.ndarray, own: int, others: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far scores move from one image of each pair to the other.

    Args:
        pairs: (K, 2) as from `single_pairs`.
        base: (C, A) scores of the unedited cases, in standard deviations.
        edited: (C, S, A) of their edits.
        own: place of the property's score.
        others: places of the scores that should not move.

    Returns:
        (C, K) sizes of the own score's changes, and the mean and the largest of the others'; NaN
        where an image could not be read.
    """
    scores = np.concatenate([edited, base[:, None]], axis=1).astype(np.float64)
    change = np.abs(scores[:, pairs[:, 0]] - scores[:, pairs[:, 1]])  # (C, K, A)
    return change[..., own], change[..., others].mean(axis=2), change[..., others].max(axis=2)


def dependency_curve(
    change: np.ndarray, mean: np.ndarray, largest: np.ndarray, seed: int = 0, resamples: int = 2000
) -> pd.DataFrame:
    """Changes of other scores by the size of the own score's change.

    Args:
        change, mean, largest: (C, K) as from `dependencies`.
        seed, resamples: of the 95 % bootstrap intervals over cases.

    Returns:
        A row a bin that is not empty: its ends, the mean change within it, mean and max
        dependency with their intervals, and the number of pairs. A case counts once.
    """
    there = ~np.isnan(change) & ~np.isnan(mean)
    bins = np.floor(np.minimum(np.where(there, change, 0.0), MOST_CHANGE) / WIDTH).astype(int)
    rows = []
    for number in np.unique(bins[there]):
        some = there & (bins == number)
        counts = np.where(some.any(axis=1), some.sum(axis=1), np.nan)
        values = [np.where(some, each, 0.0).sum(axis=1) / counts for each in (mean, largest)]
        estimate = bootstrap(np.column_stack(values), interval_stream(seed), resamples)
        ends = (number * WIDTH, np.nan if number * WIDTH >= MOST_CHANGE else (number + 1) * WIDTH)
        rows.append((*ends, change[some].mean(), *estimate.at(0), *estimate.at(1), some.sum()))
    return pd.DataFrame(rows, columns=list(c.DEPENDENCY_COLUMNS))


class Side(NamedTuple):
    """What one scorer, the directions' own or a judge, read of a test of C cases.

    Attributes:
        name: of the scorer.
        scored: A names of its scores.
        reads: property of the directions -> its score of it, of those that it reads.
        base: (C, A) of the unedited images.
        edited: (C, S, A) of their edits.
        std: (A,) its unit.
    """

    name: str
    scored: Sequence[str]
    reads: Mapping[str, str]
    base: np.ndarray
    edited: np.ndarray
    std: np.ndarray


def dependency_table(
    sides: Iterable[Side], pairs: Mapping[str, np.ndarray], seed: int = 0, resamples: int = 2000
) -> pd.DataFrame:
    """Attribute dependency: a row of each scorer, property and bin; see `Evaluation.dependency`.

    Args:
        sides: what each scorer read.
        pairs: property -> (K, 2) as from `single_pairs`.
        seed, resamples: of the 95 % bootstrap intervals over cases.
    """
    tables = []
    for judge, scored, reads, base, edited, std in sides:
        unit = np.where(std > 0, std, 1.0)
        for name, some in pairs.items():
            if name not in reads or not len(some):
                continue
            own = list(scored).index(reads[name])
            others = [
                place for place, each in enumerate(scored)
                if not akin(reads[name], each) and std[place] > 0
            ]  # fmt: skip
            if others and std[own] > 0:
                sizes = dependencies(some, base / unit, edited / unit, own, others)
                curve = dependency_curve(*sizes, seed, resamples)
                curve.insert(0, c.PROPERTY, name)
                curve.insert(0, c.JUDGE, judge)
                tables.append(curve)
    columns = [c.JUDGE, c.PROPERTY, *c.DEPENDENCY_COLUMNS]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
