"""Images a second of the networks as a run uses them, and their share of the machine's peak."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from property_cnn.common.streams import SAMPLES
from property_cnn.common.tasks import run_tasks
from vectorfind.bench.machine import GIGA
from vectorfind.bench.operations import Profile, flop, profile_call
from vectorfind.bench.rows import BenchRow, at_least
from vectorfind.bench.settings import BenchSettings
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import mapped_latents

ROUNDS = 3
"""Measurements of a rate, of which the median counts."""

SHARE = 50.0
"""Percent of the peak that the generator's convolutions are to reach."""

SHOWN = 4
"""Operations of the profile that are named besides convolutions."""


@dataclass(frozen=True)
class Rates:
    """Images a second, floating-point operations an image, and where the generator's time goes.

    Attributes:
        generator: vectors at the last layer to images.
        scorer: images to scores.
        both: vectors to scores.
        generator_flop, scorer_flop: in convolutions and matrix multiplications.
        profile: of a batch through the generator on one thread; None on a GPU.
        batch: images in it.
    """

    generator: float
    scorer: float
    both: float
    generator_flop: float
    scorer_flop: float
    profile: Profile | None
    batch: int


def measure_rates(models: Models, settings: BenchSettings) -> Rates:
    """The rates, all workers together, and one thread's profile."""
    vectors = batch_of(models, settings)
    images = models.synthesize(vectors, models.last_layer)
    return Rates(
        generator=task_rate(_generate, (models, vectors), models, settings),
        scorer=task_rate(_score, (models, images), models, settings),
        both=both_rate(models, settings),
        generator_flop=flop(lambda: _generate(models, vectors)) / len(vectors),
        scorer_flop=flop(lambda: _score(models, images)) / len(vectors),
        profile=profile_call(lambda: _generate(models, vectors)) if models.on_cpu else None,
        batch=len(vectors),
    )


def rate_rows(rates: Rates, peak: float, how: str) -> list[BenchRow]:
    """Rates, operations and shares of the peak (in operations a second) of the networks."""
    flops = {"generator": rates.generator_flop, "scorer": rates.scorer_flop}
    flops["both"] = sum(flops.values())
    rows = [_row(name, getattr(rates, name), "images/s", how) for name in flops]
    for name, cost in flops.items():
        rows.append(_row(f"{name}, operations", cost / 1e6, "MFLOP", "an image"))
    for name, cost in flops.items():
        speed = cost * getattr(rates, name)
        note = f"{speed / GIGA:.0f} GFLOP/s over all of its time"
        rows.append(_row(f"{name}, share of the peak", 100 * speed / peak, "%", note))
    return rows + ([] if rates.profile is None else _profile_rows(rates, rates.profile))


def _profile_rows(rates: Rates, profile: Profile) -> list[BenchRow]:
    total = sum(profile.seconds.values())
    speed = rates.generator_flop * rates.batch / max(profile.products, 1e-9)
    note = f"matrix products included; one thread, a batch of {rates.batch}"
    rows = [_row("generator, time in convolutions", 100 * profile.products / total, "%", note)]
    for name, seconds in list(profile.others.items())[:SHOWN]:
        rows.append(_row(f"generator, time in {name}", 100 * seconds / total, "%", ""))
    note = f"{speed / GIGA:.0f} GFLOP/s within that time, of the {profile.peak / GIGA:.0f} that "
    note += "one thread multiplies matrices at"
    share = 100 * speed / profile.peak
    return [*rows, at_least("rates", "convolutions, share of the peak", share, SHARE, "%", note)]


def both_rate(models: Models, settings: BenchSettings) -> float:
    """Images a second that are generated and scored, as a run does it."""
    return task_rate(_read, (models, batch_of(models, settings)), models, settings)


def task_rate(
    work: Callable[..., object], task: tuple, models: Models, settings: BenchSettings
) -> float:
    """Images a second of one task repeated by all workers; its last argument is the batch."""

    def repeated(until: float) -> Iterator[tuple]:
        yield task
        while time.perf_counter() < until:
            yield task

    rates, seconds = [], settings.seconds / ROUNDS
    list(run_tasks(work, [task] * 2, settings.workers, models))
    for _ in range(ROUNDS):
        started = time.perf_counter()
        tasks = repeated(started + seconds)
        done = sum(1 for _ in run_tasks(work, tasks, settings.workers, models))
        rates.append(done * len(task[-1]) / (time.perf_counter() - started))
    return statistics.median(rates)


def batch_of(models: Models, settings: BenchSettings) -> np.ndarray:
    """One batch of vectors (N, d) at the last layer."""
    last = models.last_layer
    return mapped_latents(models, settings.seed, SAMPLES, settings.batch_size, (last,))[2][last]


def _generate(models: Models, vectors: np.ndarray) -> None:
    _wait(models.synthesize(vectors, models.last_layer))


def _score(models: Models, images: torch.Tensor) -> None:
    models.score(images)  # ends on the CPU


def _read(models: Models, vectors: np.ndarray) -> None:
    models.read(vectors, models.last_layer)


def _wait(images: torch.Tensor) -> None:
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)


def _row(measure: str, value: float, unit: str, note: str) -> BenchRow:
    return BenchRow("rates", measure, value, unit, note)
