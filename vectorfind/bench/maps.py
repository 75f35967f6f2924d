"""What scikit-learn-intelex is worth to t-SNE, the one thing here that it speeds up."""

from __future__ import annotations

import time

import numpy as np

from vectorfind.bench.rows import BenchRow
from vectorfind.bench.settings import RUNS, BenchSettings
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models
from vectorfind.runs import tsne
from vectorfind.sampling.groups import WHOLE
from vectorfind.sampling.sampler import sample

SAMPLES = 2048
CALLS = 3


def tsne_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """Seconds of a map of a property's top and bottom samples by either library, and the ratio."""
    layers = models.generator.layers
    layer = RUNS["svm"] if RUNS["svm"] in layers else models.last_layer
    samples = sample(models, SAMPLES, settings.seed, layers=(layer,), workers=settings.workers)
    rows, _ = tsne.group_extremes(samples, FindSettings(group_by=()), WHOLE, models.scored[0])
    vectors = samples.vectors(layer, rows)
    note = f"{len(vectors)} samples of {vectors.shape[1]} numbers, best of {CALLS}"
    plain = _seconds(vectors, accelerated=False)
    found = [BenchRow("tsne", "scikit-learn", plain, "s", f"{note}; draws a run's figure")]
    if not tsne.has_intelex():
        nan = float("nan")
        return [*found, BenchRow("tsne", "scikit-learn-intelex", nan, "s", "it is not installed")]
    faster = _seconds(vectors, accelerated=True)
    return [
        *found,
        BenchRow("tsne", "scikit-learn-intelex", faster, "s", "its map depends on the threads"),
        BenchRow("tsne", "ratio", plain / faster, "x", "of scikit-learn's time to the extension's"),
    ]


def _seconds(vectors: np.ndarray, accelerated: bool) -> float:
    best = float("inf")
    for _ in range(CALLS):
        started = time.perf_counter()
        tsne.embed(vectors, 0, accelerated)
        best = min(best, time.perf_counter() - started)
    return best
