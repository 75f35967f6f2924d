"""Means over cases and their intervals, against closed forms and SciPy."""

import numpy as np
import pytest
from scipy.stats import binom

from property_cnn.common.streams import BOOTSTRAP, random_stream
from reports.statistics import bootstrap, interval_stream, mcnemar, wilson


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_bootstrap_intervals_agree_with_the_normal_ones(rng):
    values = rng.standard_normal((400, 2)) * [1.0, 3.0] + [5.0, 0.0]
    estimate = bootstrap(values, np.random.default_rng(1), 4000)
    error = values.std(axis=0) / 20
    assert np.allclose(estimate.mean, values.mean(axis=0))
    assert np.allclose(estimate.low, estimate.mean - 1.96 * error, atol=0.1 * error)
    assert np.allclose(estimate.high, estimate.mean + 1.96 * error, atol=0.1 * error)


def test_no_nan_enters_a_mean():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    estimate = bootstrap(values, np.random.default_rng(0), 500)
    assert estimate.mean[0] == 2.0
    assert (estimate.low[0], estimate.high[0]) == (1.0, 3.0)
    assert np.isnan([estimate.mean[1], estimate.low[1], estimate.high[1]]).all()


def test_bootstrap_keeps_shapes_and_follows_its_seed(rng):
    values = rng.standard_normal((20, 3, 8))
    one, two = (bootstrap(values, np.random.default_rng(3), 100) for _ in range(2))
    assert one.low.shape == (3, 8)
    assert np.array_equal(one.low, two.low)
    assert bootstrap(values[:, 0, 0], np.random.default_rng(3), 100).mean.shape == ()


@pytest.mark.parametrize(("passed", "cases"), [(0, 10), (3, 10), (10, 10), (43, 2000)])
def test_wilson_is_the_closed_form(passed, cases):
    share, z2 = passed / cases, 1.959963984540054**2
    middle = share + z2 / (2 * cases)
    half = np.sqrt(z2 * (share * (1 - share) / cases + z2 / (4 * cases**2)))
    expected = (middle - half) / (1 + z2 / cases), (middle + half) / (1 + z2 / cases)
    assert wilson(passed, cases) == pytest.approx(expected, abs=1e-9)


def test_wilson_without_cases_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_passes_are_compared_by_mcnemars_exact_test():
    assert mcnemar(1, 6) == pytest.approx(2 * binom.cdf(1, 7, 0.5))
    assert mcnemar(0, 0) == 1.0


def test_the_stream_of_intervals_is_that_of_the_library():
    ours, theirs = interval_stream(7), random_stream(7, BOOTSTRAP)
    assert ours.integers(1 << 60, size=4).tolist() == theirs.integers(1 << 60, size=4).tolist()
