"""Statistics over cases: means with bootstrap intervals, shares with Wilson's, McNemar's test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from reports import columns as c
from reports.reading import result_properties

Interval = tuple[float, float, float]
"""A mean with the lower and the upper end of its interval."""

RESAMPLES = 2000
"""Resamples of a bootstrap, unless another number is asked for."""

ROUNDING = 0.00005 + 1e-9
"""How far a corr-coef of four decimals may lie from what was measured."""

_STREAM = 5  # property_cnn.common.streams.BOOTSTRAP


@dataclass(frozen=True, eq=False)
class Estimate:
    """Means over cases with the bounds of their 95 % bootstrap intervals; arrays of one shape."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, *index: int) -> Interval:
        """Mean, lower and upper end of one entry."""
        return tuple(float(part[index]) for part in (self.mean, self.low, self.high))


def interval_stream(seed: int) -> np.random.Generator:
    """The random numbers of a test's intervals: those of `random_stream(seed, BOOTSTRAP)`."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, _STREAM])))


def bootstrap(values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES) -> Estimate:
    """Means over the first axis with 95 % percentile bootstrap intervals over that axis.

    Args:
        values: (C, ...) a row a case; NaN is left out, column by column.
        rng: draws the cases of the resamples.
        resamples: how many.

    Returns:
        An Estimate of shape (...): NaN only where every case is NaN.
    """
    flat = values.reshape(len(values), -1).astype(np.float64)  # (C, K)
    mean, means = resampled_means(flat, rng, resamples)
    bounds = np.full((2, flat.shape[1]), np.nan)
    some = ~np.isnan(flat).all(axis=0)
    if some.any():
        bounds[:, some] = np.nanpercentile(means[:, some], [2.5, 97.5], axis=0)
    shape = values.shape[1:]
    return Estimate(mean.reshape(shape), bounds[0].reshape(shape), bounds[1].reshape(shape))


def resampled_means(
    values: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """Means of columns (C, K) without their NaN: (K,), and those of resampled cases (R, K)."""
    there = ~np.isnan(values)
    filled = np.where(there, values, 0.0)
    even = np.full(len(values), 1.0 / len(values))
    draws = rng.multinomial(len(values), even, size=resamples).astype(np.float64)  # (R, C)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / there.sum(axis=0)
        return mean, (draws @ filled) / (draws @ there.astype(np.float64))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (E. B. Wilson, 1927); (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(only_a: int, only_b: int) -> float:
    """The exact two-sided p-value of McNemar's test; 1 where the two never differ.

    Args:
        only_a, only_b: cases that pass in one run but not in the other.
    """
    total = only_a + only_b
    return float(binomtest(only_b, total).pvalue) if total else 1.0


def passes(table: pd.DataFrame, thresholds: Mapping[str, float]) -> tuple[np.ndarray, int]:
    """Which cases pass, (C,) bool, and how many the table's own marks contradict.

    Corr-coefs of a file are rounded: where that leaves a pass open, the table's mark decides.
    """
    names = result_properties(table)
    sizes = table[[c.corr_column(name) for name in names]].abs().to_numpy(np.float64)
    least = np.array([thresholds[name] for name in names])
    surely = (sizes >= least + ROUNDING).all(axis=1)
    perhaps = (sizes >= least - ROUNDING).all(axis=1)
    if c.PASSED not in table.columns:
        return (sizes >= least - 1e-9).all(axis=1), 0
    marked = (table[c.PASSED] == c.PASS_MARK).to_numpy(bool)
    passed = surely | (perhaps & marked)
    return passed, int((passed != marked).sum())
