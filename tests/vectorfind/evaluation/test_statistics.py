"""Statistics against closed forms, SciPy, and hand-made cases with holes."""

import numpy as np
import pytest
from scipy import stats

from vectorfind.directions.edits import strength_grid
from vectorfind.evaluation.statistics import case_correlations, case_slopes

GRID = strength_grid({"eyes": (-1, 1), "mouth": (-2, -1, 0, 1, 2), "pose": (-1, 0, 1, 2, 3)})


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_correlations_are_pearsons_with_their_sign(rng):
    scores = rng.standard_normal((4, 50, 3)).astype(np.float32)
    scores[0] = 5 - 2 * GRID
    r = case_correlations(GRID, scores)
    assert np.allclose(r[0], -1)
    for case in (1, 2, 3):
        for index in range(3):
            expected = stats.pearsonr(GRID[:, index], scores[case, :, index]).statistic
            assert r[case, index] == pytest.approx(expected, abs=1e-6)


def test_constant_scores_have_no_correlation(rng):
    scores = rng.standard_normal((3, 50, 3)).astype(np.float32)
    scores[0, :, 1] = 7.3
    scores[1, :, 2] = 0.0
    scores[2, :, 0] = 1e4 + 1e-4 * rng.standard_normal(50)  # rounding, not an effect
    undefined = np.isnan(case_correlations(GRID, scores))
    assert np.argwhere(undefined).tolist() == [[0, 1], [1, 2], [2, 0]]


def test_small_scores_are_not_constant_ones():
    assert np.allclose(case_correlations(GRID, 1e-9 * GRID[None]), 1)


def test_unreadable_images_are_left_out_of_their_case():
    scores = np.stack([GRID, GRID, GRID]).astype(np.float32)
    scores[0, :10] = np.nan  # 40 of 50 remain
    scores[1, :25, 0] = np.nan  # half of them, by one score of the row; eyes is constant there
    scores[2, :26] = np.nan  # too few
    r = case_correlations(GRID, scores)
    assert np.allclose(r[0], 1)
    assert np.isnan(r[1]).tolist() == [True, False, False]
    assert np.isnan(r[2]).all()
    slopes = case_slopes(GRID, scores, np.ones(3))
    assert np.allclose(slopes[0], np.eye(3), atol=1e-6)
    assert np.isnan(slopes[1:]).all()  # without eyes' two ends its slope has no answer


def test_three_images_are_the_least_that_a_case_may_have():
    grid = np.array([[-1.0], [0.0], [1.0]])
    scores = np.stack([grid, grid])
    scores[1, 0] = np.nan
    assert np.isnan(case_correlations(grid, scores)).ravel().tolist() == [False, True]


def test_slopes_are_effects_and_leaks_in_standard_deviations(rng):
    effects = rng.standard_normal((2, 3, 4))  # 3 strengths on 4 scores
    scores = 10 + GRID @ effects
    std = np.array([1.0, 2.0, 0.5, 0.0])
    expected = effects / [1.0, 2.0, 0.5, 1.0]
    assert np.allclose(case_slopes(GRID, scores, std), expected)


def test_slopes_with_noise_are_least_squares(rng):
    scores = rng.standard_normal((1, 50, 2))
    design = np.column_stack([np.ones(50), GRID])
    expected = np.linalg.lstsq(design, scores[0], rcond=None)[0][1:]
    assert np.allclose(case_slopes(GRID, scores, np.ones(2))[0], expected)


def test_slopes_of_constant_scores_are_zero():
    assert np.allclose(case_slopes(GRID, np.full((1, 50, 2), 3.0), np.ones(2)), 0)
