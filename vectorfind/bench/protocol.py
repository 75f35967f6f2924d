"""The reference system's protocol, re-enacted: what it did to a sample, a case and a network.

Images are made in batches of 4, each batch goes through NumPy on the CPU as 8-bit pixels, the
scorer reads one image at a time; each property's gradient network is trained by itself, in batches
of 16. Nothing of the library uses this but its benchmark.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from property_cnn.common.streams import CASES, NETWORKS, SAMPLES, random_stream
from vectorfind.config import GradientSettings
from vectorfind.directions.edits import edited_grid, strength_grid
from vectorfind.methods.registry import default_strengths
from vectorfind.models.pair import Models
from vectorfind.sampling.sampler import Samples

BATCH = 4
"""Images a batch."""

NETWORK_BATCH = 16
"""Samples a step of a gradient network's training."""


@dataclass(frozen=True)
class Training:
    """One network's training: its steps, its epochs and how long they took."""

    seconds: float
    steps: int
    epochs: int


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Images (N, 3, H, W) in [-1, 1] -> 8-bit pixels (N, H, W, 3), on the CPU."""
    values = (images.cpu().numpy() + 1.0) * 127.5
    return np.clip(values + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def from_pixels(pixels: np.ndarray) -> torch.Tensor:
    """The way back, to images (N, 3, H, W) in [-1, 1]."""
    values = pixels.astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1.0
    return torch.from_numpy(np.ascontiguousarray(values))


def read_singly(models: Models, latents: np.ndarray, layer: str) -> np.ndarray:
    """Vectors (N, d) -> scores (N, A) of their images, by the protocol."""
    scores = []
    for start in range(0, len(latents), BATCH):
        pixels = to_pixels(models.synthesize(latents[start : start + BATCH], layer))
        scores += [models.score(from_pixels(image[None])) for image in pixels]
    return np.concatenate(scores)


def sample_singly(models: Models, n: int, seed: int) -> Samples:
    """n samples with their vectors at every layer, mapped and read by the protocol."""
    generator, rng = models.generator, random_stream(seed, SAMPLES)
    z = rng.standard_normal((n, generator.z_dim), dtype=np.float32)
    label = rng.standard_normal((n, generator.label_dim), dtype=np.float32)
    last, parts, scores = models.last_layer, [], []
    for start in range(0, n, BATCH):
        rows = slice(start, start + BATCH)
        latents = {name: v.cpu().numpy() for name, v in models.map(z[rows], label[rows]).items()}
        parts.append(latents)
        scores.append(read_singly(models, latents[last], last))
    latents = {name: np.concatenate([part[name] for part in parts]) for name in generator.layers}
    scores = np.concatenate(scores)
    return Samples(z, label, latents, scores, models.scored, ~np.isnan(scores).any(axis=1))


def read_cases(
    models: Models, directions: Mapping[str, np.ndarray], cases: int, layer: str, seed: int
) -> np.ndarray:
    """The scores (C, S, A) of fresh cases and all of their edits, by the protocol.

    Args:
        models: generator and scorer.
        directions: property -> (d,), the same for every case.
        cases: C, their number.
        layer: where the directions live.
        seed: of the cases.
    """
    generator, rng = models.generator, random_stream(seed, CASES)
    grid = strength_grid(default_strengths("mixed", tuple(directions)))
    vectors, last, scores = np.stack([*directions.values()]), models.last_layer, []
    for _ in range(cases):
        z = rng.standard_normal((1, generator.z_dim), dtype=np.float32)
        label = rng.standard_normal((1, generator.label_dim), dtype=np.float32)
        mapped = models.map(z, label)
        read_singly(models, mapped[last].cpu().numpy(), last)  # tells the case's group
        moved = edited_grid(mapped[layer].cpu().numpy(), vectors[None], grid)[0]
        scores.append(read_singly(models, moved, layer))
    return np.stack(scores)


def train_alone(
    latents: np.ndarray,
    scores: np.ndarray,
    seed: int,
    settings: GradientSettings,
    seconds: float = float("inf"),
) -> Training:
    """Trains one property's network as PyTorch's tutorials do, in batches of 16.

    Args:
        latents: (n, d) vectors.
        scores: (n,) of the property.
        seed: of split and weights.
        settings: learning rate, decay, patience and most epochs are theirs.
        seconds: after which it stops wherever it is.
    """
    n, d = latents.shape
    order = random_stream(seed, NETWORKS).permutation(n)
    # Copies: a product on memory that NumPy placed may round otherwise.
    x = torch.tensor((latents - latents.mean(axis=0)) / latents.std())[order]
    y = torch.tensor((scores - scores.mean()) / scores.std())[order, None]
    train = n - 2 * (n // 10)
    valid = slice(train, n - n // 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _train(x, y, train, valid, _network(d, settings.dropout), settings, seconds)


def _train(
    x: torch.Tensor,  # (n, d)
    y: torch.Tensor,  # (n, 1)
    train: int,
    valid: slice,
    network: nn.Module,
    settings: GradientSettings,
    seconds: float,
) -> Training:
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, settings.decay)
    best, waited, steps, epochs = float("inf"), 0, 0, 0
    started = time.perf_counter()
    while epochs < settings.max_epochs and waited < settings.patience:
        network.train()
        for rows in torch.randperm(train).split(NETWORK_BATCH):
            optimizer.zero_grad()
            F.mse_loss(network(x[rows]), y[rows]).backward()
            optimizer.step()
            steps += 1
            if time.perf_counter() - started > seconds:
                return Training(time.perf_counter() - started, steps, epochs)
        schedule.step()
        network.eval()
        with torch.inference_mode():
            loss = F.mse_loss(network(x[valid]), y[valid]).item()
        epochs, waited = epochs + 1, waited + 1
        if loss < best:
            best, waited = loss, 0
    return Training(time.perf_counter() - started, steps, epochs)


def _network(d: int, dropout: float) -> nn.Module:
    sizes = (d, 768 + d // 4, 128 + d // 8)
    return nn.Sequential(
        *(nn.Linear(sizes[0], sizes[1]), nn.Tanh(), nn.Dropout(dropout)),
        *(nn.Linear(sizes[1], sizes[2]), nn.Tanh(), nn.Dropout(dropout)),
        nn.Linear(sizes[2], 1),
    )
