"""Images a second of the networks as a run uses them, and their share of the machine's peak; what
they compute, operation by operation.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from property_cnn.common.streams import SAMPLES
from property_cnn.common.tasks import one_thread, run_tasks
from vectorfind.bench.machine import GIGA, fastest_matmul
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

CALLS = 5
"""Profiled calls, of which the fastest is looked at."""

CONVOLUTIONS = ("convolution", "conv2d", "conv_transpose2d")
"""Names of operations; in inference mode they are the last two."""

_PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "matmul", "linear"}  # and all convolutions


@dataclass(frozen=True)
class Profile:
    """One call on one thread.

    Attributes:
        seconds: operation -> seconds, the longest first; "python" is what lies between them.
        peak: operations a second of a matrix multiplication on one thread, before and after.
        convolutions: sizes of a convolution -> its seconds and operations, in the network's order.
    """

    seconds: dict[str, float]
    peak: float
    convolutions: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def products(self) -> float:
        """Seconds in convolutions and matrix products."""
        return sum(value for name, value in self.seconds.items() if _is_product(name))

    @property
    def others(self) -> dict[str, float]:
        """Operation -> seconds, of the others."""
        return {name: value for name, value in self.seconds.items() if not _is_product(name)}


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
    for sizes, (seconds, cost) in profile.convolutions.items():
        each = f"{100 * seconds / total:.1f} % of the time, {cost / seconds / GIGA:.1f} GFLOP/s"
        within = 100 * cost / seconds / profile.peak
        rows.append(_row(f"convolution {sizes}, share of the peak", within, "%", each))
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


def flop(work: Callable[[], object]) -> float:
    """Floating-point operations of a call, in convolutions and matrix multiplications."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def profile_call(work: Callable[[], object]) -> Profile:
    """Where the time of a call on the CPU goes, on one thread."""
    calls = []
    with one_thread():
        peaks = [fastest_matmul()]
        work()
        for _ in range(CALLS):
            with _Clock() as clock:
                started = time.perf_counter()
                work()
                total = time.perf_counter() - started
            own = dict(clock.seconds) | {"python": total - sum(clock.seconds.values())}
            calls.append((total, own, dict(clock.convolutions)))
        peaks.append(fastest_matmul())
    _, fastest, convolutions = min(calls, key=lambda call: call[0])
    ordered = sorted(fastest, key=lambda name: -fastest[name])
    return Profile({name: fastest[name] for name in ordered}, max(peaks), convolutions)


def _is_product(name: str) -> bool:
    return "conv" in name or name in _PRODUCTS


class _Clock(TorchDispatchMode):
    """Adds up the seconds of each operation by its name, and of convolutions by their sizes."""

    def __init__(self):
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)
        self.convolutions: dict[str, tuple[float, float]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        started = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__ if hasattr(func, "overloadpacket") else str(func)
        took = time.perf_counter() - started
        self.seconds[name] += took
        if name in CONVOLUTIONS:
            sizes, cost = _convolution(name, args, result)
            before = self.convolutions.get(sizes, (0.0, 0.0))
            self.convolutions[sizes] = (before[0] + took, before[1] + cost)
        return result


def _convolution(name: str, args: Sequence, result: torch.Tensor) -> tuple[str, float]:
    """The sizes of a convolution, and its operations.

    Args:
        name: of the operation.
        args: its own: maps, weights, bias, …; the seventh of `convolution` tells transposed ones.
        result: its maps (N, C, H, W).
    """
    maps, weights = args[:2]
    transposed = args[6] if name == "convolution" else name != "conv2d"
    where = maps if transposed else result  # each of its pixels meets all weights
    cost = 2.0 * weights.numel() * len(result) * math.prod(where.shape[2:])
    kind = "transposed " if transposed else ""
    side = "x".join(map(str, weights.shape[2:]))
    return f"{kind}{maps.shape[1]} to {result.shape[1]}, {side}, at {result.shape[-1]}", cost
