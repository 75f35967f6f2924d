"""What a subject is, and how many inputs are tried on it."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.hostile.judging import MEMORY, OUT, Outcome, judge

CHUNK = 100
"""Inputs that are drawn at once."""

QUIET = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))
"""Hypothesis neither keeps what it finds nor judges how long an input takes."""


def nothing(given: Any, folder: Path) -> None:
    """Lays no file."""


@dataclass(frozen=True)
class Subject:
    """Something that hostile input is given to.

    Attributes:
        inputs: what is given.
        use: gives it; may write under `OUT` of the folder, and raises `judging.Wrong` where the
            result is not what it must be.
        lay: puts files in the folder before that.
        whole: an input that must be taken.
        memory: most bytes that may be taken.
        short: inputs of the short run.
    """

    inputs: SearchStrategy[Any]
    use: Callable[[Any, Path], object]
    lay: Callable[[Any, Path], object] = nothing
    whole: Any = None
    memory: int = MEMORY
    short: int = 12


Make = Callable[[Path], Subject]
"""Makes a subject, with a folder for files of its own."""


def trial(subject: Subject, value: Any, folder: Path, outcome: Outcome) -> str:
    """Tries one input in a folder that has nothing under `OUT`; returns the fault, or ""."""
    shutil.rmtree(folder / OUT, ignore_errors=True)
    subject.lay(value, folder)
    place = os.getcwd()
    (folder / "here").mkdir(exist_ok=True)
    os.chdir(folder / "here")
    try:
        return judge(subject.use, value, folder, outcome, subject.memory)
    finally:
        os.chdir(place)


def warm_up(subject: Subject, folder: Path) -> None:
    """Tries the whole input, so that what is imported late is there; AssertionError if refused."""
    folder.mkdir(parents=True, exist_ok=True)
    if subject.whole is not None:
        outcome = Outcome("")
        trial(replace(subject, memory=2**40), subject.whole, folder, outcome)
        assert outcome.taken == 1, outcome


def hunt(subject: Subject, folder: Path, outcome: Outcome, until: float, start: int) -> None:
    """Tries inputs until a moment, and adds each fault with what was given.

    Args:
        subject: is given them.
        folder: for its files, see `warm_up`.
        outcome: is added to.
        until: by `time.monotonic`.
        start: the seed.
    """
    for chunk in itertools.count(1):

        @seed(start * 1_000_003 + chunk)
        @settings(QUIET, max_examples=CHUNK, phases=[Phase.generate])
        @given(subject.inputs)
        def some(value: Any) -> None:
            if time.monotonic() < until and trial(subject, value, folder, outcome):
                outcome.faults[-1] += f" of {value!r:.300}"

        some()
        if time.monotonic() >= until:
            return
