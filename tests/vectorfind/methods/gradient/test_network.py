"""Gradient networks as arrays: predictions and slopes against PyTorch's own."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from vectorfind.methods.gradient import network as gradient
from vectorfind.methods.gradient.network import WEIGHTS, GradientNetwork

SIZES = (6, 9, 5, 3)


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    shapes = [s for i, o in pairwise(SIZES) for s in ((o, i), (o,))]
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    centre = rng.standard_normal(SIZES[0]).astype(np.float32)
    names = ("eyes", "mouth", "pose")
    return GradientNetwork(names, centre, 1.7, dict(zip(WEIGHTS, arrays, strict=True)))


def vectors(count=11):
    return np.random.default_rng(1).standard_normal((count, SIZES[0])).astype(np.float32)


def reference(network, latents):
    """The same network in PyTorch, written out."""
    w1, b1, w2, b2, w3, b3 = (torch.tensor(network.weights[key]) for key in WEIGHTS)
    x = (latents - torch.tensor(network.centre)) / network.scale
    return torch.tanh(torch.tanh(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3


def test_predictions_have_a_column_a_head(network):
    latents = vectors()
    given = network.predict(latents)
    assert given.shape == (11, 3)
    assert given.dtype == np.float32
    assert np.allclose(given, reference(network, torch.tensor(latents)), atol=1e-5)


def test_directions_are_the_unit_gradients_of_every_head(network):
    latents = vectors()
    found = network.directions(latents)
    assert found.shape == (11, 3, 6)
    assert found.dtype == np.float32
    for head in range(3):
        x = torch.tensor(latents, requires_grad=True)
        reference(network, x)[:, head].sum().backward()
        slope = x.grad / x.grad.norm(dim=1, keepdim=True)
        assert np.allclose(found[:, head], slope, atol=1e-5)


def test_chunks_change_nothing(network, monkeypatch):
    latents = vectors()
    whole = network.predict(latents), network.directions(latents)
    monkeypatch.setattr(gradient, "_CHUNK", 6)  # two vectors of three heads
    assert np.allclose(network.predict(latents), whole[0], atol=1e-6)
    assert np.allclose(network.directions(latents), whole[1], atol=1e-6)


def test_no_vectors_have_no_directions(network):
    assert network.predict(vectors(0)).shape == (0, 3)
    assert network.directions(vectors(0)).shape == (0, 3, 6)


def test_a_flat_network_has_no_nan_direction(network):
    flat = {key: np.zeros_like(values) for key, values in network.weights.items()}
    assert not replace(network, weights=flat).directions(vectors()).any()
