"""How long all SVMs of a run take, beside its images."""

from __future__ import annotations

import time

import numpy as np
from joblib import cpu_count

from property_cnn.common.streams import SAMPLES, SPLITS, random_stream
from property_cnn.common.tasks import run_tasks
from vectorfind.bench.rates import both_rate
from vectorfind.bench.rows import BenchRow, at_most
from vectorfind.bench.runs import edits_of, layer_of
from vectorfind.bench.settings import BenchSettings
from vectorfind.config import CONTROLLED, GROUPING, FindSettings
from vectorfind.methods.svm import fit_svm
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import mapped_latents

PART = "fits"

SHARE = 5.0
"""Most percent of a run's images that its SVMs may take."""

CASES = 2000
"""Of a run of so many samples."""

NOISE = 1.0
"""Spread of the noise of made-up scores, to that of what the vectors tell of them."""


def fit_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """Seconds of the SVMs of a run of `fit_n` samples, by the time of one on every core.

    The vectors are the generator's; of the scores, which no image is made for, half the variance
    follows from the vectors, and half is noise.
    """
    workers, layer = settings.workers or cpu_count(), layer_of("svm", models)
    size = settings.fit_n // 2 ** len(GROUPING)
    vectors = mapped_latents(models, settings.seed, SAMPLES, size, (layer,))[2][layer]
    scores = made_up_scores(vectors, settings.seed)
    started = time.perf_counter()
    list(run_tasks(_fit, [(vectors, scores)] * workers, workers))
    one = time.perf_counter() - started
    count = len(CONTROLLED) * 2 ** len(GROUPING)
    fits = one * count / workers
    images = settings.fit_n + CASES * edits_of("svm")
    rate = both_rate(models, settings)
    note = f"n={settings.fit_n:,}: {round(FindSettings.ratio * size):,} vectors on either side"
    return [
        BenchRow(PART, "an SVM", one, "s", f"{note}; {vectors.shape[1]} numbers, {layer}"),
        BenchRow(PART, f"{count} SVMs", fits, "s", f"{workers} at once, by that"),
        BenchRow(PART, "the run's images", images / rate, "s",
                 f"{images:,} at {rate:,.0f} images/s, by rate"),
        at_most(PART, "SVMs to images", 100 * fits * rate / images, SHARE, "%", ""),
    ]  # fmt: skip


def made_up_scores(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Scores (n,) float32 that follow from vectors (n, d) along one direction, with noise."""
    rng = random_stream(seed, SAMPLES, "made-up scores")
    told = (vectors - vectors.mean(axis=0)) @ rng.standard_normal(vectors.shape[1])
    noise = NOISE * rng.standard_normal(len(vectors))
    return (told / told.std() + noise).astype(np.float32)


def _fit(vectors: np.ndarray, scores: np.ndarray) -> np.ndarray:
    rng = random_stream(0, SPLITS, "fits")
    return fit_svm(lambda rows: vectors[rows], scores, FindSettings.ratio, rng).direction
