"""The formula: what it holds, that no shorter way does, damping, and scores that move as one."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from vectorfind.methods.decoupled.columns import decoupled_columns


def drawn(scores=3, k=6, d=9, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((scores, k)), rng.standard_normal((d, k)), rng


def test_each_column_moves_its_own_score_by_one_and_no_other():
    jacobian, factor, _ = drawn()
    columns = decoupled_columns(jacobian, factor, np.zeros(3))
    raw = jacobian @ np.linalg.pinv(factor)  # by the vectors
    np.testing.assert_allclose(raw @ columns, np.eye(3), atol=1e-10)


def test_no_other_way_is_shorter_for_the_distribution():
    jacobian, factor, rng = drawn()
    columns = decoupled_columns(jacobian, factor, np.zeros(3))
    inverse = np.linalg.pinv(factor @ factor.T)
    length = columns[:, 0] @ inverse @ columns[:, 0]
    free = np.linalg.svd(jacobian)[2][3:]  # coordinates that no score sees
    for _ in range(20):
        other = columns[:, 0] + factor @ (0.1 * rng.standard_normal(3) @ free)
        np.testing.assert_allclose(jacobian @ np.linalg.pinv(factor) @ other, [1, 0, 0], atol=1e-9)
        assert other @ inverse @ other > length


def test_the_formula_is_that_of_the_covariance():
    jacobian, factor, _ = drawn(k=9)
    damping = np.array([0.0, 0.3, 0.7])
    raw, covariance = jacobian @ np.linalg.inv(factor), factor @ factor.T
    expected = covariance @ raw.T @ np.linalg.inv(raw @ covariance @ raw.T + np.diag(damping))
    np.testing.assert_allclose(decoupled_columns(jacobian, factor, damping), expected, atol=1e-8)


def test_kept_scores_give_way_by_their_damping_and_the_way_gets_shorter():
    jacobian, _, _ = drawn(scores=2)
    jacobian[1] = jacobian[0] + 0.3 * jacobian[1]  # nearly the same
    leaks, lengths = [], []
    for damping in (0.0, 0.1, 1.0, 1e6):
        column = decoupled_columns(jacobian, np.eye(6), np.array([0, damping]))[:, 0]
        column /= jacobian[0] @ column
        leaks.append(abs(jacobian[1] @ column))
        lengths.append(np.linalg.norm(column))
    assert leaks[0] < 1e-9
    assert leaks == sorted(leaks)
    assert lengths == sorted(lengths, reverse=True)
    np.testing.assert_allclose(column, jacobian[0] / (jacobian[0] @ jacobian[0]), rtol=1e-4)


def test_many_matrices_are_worked_on_at_once():
    rng = np.random.default_rng(1)
    many = rng.standard_normal((4, 2, 5))
    together = decoupled_columns(many, np.eye(5), np.zeros(2))
    for one, columns in zip(many, together, strict=True):
        np.testing.assert_allclose(decoupled_columns(one, np.eye(5), np.zeros(2)), columns)


def test_scores_that_do_not_move_apart_are_named():
    jacobian, factor, _ = drawn()
    jacobian[2] = -2 * jacobian[0]
    with pytest.raises(InputError, match="yaw and pose move as one; leave one of them out"):
        decoupled_columns(jacobian, factor, np.zeros(3), ("yaw", "mouth", "pose"))
    jacobian[2] = 0
    with pytest.raises(InputError, match="nothing at this layer moves pose"):
        decoupled_columns(jacobian, factor, np.zeros(3), ("yaw", "mouth", "pose"))
    jacobian[2] = jacobian[0] + jacobian[1]
    with pytest.raises(InputError, match=r"the 3 scores .* do not move apart"):
        decoupled_columns(jacobian, factor, np.zeros(3), ("yaw", "mouth", "pose"))
