"""What the machine is, and how fast it multiplies matrices."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from joblib import cpu_count

from vectorfind.bench.rows import BenchRow

SIDES = (2048, 4096)
"""Rows and columns of the matrices that are multiplied."""

COPIED = 2**28
"""Bytes that are copied, more than any cache holds."""

GIGA = 1e9


def machine() -> dict[str, object]:
    """Processor, cores, memory and system, without names that tell one machine from another."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": cpu_count(),
        "memory_gib": _memory(),
        "system": platform.system(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
    }


@contextmanager
def all_threads() -> Iterator[int]:
    """PyTorch computes on every core inside, as it does in a program that sets nothing."""
    cores = cpu_count()
    with _torch_threads(cores):
        yield cores


@contextmanager
def _torch_threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def matmul_peak(
    device: torch.device, seconds: float, dtype: torch.dtype = torch.float32
) -> tuple[float, list[BenchRow]]:
    """The fastest matrix multiplication, in operations a second, and rows on all tried.

    On a CPU, PyTorch's own may be far from what the machine can do, as MKL's on other processors
    than Intel's; oneDNN, which computes its convolutions, is tried too. The best of all counts.
    """
    rows, best = [], 0.0
    named = "" if dtype == torch.float32 else f", {str(dtype).removeprefix('torch.')}"
    with all_threads() as threads:
        how = f"{threads} threads" if device.type == "cpu" else str(device)
        for library, multiply in _libraries(device).items():
            for side in SIDES:
                matrix = torch.rand(side, side, device=device, dtype=dtype)
                rate = _fastest(lambda m=matrix, f=multiply: f(m), _cost(side), seconds / 2)
                measure = f"{library}, {side} square{named}"
                rows.append(_row(measure, rate, f"{how}, best of several"))
                best = max(best, rate)
    below = "shares below are of it" if not named else "the share of training is of it"
    return best, [*rows, _row(f"peak{named}", best, f"the best of these; {below}")]


def memory_rows(seconds: float) -> list[BenchRow]:
    """Bytes a second that a copy reads and writes, on one thread and on all: what bounds whatever
    passes over large maps without computing much."""
    rows = []
    for threads in sorted({1, cpu_count()}):
        with _torch_threads(threads):
            source = torch.zeros(COPIED // 4)
            target = torch.empty_like(source)
            rate = _fastest(lambda a=target, b=source: a.copy_(b), 2.0 * COPIED, seconds / 4)
        note = f"{threads} thread{'s' * (threads > 1)}, reading and writing, best of several"
        measure = "memory, copy" + (f", {threads} threads" if threads > 1 else "")
        rows.append(BenchRow("machine", measure, rate / GIGA, "GB/s", note))
    return rows


def fastest_matmul() -> float:
    """Operations a second of the fastest of a few multiplications on the CPU's threads as set."""
    matrix, cost = torch.rand(SIDES[0], SIDES[0]), _cost(SIDES[0])
    libraries = _libraries(matrix.device).values()
    return max(_fastest(lambda f=multiply: f(matrix), cost, 0.0) for multiply in libraries)


def _libraries(device: torch.device) -> dict[str, Callable[[torch.Tensor], object]]:
    """What can multiply a matrix by itself on the device, by name."""

    def plain(matrix: torch.Tensor) -> None:
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def onednn(matrix: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(matrix, matrix, None, "none", [], "")

    found: dict[str, Callable[[torch.Tensor], object]] = {"PyTorch's matmul": plain}
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        try:
            onednn(torch.rand(8, 8))
        except (RuntimeError, AttributeError):  # this PyTorch has it under no such name
            return found
        found["oneDNN's matmul"] = onednn
    return found


def _cost(side: int) -> float:
    return 2.0 * side**3


def _row(measure: str, rate: float, note: str) -> BenchRow:
    return BenchRow("machine", measure, rate / GIGA, "GFLOP/s", note)


def _fastest(work: Callable[[], object], cost: float, seconds: float) -> float:
    """Operations a second of the best call of at least three, after one to warm up."""
    work()
    best, until, calls = float("inf"), time.perf_counter() + seconds, 0
    while calls < 3 or time.perf_counter() < until:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
        calls += 1
    return cost / best


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()


def _memory() -> float:
    if sys.platform == "win32":
        return float("nan")
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
