"""Measures of a generator against closed forms and planted answers."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from stylegan_ft.training.measures import frechet_distance, linear_r2, nearest


def test_frechet_distance_of_a_set_to_itself_is_zero():
    features = np.random.default_rng(0).normal(size=(200, 5))
    assert frechet_distance(features, features) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_closed_form_of_shift_and_scale():
    features = np.random.default_rng(1).normal(size=(300, 4))
    shift = np.array([1.0, -2.0, 0.0, 0.5])
    assert frechet_distance(features, features + shift) == pytest.approx(shift @ shift)
    centred = features - features.mean(axis=0)
    trace = np.trace(np.cov(centred, rowvar=False))
    # C2 = 9 C1: tr(C1 + 9 C1 - 2 · 3 C1) = 4 tr C1
    assert frechet_distance(centred, 3.0 * centred) == pytest.approx(4.0 * trace)


def test_frechet_distance_is_symmetric_and_needs_enough_rows():
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(50, 6)), rng.normal(size=(70, 6)) * 2.0
    assert frechet_distance(one, two) == pytest.approx(frechet_distance(two, one))
    with pytest.raises(InputError, match="more rows"):
        frechet_distance(one[:5], two)


def test_linear_r2_of_planted_targets():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(4000, 10))
    signal = inputs @ rng.normal(size=10)
    noise = rng.normal(size=4000) * signal.std()
    targets = np.stack([signal, signal + noise, rng.normal(size=4000)], axis=1)
    whole, half, none = linear_r2(inputs, targets)
    assert whole > 0.999
    assert half == pytest.approx(0.5, abs=0.04)
    assert abs(none) < 0.02


def test_nearest_finds_the_planted_copy():
    rng = np.random.default_rng(4)
    candidates = rng.normal(size=(30, 8))
    order, distance = nearest(candidates[[7, 2]] + 0.01, candidates, 3)
    assert order[:, 0].tolist() == [7, 2]
    assert distance[:, 0] == pytest.approx([0.01, 0.01])
    assert (np.diff(distance, axis=1) >= 0).all()
