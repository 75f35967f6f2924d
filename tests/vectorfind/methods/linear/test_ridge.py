"""Ridge directions: closed form, planted ones in correlated vectors, groups, R², files."""

import numpy as np
import pytest

import vectorfind
from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import FindSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.linear.ridge import ALPHAS, RIDGE, fit_ridge
from vectorfind.methods.svm import STRENGTHS
from vectorfind.sampling.sampler import Samples


def task(vectors, scores, members=None, **settings):
    """Of one property, `smile`, with the vectors at w."""
    n = len(vectors)
    samples = Samples(
        np.zeros((n, 1)), np.zeros((n, 0)), {"w": vectors.astype(np.float32)},
        scores[:, None].astype(np.float32), ("smile",), np.isfinite(scores),
    )  # fmt: skip
    settings = FindSettings(**{"n": n, "layer": "w", "workers": 1} | settings)
    return FitTask(samples, members or {"all": np.arange(n)}, settings, ("smile",))


def correlated(n=2000, d=12, seed=0):
    """Vectors whose variances span four orders, and a true direction."""
    rng = np.random.default_rng(seed)
    vectors = 5 + rng.standard_normal((n, d)) @ (np.diag(np.geomspace(1, 0.1, d)) @ turn(rng, d))
    truth = rng.standard_normal(d)
    return vectors, truth / np.linalg.norm(truth), rng


def turn(rng, d):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


def test_coefficients_are_the_closed_form_with_a_penalty_of_the_grid():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((80, 5)), rng.standard_normal((80, 2))
    scores = 3 + 2 * (x @ rng.standard_normal((5, 2))) + noise
    found, _ = fit_ridge(x, scores, np.arange(60), np.arange(60, 80))
    fitted = x[:60] - x[:60].mean(axis=0)
    targets = (scores[:60] - scores[:60].mean(axis=0)) / scores[:60].std(axis=0)
    for column, coefficients in enumerate(found):
        closed = [
            np.linalg.solve(fitted.T @ fitted + 60 * a * np.eye(5), fitted.T @ targets[:, column])
            for a in ALPHAS
        ]
        assert min(np.abs(coefficients - each).max() for each in closed) < 1e-8


def test_a_planted_direction_is_found_exactly_where_vectors_are_correlated():
    vectors, truth, _ = correlated()
    [field] = RIDGE.fit(task(vectors, vectors @ truth)).values()
    assert field.of_groups()[0] @ truth > 0.9999
    assert field.fits()[0].value > 0.9999
    [field] = RIDGE.fit(task(vectors, -40 * (vectors @ truth))).values()
    assert field.of_groups()[0] @ truth < -0.9999


def test_what_hardly_varies_takes_nothing_over():
    """A score that bends a little; its best plane leans on noise a thousand times too small."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((2000, 40)) * np.repeat([1.0, 1e-3], 20)
    bent = vectors[:, 0] + 0.3 * vectors[:, 1] ** 2
    [field] = RIDGE.fit(task(vectors, bent)).values()
    assert field.of_groups()[0, 0] > 0.98


def test_r2_is_that_of_the_share_that_the_vectors_explain():
    vectors, truth, rng = correlated(8000)
    clean = vectors @ truth
    noisy = clean + clean.std() * rng.standard_normal(len(clean))
    [field] = RIDGE.fit(task(vectors, noisy)).values()
    assert field.fits()[0].measure == "R²"
    assert field.fits()[0].value == pytest.approx(0.5, abs=0.05)
    [field] = RIDGE.fit(task(vectors, rng.standard_normal(len(clean)))).values()
    assert abs(field.fits()[0].value) < 0.05


def test_copies_of_the_same_numbers_share_the_direction():
    vectors, truth, _ = correlated()
    [field] = RIDGE.fit(task(np.tile(vectors, (1, 3)), vectors @ truth)).values()
    assert field.of_groups()[0] @ np.tile(truth, 3) / np.sqrt(3) > 0.999


def test_each_group_has_its_own_direction_whatever_the_workers():
    vectors, truth, _ = correlated()
    other = np.roll(truth, 1)
    members = {"h": np.arange(0, 2000, 2), "l": np.arange(1, 2000, 2)}
    scores = np.where(np.arange(2000) % 2 == 0, vectors @ truth, vectors @ other)
    fields = [RIDGE.fit(task(vectors, scores, members, workers=w))["smile"] for w in (1, 2)]
    first, second = fields[0].of_groups()
    assert first @ truth > 0.9999
    assert second @ other > 0.9999
    assert fields[0].of_groups().tobytes() == fields[1].of_groups().tobytes()


def test_a_group_too_small_and_scores_that_tell_nothing_are_told():
    with pytest.raises(InputError, match="smallest, l, has 19 samples and needs 20"):
        RIDGE.check_groups({"h": 40, "l": 19}, FindSettings(n=60, group_by=("smile",)), ("eyes",))
    vectors, _, _ = correlated(100)
    with pytest.raises(InputError, match="tell nothing of smile"):
        RIDGE.fit(task(vectors, np.ones(100)))


def test_directions_are_found_tested_saved_and_loaded(tmp_path):
    options = {"method": "ridge", "group_by": ("hair_color",), "workers": 1, "quiet": True}
    found = vectorfind.find_directions(
        1500, generator=ToyGenerator(), scorer=ToyScorer(), **options
    )
    truth = ToyGenerator().truth(found.layer)
    for name, field in found.fields.items():
        assert (field.of_groups() @ truth[found.scored.index(name)]).min() > 0.999
    assert [row[1:4] for row in found.fits()[:2]] == [("ridge", "h", "R²"), ("ridge", "l", "R²")]
    assert found.strengths == {name: STRENGTHS[name] for name in found.properties}
    assert vectorfind.evaluate(found, cases=4, quiet=True).statistics.passed[0] == 4
    found.save(tmp_path / "d.npz")
    loaded = vectorfind.load_directions(tmp_path / "d.npz", ToyGenerator(), ToyScorer())
    assert loaded.fits() == found.fits()
    assert np.array_equal(loaded.boundaries().vectors, found.boundaries().vectors)
