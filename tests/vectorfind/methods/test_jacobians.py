"""Derivatives by back-propagation against finite differences; networks without any are told."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.methods.components.principal import Whitening
from vectorfind.methods.jacobians import exact_jacobian, smoothed
from vectorfind.models.pair import Models


def bent(scores):
    """Scores that are not linear: each is its own square and a bit of its neighbour."""
    return torch.sin(scores) + 0.3 * scores.roll(1, dims=1) ** 2


def vectors(n=6, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 8)).astype(np.float32)


def test_derivatives_are_those_of_finite_differences():
    models, w = Models(ToyGenerator(), ToyScorer(bent)), vectors()
    seen = []
    found = exact_jacobian(models, w, "w", [0, 3, 4], seen.append)
    assert found.shape == (6, 3, 8)
    assert sum(seen) == 6
    for axis in range(8):
        step = np.zeros(8, np.float32)
        step[axis] = 1e-2
        slopes = (models.read(w + step, "w") - models.read(w - step, "w")) / 2e-2
        np.testing.assert_allclose(found[:, :, axis], slopes[:, [0, 3, 4]], atol=2e-3)


def test_an_image_that_cannot_be_read_has_no_derivatives():
    def spoil(scores):
        return torch.where(scores[:, :1] > 1, torch.nan, scores)

    models, w = Models(ToyGenerator(), ToyScorer(spoil)), vectors(9)
    unreadable = np.isnan(models.read(w, "w")[:, 0])
    assert 0 < unreadable.sum() < 9
    found = exact_jacobian(models, w, "w", [0, 1])
    assert (np.isnan(found).all(axis=(1, 2)) == unreadable).all()
    assert (np.isfinite(found).all(axis=(1, 2)) == ~unreadable).all()


def test_networks_without_gradients_are_told():
    with pytest.raises(InputError, match="the scorer gives no gradients; use samples alone"):
        exact_jacobian(Models(ToyGenerator(), ToyScorer(torch.Tensor.detach)), vectors(), "w", [0])
    blind = ToyGenerator()
    blind.synthesize = lambda latents, layer: ToyGenerator.synthesize(
        blind, latents, layer
    ).detach()
    with pytest.raises(InputError, match="the generator gives no gradients"):
        exact_jacobian(Models(blind, ToyScorer()), vectors(), "w", [0])


def test_neighbours_lie_as_wide_as_asked_for_along_each_axis():
    white = Whitening(np.zeros(3), np.diag([1.0, 0.1, 10.0]))
    np.testing.assert_allclose(white.factor, np.diag([1, 10, 0.1]))
    rng = np.random.default_rng(0)
    offsets = smoothed(np.zeros((4000, 3)), white, 0.5, rng)
    np.testing.assert_allclose(offsets.std(axis=0), [0.5, 5, 0.05], rtol=0.05)
    assert smoothed(vectors(), white, 0.0, rng) is not None
