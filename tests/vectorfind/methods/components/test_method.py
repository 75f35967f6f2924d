"""The choice among components: effects, signs, none twice."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from vectorfind.config import ComponentSettings, FindSettings
from vectorfind.methods.components.method import (
    ComponentField,
    assigned,
    correlations,
    measured,
    partial_slopes,
)
from vectorfind.methods.components.pca import PCA


def test_correlations_are_numpys_and_0_of_what_does_not_vary():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 3)), rng.standard_normal((50, 2))
    x[:, 2] = 4.0
    found = correlations(x, y)
    assert np.allclose(found[:2], np.corrcoef(x[:, :2].T, y.T)[:2, 2:])
    assert (found[2] == 0).all()


def test_slopes_are_those_of_a_coordinate_alone_where_several_vary_together():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 20_000))
    together = np.stack([first, first + second], axis=1)
    score = 3 * (first - second)  # = 3 (2 first - together), of which correlation sees nothing
    [[one], [other]] = partial_slopes(together, score[:, None])
    assert one == pytest.approx(6 / np.sqrt(18), abs=0.02)
    assert other == pytest.approx(-3 * np.sqrt(2) / np.sqrt(18), abs=0.02)
    assert abs(correlations(together, score[:, None])[1, 0]) < 0.02
    alone = np.stack([first, second], axis=1)
    assert np.allclose(
        partial_slopes(alone, score[:, None]), correlations(alone, score[:, None]), atol=0.02
    )


def test_no_component_serves_two_and_the_sum_is_the_largest():
    values = np.array([[0.9, 0.8], [0.7, 0.1], [0.0, 0.2]])
    assert assigned(values, ("a", "b")).tolist() == [[1], [0]]
    twice = assigned(np.vstack([values, [[0.6, 0.6]]]), ("a", "b"), 2)
    assert sorted(twice.ravel().tolist()) == [0, 1, 2, 3]
    with pytest.raises(InputError, match="3 components are too few for 2 properties, which take 4"):
        assigned(values, ("a", "b"), 2)


def test_spreads_and_shares_are_those_of_the_samples():
    rng = np.random.default_rng(0)
    vectors = (rng.standard_normal((4000, 2)) * [3.0, 1.0] + 7).astype(np.float32)
    found = measured(vectors, np.eye(2))
    assert found.spreads == pytest.approx([3.0, 1.0], rel=0.05)
    assert found.shares == pytest.approx([0.9, 0.1], abs=0.01)
    assert found.shares.sum() == pytest.approx(1.0)


def test_a_field_tells_what_it_is_and_comes_back_from_its_arrays():
    axis = np.eye(1, 4, dtype=np.float32)
    field = ComponentField(np.array(["all"]), axis, np.array([3]), 0.125, 0.5)
    assert [(fit.measure, fit.value) for fit in field.fits()] == [
        ("component", 3.0), ("share of variance", 0.125), ("effect", 0.5),
    ]  # fmt: skip
    assert field.summary() == "component 3 (12 % of the variance), effect 0.500 on the score"
    again = ComponentField.unpack(*field.pack())
    assert again.fits() == field.fits()
    assert np.array_equal(again.of_groups(), axis)


def test_too_few_samples_or_components_are_told_beforehand():
    with pytest.raises(InputError, match="49 readable samples are too few"):
        PCA.check_groups({"h": 40, "l": 9}, FindSettings(), ("a", "b"))
    few = FindSettings(components=ComponentSettings(count=1))
    with pytest.raises(InputError, match="1 components are too few for 2 properties"):
        PCA.check_groups({"all": 100}, few, ("a", "b"))
