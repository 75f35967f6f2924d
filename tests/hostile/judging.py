"""The rule for hostile input: it ends in a result or in one error of ours, and does no harm.

Harm is any other exception, a warning, more than `SECONDS`, more memory than its subject allows,
a file that appears, changes or goes anywhere but under `OUT`, and a result that its subject finds
wrong. Memory is told by Linux alone; elsewhere it is not judged.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from property_cnn.common.errors import VectorfindError

SECONDS = 10
MEMORY = 48 * 2**20
"""Bytes beside those that the input itself lets expect."""

LONGEST = 6100
"""Characters of an error; it may tell a path, which may be long."""

OUT = "out"
"""The one folder that a subject may write in."""

_CLEAR = Path("/proc/self/clear_refs")


class Hanging(BaseException):
    """Too many seconds have gone by; no `except Exception` takes it."""


class Wrong(AssertionError):
    """What was taken should have been refused."""


@dataclass
class Outcome:
    """What became of the inputs of one subject.

    Attributes:
        name: the subject's.
        refused, taken: how many were.
        slowest: seconds.
        memory: most bytes above those before.
        faults: what went wrong, a line each.
    """

    name: str
    refused: int = 0
    taken: int = 0
    slowest: float = 0.0
    memory: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.refused + self.taken + len(self.faults)


def judge(
    use: Callable[[Any, Path], object],
    given: Any,
    folder: Path,
    outcome: Outcome,
    memory: int = MEMORY,
) -> str:
    """Uses one input, under a limit of time, and adds what became of it.

    Args:
        use: takes the input and a folder, in which it may write under `OUT`.
        given: the input.
        folder: what lies in it must be the same afterwards, but for `OUT`.
        outcome: is added to.
        memory: most bytes that may be taken.

    Returns:
        The fault, or "".
    """
    before, held = listing(folder), reset_peak()
    handler = signal.signal(signal.SIGALRM, _too_long)
    started = time.perf_counter()
    signal.alarm(SECONDS)
    refused, fault = False, ""
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            use(given, folder)
    except VectorfindError as error:
        refused, fault = True, _unfit(str(error))
    except Exception as error:
        fault = f"{type(error).__name__}: {str(error)[:120]}"
    except Hanging:
        fault = f"more than {SECONDS} s"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    taken = peak() - held
    seconds = time.perf_counter() - started
    outcome.slowest = max(outcome.slowest, seconds)
    outcome.memory = max(outcome.memory, taken)
    if not fault and seconds > SECONDS:
        fault = f"more than {SECONDS} s"
    if not fault and taken > memory:
        fault = f"took {taken / 2**20:.0f} MiB"
    if not fault and warned:
        fault = f"a warning: {str(warned[0].message)[:120]}"
    if not fault:
        fault = _disturbed(before, listing(folder))
    if fault:
        outcome.faults.append(fault)
    elif refused:
        outcome.refused += 1
    else:
        outcome.taken += 1
    return fault


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file under a folder, by its path; those under `OUT` are left out."""
    found = {}
    for place, folders, names in os.walk(folder):
        inside = os.path.relpath(place, folder)
        if inside == ".":
            folders[:] = [name for name in folders if name != OUT]
        for name in [*names, *folders]:
            path = os.path.join(place, name)
            about = os.lstat(path)
            time_of = 0 if os.path.isdir(path) else about.st_mtime_ns
            size = 0 if os.path.isdir(path) else about.st_size
            found[os.path.normpath(os.path.join(inside, name))] = (size, time_of)
    return found


def reset_peak() -> int:
    """Sets the process's peak of resident memory to what it has now, and gives that in bytes."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")
    return peak()


def peak() -> int:
    """The most resident memory since the last reset, in bytes; 0 where Linux does not tell it."""
    if not _CLEAR.exists():
        return 0
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _unfit(message: str) -> str:
    """What is wrong with an error's text, or ""."""
    if not message.strip():
        return "an error without words"
    if len(message) > LONGEST:
        return f"an error of {len(message):,} characters: {message[:80]}"
    return ""


def _disturbed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> str:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            how = "gone" if name not in after else "new" if name not in before else "changed"
            return f"a file outside of {OUT} is {how}: {name}"
    return ""


def _too_long(*_: object) -> None:
    raise Hanging
