"""Which edits a test makes of a case: a full grid, or a design of bounded size.

A full grid over eight properties has thousands of edits. Beyond three properties the test takes
some of its points, spread by a scrambled Sobol sequence (Owen, 1998), and each property's
strengths alone. Such points estimate what the full grid would give; they are on the grid's levels,
each about as often as any other, because a corr-coef depends on how the strengths spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import DESIGN, random_stream
from vectorfind.directions.edits import strength_grid

FULL_UP_TO = 3
"""Most properties of which a test takes the full grid unless a number of edits is given."""

POINTS = 64
"""Points that cross all properties, unless a number of edits is given; more beyond 16 of them."""

_MOST_EXCHANGED, _ROUNDS = 256, 40
"""Most points, and rounds, of the exchanges that undo correlations; more points have less."""


@dataclass(frozen=True, eq=False)
class Design:
    """The edits of each case of a test.

    Attributes:
        strengths: (S, P); all rows are made and scored.
        crossed: how many rows, the first ones, vary all properties at once; corr-coefs and slopes
            are of these. The others are sweeps: one property's strengths, all others at 0.
        full: whether they are the full grid, without sweeps.
    """

    strengths: np.ndarray
    crossed: int
    full: bool


def design_sizes(strengths: Mapping[str, Sequence[float]], edits: int | None) -> tuple[int, int]:
    """How many edits of a case cross all properties, and how many belong to sweeps.

    Args:
        strengths: property -> the grid's strengths.
        edits: most edits a case; None for the full grid up to three properties, and for 64 points
            (or four a property, as a power of two) and the sweeps beyond.

    Raises:
        InputError: so few edits cannot tell the properties apart.
    """
    grid = math.prod(map(len, strengths.values()))
    sweeps = sum(len({*values} - {0.0}) for values in strengths.values())
    count = len(strengths)
    if edits is None:
        usual = max(POINTS, 2 ** math.ceil(math.log2(4 * count)))
        most = grid if count <= FULL_UP_TO else usual + sweeps
    else:
        most = edits
    if grid <= most:
        return grid, 0
    crossed, least = (most - sweeps) // 2 * 2, 2 * count + 2
    if crossed < least:
        raise InputError(
            f"edits is {edits}; the sweeps of {count} properties take {sweeps}, and {least} more "
            f"are needed to tell them apart: give {min(sweeps + least, grid)} or more"
        )
    return crossed, sweeps


def design_of(
    strengths: Mapping[str, Sequence[float]], edits: int | None = None, seed: int = 0
) -> Design:
    """The edits of each case.

    Args:
        strengths: property -> the grid's strengths.
        edits: see `design_sizes`.
        seed: the test's.

    Raises:
        InputError: too few edits.
    """
    crossed, sweeps = design_sizes(strengths, edits)
    if not sweeps:
        grid = strength_grid(strengths)
        return Design(grid, len(grid), True)
    levels = [np.array(sorted({*values}), np.float32) for values in strengths.values()]
    rows = [spread_points(levels, crossed, seed), *_sweeps(levels)]
    return Design(np.concatenate(rows), crossed, False)


def spread_points(levels: Sequence[np.ndarray], count: int, seed: int) -> np.ndarray:
    """Points of a grid, spread evenly, with columns that are nearly uncorrelated.

    Half of them are a scrambled Sobol sequence, the others mirror these about the middle of each
    property's levels: so no product of two properties, and no square, enters a slope. So few
    points of a sequence are correlated; exchanges within columns undo that.

    Args:
        levels: of each of P properties its strengths, rising.
        count: how many, even.
        seed: the test's.

    Returns:
        (count, P) float32.
    """
    from scipy.stats import qmc

    half, sizes = count // 2, np.array([len(values) for values in levels])
    sobol = qmc.Sobol(len(levels), scramble=True, rng=random_stream(seed, DESIGN))
    points = sobol.random_base2(max(0, math.ceil(math.log2(half))))[:half]
    places = np.minimum((points * sizes).astype(int), sizes - 1)
    columns = range(len(levels))
    pairs = np.stack(
        [
            np.column_stack([levels[column][side[:, column]] for column in columns])
            for side in (places, sizes - 1 - places)
        ]
    )  # (2, count / 2, P)
    if half <= _MOST_EXCHANGED:
        pairs = _exchanged(pairs)
    return pairs.reshape(count, len(levels))


def _exchanged(pairs: np.ndarray) -> np.ndarray:
    """Mirrored points (2, N, P) with entries of a column exchanged while it lessens correlations.

    A columnwise exchange as in Xu (2002), the best one of a column at a time.
    """
    pairs = pairs.copy()
    scaled = pairs.astype(np.float64)
    scaled -= scaled.mean(axis=(0, 1))
    scaled /= np.maximum(np.linalg.norm(scaled, axis=(0, 1)), 1e-12)
    for _ in range(_ROUNDS):
        better = False
        for column in range(pairs.shape[2]):
            own, others = scaled[..., column], np.delete(scaled, column, axis=2)
            now = np.einsum("sn,snk->k", own, others)
            change = np.zeros((own.shape[1], own.shape[1], len(now)))
            for x, rest in zip(own, others, strict=True):
                change += (x[None] - x[:, None])[..., None] * (rest[:, None] - rest[None])
            costs = ((now + change) ** 2).sum(axis=2)
            one, other = np.unravel_index(costs.argmin(), costs.shape)
            if costs[one, other] < (now**2).sum() - 1e-9:
                better = True
                for each in (pairs, scaled):
                    each[:, [one, other], column] = each[:, [other, one], column]
        if not better:
            break
    return pairs


def largest_correlation(strengths: np.ndarray) -> float:
    """The largest |correlation| of two columns of strengths (S, P); infinite for a constant one."""
    centred = strengths - strengths.mean(axis=0, dtype=np.float64)
    sizes = np.linalg.norm(centred, axis=0)
    if (sizes == 0).any():
        return np.inf
    correlations = (centred / sizes).T @ (centred / sizes)
    return float(np.abs(correlations - np.eye(len(correlations))).max())


def _sweeps(levels: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Of each property its strengths but 0, which is the unedited image, with the others at 0."""
    sweeps = []
    for index, values in enumerate(levels):
        some = values[values != 0]
        rows = np.zeros((len(some), len(levels)), np.float32)
        rows[:, index] = some
        sweeps.append(rows)
    return sweeps
