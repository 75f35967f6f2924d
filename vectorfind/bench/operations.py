"""What a network computes, operation by operation: how much of it, and how long each takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from property_cnn.common.tasks import one_thread
from vectorfind.bench.machine import fastest_matmul

CALLS = 5
"""Calls of which the fastest is looked at."""

_PRODUCTS = {"mm", "addmm", "bmm", "baddbmm", "matmul", "linear"}  # and all convolutions


@dataclass(frozen=True)
class Profile:
    """One call on one thread.

    Attributes:
        seconds: operation -> seconds, the longest first; "python" is what lies between them.
        peak: operations a second of a matrix multiplication on one thread, before and after.
    """

    seconds: dict[str, float]
    peak: float

    @property
    def products(self) -> float:
        """Seconds in convolutions and matrix products."""
        return sum(value for name, value in self.seconds.items() if _is_product(name))

    @property
    def others(self) -> dict[str, float]:
        """Operation -> seconds, of the others."""
        return {name: value for name, value in self.seconds.items() if not _is_product(name)}


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
            calls.append(dict(clock.seconds) | {"python": total - sum(clock.seconds.values())})
        peaks.append(fastest_matmul())
    fastest = min(calls, key=lambda seconds: sum(seconds.values()))
    ordered = sorted(fastest, key=lambda name: -fastest[name])
    return Profile({name: fastest[name] for name in ordered}, max(peaks))


def _is_product(name: str) -> bool:
    return "conv" in name or name in _PRODUCTS


class _Clock(TorchDispatchMode):
    """Adds up the seconds of each operation by its name."""

    def __init__(self):
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        started = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__ if hasattr(func, "overloadpacket") else str(func)
        self.seconds[name] += time.perf_counter() - started
        return result
