"""Which w are usual: the distribution that was planted."""

import numpy as np
import pytest

from tests.vectorfind.characters.inversion.conftest import W_DIM
from vectorfind.characters.inversion.usual import usual_latents
from vectorfind.models.pair import Models
from vectorfind.sampling.lessons import Unscored


@pytest.fixture
def usual(generator):
    return usual_latents(Models(generator, Unscored()), "w", 4096, 0)


def test_mean_and_covariance_are_the_generator_s(usual, generator):
    np.testing.assert_allclose(usual.mean, 0.3, atol=0.1)
    covariance = usual.axes.T @ usual.axes
    np.testing.assert_allclose(covariance, np.diag(generator.stretch.numpy() ** 2), atol=0.15)


def test_samples_are_as_far_as_normal_ones(usual):
    white = usual.whitened(usual.latents)
    np.testing.assert_allclose(white.std(axis=0), 1, atol=0.1)
    assert np.square(usual.distances).mean() == pytest.approx(W_DIM, rel=0.1)  # chi squared
    assert usual.percentile(float(np.median(usual.distances))) == pytest.approx(50, abs=1)
    assert usual.percentile(0.0) == 0.0
    assert usual.percentile(1e9) == 100.0


def test_whitening_is_undone_by_the_axes(usual):
    back = usual.mean + usual.whitened(usual.latents) @ usual.axes
    np.testing.assert_allclose(back, usual.latents, atol=1e-5)


def test_a_seed_gives_the_same_and_another_other_samples(generator):
    models = Models(generator, Unscored())
    one, same, other = (usual_latents(models, "w", 64, seed) for seed in (0, 0, 1))
    assert (one.latents == same.latents).all()
    assert (one.axes == same.axes).all()
    assert not (one.latents == other.latents).any()


def test_what_never_varies_closes_no_way(generator):
    generator.stretch[0] = 0.0
    found = usual_latents(Models(generator, Unscored()), "w", 64, 0)
    assert np.isfinite(found.whitened(found.latents + 1)).all()
