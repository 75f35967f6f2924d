"""Principal components and whitening against the eigenvectors of the covariance."""

import numpy as np
import pytest

from tests.vectorfind.methods.linear.test_ridge import correlated, task
from vectorfind.methods.components import principal as module
from vectorfind.methods.components.principal import Whitening, principal, readable_rows, whitening


@pytest.mark.parametrize("exact", [2048, 4])
@pytest.mark.parametrize("n", [400, 10])
def test_components_are_the_eigenvectors_of_the_covariance(n, exact, monkeypatch):
    monkeypatch.setattr(module, "EXACT", exact)
    vectors, _, _ = correlated(n)
    found = principal(vectors.astype(np.float32), 5, seed=3)
    values, columns = np.linalg.eigh(np.cov(vectors.T))
    assert np.allclose(found.variances, values[::-1][:5], rtol=1e-4)
    expected = columns.T[::-1][:5]
    assert np.allclose(np.abs((found.axes * expected).sum(axis=1)), 1.0, atol=1e-4)
    assert (found.axes[np.arange(5), np.abs(found.axes).argmax(axis=1)] > 0).all()
    assert np.array_equal(principal(vectors.astype(np.float32), 5, seed=3).axes, found.axes)


def test_there_are_no_more_components_than_numbers_or_samples():
    vectors, _, _ = correlated(400)
    assert len(principal(vectors, 40, 0).axes) == 12
    assert len(principal(vectors[:5], 40, 0).axes) == 4


def test_whitened_vectors_have_unit_variance_and_directions_lead_back():
    vectors, truth, _ = correlated()
    given = task(np.tile(vectors, (1, 2)), vectors @ truth)
    white = whitening(given, readable_rows(given))
    assert isinstance(white, Whitening)
    coordinates = white.coordinates(given.samples.latents["w"])
    assert coordinates.shape == (2000, 12)  # the copies add none
    assert np.allclose(np.cov(coordinates.T), np.eye(12), atol=1e-3)
    coefficients = np.linalg.lstsq(coordinates, vectors @ truth - (vectors @ truth).mean())[0]
    [raw] = white.directions(coefficients[None])
    assert np.allclose(raw, np.tile(truth, 2) / 2, atol=1e-3)


def test_no_more_vectors_are_read_than_fit(monkeypatch):
    vectors, truth, _ = correlated(100)
    scores = vectors @ truth
    scores[:10] = np.nan
    monkeypatch.setattr(module, "MOST_NUMBERS", 12 * 30)
    assert readable_rows(task(vectors, scores)).tolist() == list(range(10, 40))
    assert readable_rows(task(vectors, scores), np.arange(50, 60)).tolist() == list(range(50, 60))
