"""Directions by gradient: a small network learns vector -> score, its slope is the direction.

Unlike an SVM's, the direction differs from vector to vector. Sizes and training are the
reference system's (see the specification, section 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vectorfind.config import GradientSettings
from vectorfind.errors import InputError
from vectorfind.streams import NETWORKS, random_stream

LEAST = 50
"""Least number of readable samples that a network is trained on."""

WEIGHTS = ("weight1", "bias1", "weight2", "bias2", "weight3", "bias3")


@dataclass(frozen=True, eq=False)
class GradientNetwork:
    """A trained network d -> 768 + d/4 -> 128 + d/8 -> 1 with tanh between, as arrays.

    Inputs are centred and divided by one number, which turns no gradient.

    Attributes:
        centre: (d,) mean of the vectors it was trained on.
        scale: root-mean-square entry of those, centred.
        weights: `weight1` (h1, d), `bias1` (h1,), ..., `weight3` (1, h2), `bias3` (1,), float32.
    """

    centre: np.ndarray
    scale: float
    weights: Mapping[str, np.ndarray]

    def predict(self, mids: np.ndarray) -> np.ndarray:
        """Vectors (N, d) -> z-normalised scores (N,)."""
        _, hidden = self._hidden(mids)
        return hidden @ self.weights["weight3"][0] + self.weights["bias3"]

    def directions(self, mids: np.ndarray) -> np.ndarray:
        """Vectors (N, d) -> unit gradients (N, d) of the score with respect to the raw vectors."""
        first, second = self._hidden(mids)
        slope = (1 - second**2) * self.weights["weight3"]  # (N, h2)
        slope = (1 - first**2) * (slope @ self.weights["weight2"])  # (N, h1)
        slope = slope @ self.weights["weight1"]  # (N, d)
        norm = np.linalg.norm(slope, axis=1, keepdims=True)
        return (slope / np.maximum(norm, np.finfo(np.float32).tiny)).astype(np.float32)

    def _hidden(self, mids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w = self.weights
        first = np.tanh((mids - self.centre) / self.scale @ w["weight1"].T + w["bias1"])
        return first, np.tanh(first @ w["weight2"].T + w["bias2"])


def train_network(
    mids: np.ndarray,
    scores: np.ndarray,
    seed: int,
    name: str = "",
    settings: GradientSettings = GradientSettings(),  # noqa: B008, frozen
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> tuple[GradientNetwork, dict[str, float]]:
    """Trains one property's network; the same seed and name give the same network.

    80 % of the samples are trained on, 10 % choose the epoch, 10 % test it.

    Args:
        mids: (n, d) vectors.
        scores: (n,) of the property, all readable.
        seed: fixes split, initial weights, batches and dropout.
        name: the property; networks of other names draw other numbers.
        settings: of the training.
        device: where to train.
        progress: called with the number of epochs done since the last call.

    Returns:
        The network, and its test split's "mse", "mae", "rmse" and "corr", the first three in
        standard deviations of the score (their squares).

    Raises:
        InputError: fewer than 50 samples.
    """
    n = len(scores)
    if n < LEAST:
        raise InputError(f"{n} readable samples are too few for a gradient network; give {LEAST}")
    order = random_stream(seed, NETWORKS).permutation(n)
    train, valid, test = np.split(order, [n - 2 * (n // 10), n - n // 10])
    centre = mids[train].mean(axis=0)
    scale = float(np.sqrt(np.mean((mids[train] - centre) ** 2))) or 1.0
    # torch.tensor copies into aligned memory; where NumPy placed it, products may round otherwise.
    x = torch.tensor((mids - centre) / scale, device=device, dtype=torch.float32)
    y = torch.tensor((scores - scores.mean()) / scores.std(), device=device, dtype=torch.float32)
    weights = _fit(x, y, train, valid, random_stream(seed, NETWORKS, name), settings, progress)
    arrays = [weight.cpu().numpy() for weight in weights]
    network = GradientNetwork(centre, scale, dict(zip(WEIGHTS, arrays, strict=True)))
    wanted, given = y[test].cpu().numpy(), network.predict(mids[test])
    mse = float(np.mean((given - wanted) ** 2))
    return network, {
        "mse": mse,
        "mae": float(np.mean(np.abs(given - wanted))),
        "rmse": mse**0.5,
        "corr": float(np.corrcoef(given, wanted)[0, 1]),
    }


def _fit(
    x: Tensor,  # (n, d)
    y: Tensor,  # (n,)
    train: np.ndarray,
    valid: np.ndarray,
    rng: np.random.Generator,
    settings: GradientSettings,
    progress: Callable[[int], None] | None,
) -> list[Tensor]:
    """The weights of the epoch with the least validation loss."""
    device = x.device
    draw = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    weights = _initial(x.shape[1], rng, device)
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, settings.decay)
    best, best_loss, waited = weights, float("inf"), 0
    x_valid, y_valid = x[valid], y[valid]
    for _ in range(settings.max_epochs):
        shuffled = torch.from_numpy(rng.permutation(train)).to(device)
        for rows in shuffled.split(settings.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss = F.mse_loss(_forward(x[rows], weights, settings.dropout, draw), y[rows])
            loss.backward()
            optimizer.step()
        schedule.step()
        if progress is not None:
            progress(1)
        with torch.inference_mode():
            loss = F.mse_loss(_forward(x_valid, weights), y_valid).item()
        waited += 1
        if loss < best_loss:
            best, best_loss, waited = [w.detach().clone() for w in weights], loss, 0
        if waited >= settings.patience:
            break
    return [weight.detach() for weight in best]


def _forward(
    x: Tensor, weights: list[Tensor], dropout: float = 0.0, draw: torch.Generator | None = None
) -> Tensor:
    """(B, d) -> (B,); units are dropped where a generator is given."""
    for layer in range(2):
        x = torch.tanh(F.linear(x, weights[2 * layer], weights[2 * layer + 1]))
        if draw is not None and dropout > 0:
            keep = torch.empty_like(x).bernoulli_(1 - dropout, generator=draw)
            x = x * keep / (1 - dropout)
    return F.linear(x, weights[4], weights[5])[:, 0]


def _initial(size: int, rng: np.random.Generator, device: torch.device) -> list[Tensor]:
    """Weights and biases of the three layers, uniform within 1/sqrt(inputs) as PyTorch's are."""
    sizes = (size, 768 + size // 4, 128 + size // 8, 1)
    weights = []
    for inputs, outputs in pairwise(sizes):
        for shape in ((outputs, inputs), (outputs,)):
            values = rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(inputs**0.5)
            weights.append(torch.tensor(values, device=device, requires_grad=True))
    return weights
