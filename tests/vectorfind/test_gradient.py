"""Gradient directions: the network's slope, planted ones recovered with their sign."""

import numpy as np
import pytest
import torch

from vectorfind.config import GradientSettings
from vectorfind.errors import InputError
from vectorfind.gradient import WEIGHTS, GradientNetwork, train_network

SHORT = GradientSettings(max_epochs=12)


def planted(n=1200, d=10):
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(d).astype(np.float32)
    truth /= np.linalg.norm(truth)
    mids = (2.0 + 0.3 * rng.standard_normal((n, d))).astype(np.float32)
    return mids, 5 + 7 * (mids @ truth), truth


def as_torch(network):
    return [torch.tensor(network.weights[key]) for key in WEIGHTS]


def reference(network, mids):
    """The same network in PyTorch, written out."""
    w1, b1, w2, b2, w3, b3 = as_torch(network)
    x = (mids - torch.tensor(network.centre)) / network.scale
    return (torch.tanh(torch.tanh(x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3)[:, 0]


def test_a_planted_direction_is_recovered_with_its_sign():
    mids, scores, truth = planted()
    for sign in (1, -1):
        network, metrics = train_network(mids, sign * scores, 0, "eyes", SHORT)
        cosines = network.directions(mids[:50]) @ truth * sign
        assert cosines.mean() > 0.98
        assert cosines.min() > 0.9
        assert metrics["corr"] > 0.99
        assert metrics["mse"] < 0.02
        assert metrics["rmse"] == pytest.approx(metrics["mse"] ** 0.5)
        assert metrics["mae"] <= metrics["rmse"]


def test_a_bent_score_has_another_direction_at_each_vector():
    rng = np.random.default_rng(1)
    mids = rng.standard_normal((1500, 4)).astype(np.float32)
    network, _ = train_network(
        mids, mids[:, 0] * mids[:, 1], 0, "", GradientSettings(max_epochs=25)
    )
    ends = np.array([[0, 1, 0, 0], [0, -1, 0, 0]], np.float32)
    assert network.directions(ends)[0, 0] > 0.8  # d(xy)/dx = y
    assert network.directions(ends)[1, 0] < -0.8


def test_directions_are_the_unit_gradients_of_the_raw_vectors():
    mids, scores, _ = planted(200)
    network, _ = train_network(mids, scores, 0, "", GradientSettings(max_epochs=1))
    x = torch.tensor(mids[:7], requires_grad=True)
    answer = reference(network, x)
    answer.sum().backward()
    slope = (x.grad / x.grad.norm(dim=1, keepdim=True)).numpy()
    assert np.allclose(network.predict(mids[:7]), answer.detach().numpy(), atol=1e-5)
    assert np.allclose(network.directions(mids[:7]), slope, atol=1e-5)


def test_sizes_follow_from_the_vectors():
    mids, scores, _ = planted(100, 16)
    network, _ = train_network(mids, scores, 0, "", GradientSettings(max_epochs=1))
    assert network.weights["weight1"].shape == (772, 16)
    assert network.weights["weight2"].shape == (130, 772)
    assert network.weights["weight3"].shape == (1, 130)


def test_the_same_seed_gives_the_same_bytes_and_leaves_global_randomness_alone():
    mids, scores, _ = planted(200)
    state = torch.get_rng_state()
    settings = GradientSettings(max_epochs=2)
    one, other = (train_network(mids, scores, 0, "eyes", settings)[0] for _ in range(2))
    assert all(one.weights[key].tobytes() == other.weights[key].tobytes() for key in WEIGHTS)
    assert torch.equal(state, torch.get_rng_state())
    changed, _ = train_network(mids, scores, 1, "eyes", settings)
    assert not np.array_equal(one.weights["weight1"], changed.weights["weight1"])


def test_the_best_epoch_is_kept_and_training_stops_early():
    rng = np.random.default_rng(0)
    mids = rng.standard_normal((150, 8)).astype(np.float32)
    noise = rng.standard_normal(150)
    epochs = []
    settings = GradientSettings(max_epochs=60, patience=2, learning_rate=3e-3)
    train_network(mids, noise, 0, "", settings, progress=epochs.append)
    assert 3 <= len(epochs) < 60


def test_dropout_of_nothing_and_of_much_both_train():
    mids, scores, _ = planted(100)
    for dropout in (0.0, 0.9):
        _, metrics = train_network(
            mids, scores, 0, "", GradientSettings(max_epochs=1, dropout=dropout)
        )
        assert np.isfinite(metrics["mse"])


def test_too_few_samples_are_refused():
    mids, scores, _ = planted(49)
    with pytest.raises(InputError, match="49 readable samples"):
        train_network(mids, scores, 0)


def test_a_flat_network_has_no_nan_direction():
    weights = {
        "weight1": np.zeros((5, 3), np.float32),
        "bias1": np.zeros(5, np.float32),
        "weight2": np.zeros((4, 5), np.float32),
        "bias2": np.zeros(4, np.float32),
        "weight3": np.zeros((1, 4), np.float32),
        "bias3": np.zeros(1, np.float32),
    }
    network = GradientNetwork(np.zeros(3, np.float32), 1.0, weights)
    assert not network.directions(np.ones((2, 3), np.float32)).any()
