"""The whole benchmark: every part in turn, on one machine, in one go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from joblib import cpu_count

from vectorfind.bench.fits import fit_rows
from vectorfind.bench.machine import matmul_peak, memory_rows
from vectorfind.bench.practice import practice_rows
from vectorfind.bench.rates import measure_rates, rate_rows
from vectorfind.bench.reference import grid_ratio_rows, measure_costs, run_ratio_rows
from vectorfind.bench.rows import BenchRow
from vectorfind.bench.runs import layer_of, make_grid, make_run, stage_rows
from vectorfind.bench.settings import BenchSettings
from vectorfind.bench.training import training_rows
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import device_of
from vectorfind.runs import tsne
from vectorfind.sampling.groups import WHOLE
from vectorfind.sampling.sampler import sample

MAPPED = 2048
"""Samples, of which the top and the bottom are mapped by t-SNE."""

CALLS = 3
"""Maps, of which the fastest counts."""


def bench(
    settings: BenchSettings,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    say: Callable[[str], None] = lambda text: None,
) -> list[BenchRow]:
    """Measures the parts that the settings name; nothing else should run on the machine.

    Args:
        settings: sizes and parts.
        generator, scorer: "default" or a checkpoint's path.
        say: is told what is being measured.

    Raises:
        InputError: a setting is not allowed.
        CheckpointError: a checkpoint is missing, damaged or foreign.
    """
    models = load_models(generator, scorer, settings.device)
    rows, parts = [], settings.parts
    peak, device = 0.0, device_of(models.generator)
    if {"machine", "rates", "training"} & set(parts):
        say("matrix multiplications")
        peak, found = matmul_peak(device, settings.seconds)
        rows += [*found, *memory_rows(settings.seconds)]
    if "rates" in parts:
        say("images a second")
        rates = measure_rates(models, settings)
        how = f"batches of {settings.batch_size}, {settings.workers or cpu_count()} at once"
        rows += rate_rows(rates, peak, how)
    if "training" in parts:
        say("training of gradient networks")
        rows += training_rows(models, settings, peak)
    runs: dict[str, float] = {}
    if "test" in parts:
        for method in settings.methods:
            say(f"a run, {method}, n={settings.n:,}")
            run = make_run(method, models, settings, generator, scorer)
            rows += stage_rows(run, settings)
            runs[method] = run.seconds
    grid = None
    if "grid" in parts:
        say(f"the grid of layers and methods, n={settings.grid_n:,}")
        grid, found = make_grid(models, settings)
        rows += found
    if "reference" in parts:
        say(f"the reference's protocol, n={settings.reference_n:,}")
        costs, found = measure_costs(models, settings)
        rows += found + run_ratio_rows(costs, runs, models, settings)
        rows += [] if grid is None else grid_ratio_rows(costs, grid, settings)
    alone = {
        "fits": (f"SVMs, n={settings.fit_n:,}", fit_rows),
        "practice": (f"what one would run instead, n={settings.practice_n:,}", practice_rows),
        "tsne": ("t-SNE", tsne_rows),
    }
    for part in (part for part in alone if part in parts):
        words, measure = alone[part]
        say(words)
        rows += measure(models, settings)
    return rows


def tsne_rows(models: Models, settings: BenchSettings) -> list[BenchRow]:
    """What scikit-learn-intelex is worth to t-SNE, the one thing here that it speeds up: seconds of
    a map of a property's top and bottom samples by either library, and the ratio.
    """
    layer = layer_of("svm", models)
    samples = sample(models, MAPPED, settings.seed, layers=(layer,), workers=settings.workers)
    rows, _ = tsne.group_extremes(samples, FindSettings(group_by=()), WHOLE, models.scored[0])
    vectors = samples.vectors(layer, rows)
    note = f"{len(vectors)} samples of {vectors.shape[1]} numbers, best of {CALLS}"
    plain = _map_seconds(vectors, accelerated=False)
    found = [BenchRow("tsne", "scikit-learn", plain, "s", f"{note}; draws a run's figure")]
    if not tsne.has_intelex():
        nan = float("nan")
        return [*found, BenchRow("tsne", "scikit-learn-intelex", nan, "s", "it is not installed")]
    faster = _map_seconds(vectors, accelerated=True)
    return [
        *found,
        BenchRow("tsne", "scikit-learn-intelex", faster, "s", "its map depends on the threads"),
        BenchRow("tsne", "ratio", plain / faster, "x", "of scikit-learn's time to the extension's"),
    ]


def _map_seconds(vectors: np.ndarray, accelerated: bool) -> float:
    best = float("inf")
    for _ in range(CALLS):
        started = time.perf_counter()
        tsne.embed(vectors, 0, accelerated)
        best = min(best, time.perf_counter() - started)
    return best
