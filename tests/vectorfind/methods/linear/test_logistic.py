"""Logistic directions: the optimum's closed form, planted ones with their sign, files."""

import numpy as np
import pytest

import vectorfind
from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import FindSettings
from vectorfind.methods.linear.logistic import LOGISTIC, C, fit_logistic
from vectorfind.methods.svm import STRENGTHS


def planted(n=1500, d=12, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.standard_normal(d)
    truth /= np.linalg.norm(truth)
    latents = (3.0 + 0.2 * rng.standard_normal((n, d))).astype(np.float32)
    return latents, latents @ truth, truth


def test_a_planted_direction_is_recovered_with_its_sign():
    latents, scores, truth = planted()
    up = fit_logistic(latents.__getitem__, scores, 0.2, np.random.default_rng(0))
    down = fit_logistic(latents.__getitem__, -scores, 0.2, np.random.default_rng(0))
    assert up.direction @ truth > 0.97
    assert down.direction @ truth < -0.97
    assert up.accuracy == 1.0
    assert np.linalg.norm(up.direction) == pytest.approx(1.0, abs=1e-6)


def test_at_the_optimum_the_normal_is_the_sum_of_the_residuals():
    """Where C times the loss and half the squared norm balance, w = C Σ (y - p) x."""
    rng = np.random.default_rng(1)
    latents = rng.standard_normal((200, 4)).astype(np.float32)
    scores = latents @ [1.0, -1.0, 0.5, 0.0] + 2 * rng.standard_normal(200)
    fit = fit_logistic(latents.__getitem__, scores, 0.5, np.random.default_rng(0))
    order = np.argsort(scores, kind="stable")
    drawn = np.random.default_rng(0)
    bottom, top = drawn.permutation(order[:100]), drawn.permutation(order[100:])
    x = latents[np.concatenate([bottom[20:], top[20:]])].astype(float)
    x -= x.mean(axis=0)
    x /= np.sqrt((x**2).sum(axis=1).mean())
    y = np.repeat([0, 1], 80)
    beta = np.zeros(5)
    ones = np.column_stack([x, np.ones(160)])
    penalty = np.diag([1.0] * 4 + [0.0])
    for _ in range(30):  # Newton's steps to the optimum
        p = 1 / (1 + np.exp(-ones @ beta))
        slope = C * ones.T @ (p - y) + penalty @ beta
        beta -= np.linalg.solve(C * (ones * (p * (1 - p))[:, None]).T @ ones + penalty, slope)
    assert np.allclose(fit.direction, beta[:4] / np.linalg.norm(beta[:4]), atol=1e-3)


def test_scores_without_a_direction_give_an_accuracy_of_chance():
    latents, _, _ = planted()
    scores = np.random.default_rng(1).standard_normal(len(latents))
    fit = fit_logistic(latents.__getitem__, scores, 0.2, np.random.default_rng(0))
    assert fit.accuracy < 0.65


def test_groups_too_small_are_told_an_n():
    with pytest.raises(InputError, match="hl, has 12 samples and needs 23; try n="):
        LOGISTIC.check_groups({"hh": 40, "hl": 12}, FindSettings(n=100, ratio=0.2), ("eyes",))


def test_directions_are_found_tested_saved_and_loaded(tmp_path):
    options = {"method": "logistic", "group_by": ("hair_color",), "workers": 1, "quiet": True}
    found = vectorfind.find_directions(
        1500, generator=ToyGenerator(), scorer=ToyScorer(), **options
    )
    truth = ToyGenerator().truth(found.layer)
    for name, field in found.fields.items():
        assert (field.of_groups() @ truth[found.scored.index(name)]).min() > 0.95
    assert found.fits()[0][1:4] == ("logistic", "h", "accuracy")
    assert found.strengths == {name: STRENGTHS[name] for name in found.properties}
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.fits() == found.fits()
    assert np.array_equal(loaded.boundaries().vectors, found.boundaries().vectors)
