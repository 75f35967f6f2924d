"""The SVM's minimum is met: its gradient vanishes, and scikit-learn's fit nears it from above."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from vectorfind.methods.linear.squared_hinge import SquaredHingeSvm, minimum


def sides(k, d, seed=0, apart=0.5):
    """Vectors of two classes that overlap, or not, along one direction."""
    rng = np.random.default_rng(seed)
    target = np.repeat([0, 1], k // 2)
    x = rng.standard_normal((k, d)) / np.sqrt(d)
    x[:, 0] += apart * (2 * target - 1)
    return x, target


def loss(svm, x, target, c):
    weights = np.r_[svm.coef_[0], svm.intercept_]
    gaps = np.maximum(0, 1 - (2 * target - 1) * (x @ weights[:-1] + weights[-1]))
    inputs = (2 * target - 1)[:, None] * np.c_[x, np.ones(len(x))]
    first = np.linalg.norm(2 * c * inputs.sum(axis=0))
    return weights @ weights / 2 + c * gaps @ gaps, np.linalg.norm(
        weights - 2 * c * gaps @ inputs
    ) / first


@pytest.mark.parametrize("c", [0.01, 1.0, 10.0, 1e5])
@pytest.mark.parametrize(("k", "d"), [(400, 12), (60, 200), (200, 200), (4, 30), (2, 1)])
@pytest.mark.parametrize("apart", [0.0, 0.2, 5.0])
def test_the_gradient_vanishes_and_no_other_solver_finds_less(k, d, c, apart):
    x, target = sides(k, d, apart=apart)
    ours = SquaredHingeSvm(c).fit(x, target)
    least, gradient = loss(ours, x, target, c)
    assert gradient < 1e-8
    theirs = LinearSVC(C=c, dual=False, max_iter=20).fit(x, target) if c < 100 else ours
    assert least <= loss(theirs, x, target, c)[0] * (1 + 1e-12)


def test_it_is_what_scikit_learn_nears():
    x, target = sides(400, 12)
    ours = SquaredHingeSvm(10.0).fit(x, target)
    theirs = LinearSVC(C=10.0, dual=False, tol=1e-12, max_iter=10_000).fit(x, target)
    assert ours.coef_ == pytest.approx(theirs.coef_, rel=1e-6, abs=1e-7)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-6, abs=1e-7)
    assert ours.score(x, target) == theirs.score(x, target)


def test_two_vectors_have_the_known_answer():
    # w = (a, 0): a²/2 + 2 C (1 - a)² is least at a = 4 C / (1 + 4 C)
    fit = SquaredHingeSvm(2.0).fit(np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]))
    assert fit.coef_ == pytest.approx(np.array([[8 / 9, 0.0]]), abs=1e-9)
    assert fit.intercept_ == pytest.approx([0.0], abs=1e-9)


def test_a_class_that_is_far_away_bends_nothing():
    x, target = sides(200, 5)
    far = np.r_[x, [[1000.0, 0, 0, 0, 0]]]
    ours = SquaredHingeSvm(10.0).fit(far, np.r_[target, 1])
    assert ours.coef_ == pytest.approx(SquaredHingeSvm(10.0).fit(x, target).coef_, rel=1e-7)


def test_vectors_that_are_all_the_same_have_no_direction():
    fit = SquaredHingeSvm(10.0).fit(np.zeros((10, 3)), np.repeat([0, 1], 5))
    assert not fit.coef_.any()
    assert fit.score(np.zeros((10, 3)), np.repeat([0, 1], 5)) == 0.5


def test_single_precision_too_coarse_for_a_large_c_is_not_used():
    x, target = sides(120, 100, apart=0.1)
    x[:, 1:] *= np.geomspace(1, 1e-3, 99)  # far from round
    fit = SquaredHingeSvm(1e6).fit(x, target)
    assert loss(fit, x, target, 1e6)[1] < 1e-8
    assert fit.n_iter_ < 100


def test_the_same_vectors_in_another_order_are_the_same_but_for_rounding():
    x, target = sides(300, 40)
    order = np.random.default_rng(1).permutation(300)
    one, other = (
        SquaredHingeSvm(10.0).fit(x[rows], target[rows]).coef_ for rows in (slice(None), order)
    )
    assert one == pytest.approx(other, rel=1e-8, abs=1e-10)


def test_steps_are_few():
    x, target = sides(1000, 30, apart=0.2)
    signed = (2 * target - 1)[:, None] * np.c_[x, np.ones(len(x))]
    weights, steps = minimum(signed, 10.0)
    assert steps <= 10
    assert weights.shape == (31,)
