"""How much of the machine's peak the training of gradient networks reaches."""

from __future__ import annotations

import time

import numpy as np
import torch

from vectorfind.bench.machine import GIGA, matmul_peak
from vectorfind.bench.rows import BenchRow, at_least
from vectorfind.bench.settings import RUNS, BenchSettings
from vectorfind.config import CONTROLLED, FindSettings, GradientSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.gradient.training import VALID, train_networks
from vectorfind.methods.gradient.windows import WINDOW
from vectorfind.methods.registry import method_named
from vectorfind.models.pair import Models
from vectorfind.models.protocols import device_of

EPOCHS = (1, 3)
"""Epochs of the two trainings that are timed."""

SHARE = 50.0
"""Percent of the peak that training is to reach."""

_DISTINCT = 4096  # vectors, which are given again and again


class MadeUp:
    """Samples of random numbers, which take no room: training is as fast on any numbers.

    Args:
        n: number of samples.
        size: of a vector.
        names: of the scores.
        seed: of the numbers.
    """

    def __init__(self, n: int, size: int, names: tuple[str, ...], seed: int = 0):
        rng = np.random.default_rng(seed)
        self._vectors = rng.standard_normal((min(n, _DISTINCT), size), dtype=np.float32)
        self.scores = rng.standard_normal((n, len(names)), dtype=np.float32)
        self.properties, self.readable = names, np.ones(n, dtype=bool)

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """Vectors (len(rows), d)."""
        return self._vectors[rows % len(self._vectors)]


def training_rows(models: Models, settings: BenchSettings, peak: float) -> list[BenchRow]:
    """Operations a second in training the mixed method's network, and one a property.

    Args:
        models: whose layer and device count.
        settings: number of samples, workers and seed.
        peak: operations a second that shares are of where float32 is trained in; the peak of
            another precision is measured.
    """
    size = models.generator.layers.get(RUNS["mixed"], max(models.generator.layers.values()))
    device, rows = device_of(models.generator), []
    dtype = GradientSettings().resolve(device).dtype
    if dtype != "float32":
        peak, rows = matmul_peak(device, settings.seconds, getattr(torch, dtype))
    for method in ("mixed", "gradient"):
        names = sum(method_named(method).parts(FindSettings(), CONTROLLED), ())
        samples = MadeUp(settings.training_n, size, names, settings.seed)
        short, longer = (_seconds(samples, epochs, settings, device) for epochs in EPOCHS)
        epoch = max(longer - short, 1e-9) / (EPOCHS[1] - EPOCHS[0])
        most = GradientSettings.max_epochs
        whole = short + (most - EPOCHS[0]) * epoch
        speed = len(names) * training_flop(settings.training_n, size, most) / whole
        note = f"{settings.training_n:,} made-up vectors of {size} numbers"
        measure = f"{method}, {len(names)} network" + ("s" if len(names) > 1 else "")
        rows += [
            BenchRow("training", f"{measure}, an epoch", epoch, "s", note),
            BenchRow(
                "training", f"{measure}, {most} epochs", whole, "s",
                f"extrapolated by rate from {EPOCHS[0]} and {EPOCHS[1]} epochs",
            ),
            at_least(
                "training", f"{measure}, share of the peak", 100 * speed / peak, SHARE, "%",
                f"{speed / GIGA:.0f} GFLOP/s in {dtype}; reading, validation and test included",
            ),
        ]  # fmt: skip
    return rows


def training_flop(n: int, size: int, epochs: int) -> float:
    """Operations of one network's matrix products when it is trained on n samples.

    A sample costs two operations a weight on its way forward, and four on its way back but for
    the first layer's, of which no gradient reaches the vectors.

    Args:
        n: samples, of which 80 % are trained on, at most a window an epoch.
        size: d, numbers in a vector.
        epochs: after each of which it is validated.
    """
    hidden, second = 768 + size // 4, 128 + size // 8
    forward = 2.0 * (size * hidden + hidden * second + second)
    step = 3 * forward - 2.0 * size * hidden
    held = n // 10
    return epochs * (min(n - 2 * held, WINDOW) * step + min(held, VALID) * forward) + held * forward


def _seconds(samples: MadeUp, epochs: int, settings: BenchSettings, device: torch.device) -> float:
    """How long one network a property takes to train."""
    gradient = GradientSettings(max_epochs=epochs, shared=False)
    find = FindSettings(seed=settings.seed, workers=settings.workers, gradient=gradient)
    task = FitTask(samples, {}, find, samples.properties, device=device)
    started = time.perf_counter()
    train_networks(task)
    return time.perf_counter() - started
