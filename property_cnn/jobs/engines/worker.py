"""One task in a worker's process: its versions compared, unpacked, computed on its threads."""

from __future__ import annotations

import errno
import os
import platform
import sys
import traceback
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import Any

import cloudpickle

from property_cnn.common.errors import InputError
from property_cnn.common.tasks import stay_on
from property_cnn.jobs.engines.memory import keep_freed_memory
from property_cnn.jobs.engines.parcels import unpacked

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk that is full, as it may be on one machine and not on another."""

_PACKAGES = ("vectorfind", "torch", "numpy", "scipy", "scikit-learn")

_one_at_a_time = Lock()


@cache
def release() -> dict[str, str]:
    """Versions of all that the numbers depend on, where this runs."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    return versions


@dataclass(frozen=True)
class Call:
    """A task on its way.

    Attributes:
        packed: (function, arguments), see `parcels.Parcels.packed`.
        parcels: the folder of their heavy parts.
        folder: the sender's current one, in which files are named.
        alone: whether no other task may run beside it in its process.
        threads: of PyTorch that it computes on.
        release: the sender's.
    """

    packed: bytes
    parcels: Path
    folder: Path
    alone: bool
    threads: int = 1
    release: dict[str, str] = field(default_factory=release)


@dataclass(frozen=True)
class Answer:
    """A result on its way back.

    Attributes:
        packed: it, or the exception.
        failed: whether it is one.
        number: the system's of that exception; pickling loses it.
        trace: where it was raised.
        place: the worker.
    """

    packed: bytes
    failed: bool
    number: int | None
    trace: str
    place: str

    def result(self) -> Any:
        """The task's result; raises its exception."""
        value = cloudpickle.loads(self.packed)
        if not self.failed:
            return value
        if isinstance(value, OSError):
            value.errno = self.number
        value.add_note(f"on worker {self.place}:\n{self.trace}")
        raise value

    @property
    def disk_full(self) -> bool:
        """Whether it failed for want of room on a disk."""
        return self.failed and self.number in FULL


def answer(call: Call, place: str) -> Answer:
    """The result of a task, or its exception, here at this place."""
    try:
        with _one_at_a_time if call.alone else nullcontext():
            value = _result(call, place)
        return Answer(cloudpickle.dumps(value, 5), False, None, "", place)
    except Exception as error:  # whatever a task raises
        number = getattr(error, "errno", None)
        return Answer(_packed_error(error), True, number, traceback.format_exc(), place)


def _result(call: Call, place: str) -> Any:
    try:
        _wait_asleep()
        _check_release(call.release)
        _enter(call.folder)
        _keep_memory()
        function, task = unpacked(call.packed, call.parcels)
    except Exception as error:  # also whatever a network's own code raises while it is unpacked
        raise InputError(f"worker {place}: {error}") from error
    stay_on(call.threads)
    return function(*task)


def _check_release(wanted: dict[str, str]) -> None:
    here = release()
    others = [f"{name} {here[name]} for {wanted[name]}" for name in wanted
              if here.get(name) != wanted[name]]  # fmt: skip
    if others:
        raise InputError(f"it has {', '.join(others)}; install the same versions there")


def _wait_asleep() -> None:
    """Threads that wait for others sleep, else two processes on one core take thrice the time.

    OpenMP reads it when it is loaded, with PyTorch; whoever starts workers may have it otherwise.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _enter(folder: Path) -> None:
    """Goes to the sender's folder, where also the user's own modules are found."""
    try:
        if Path.cwd() != folder:
            os.chdir(folder)
    except OSError as error:
        raise InputError(
            f"it does not see {folder} ({error.strerror}); run in a folder that all workers see"
        ) from error
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@cache
def _keep_memory() -> None:
    keep_freed_memory()


def _packed_error(error: Exception) -> bytes:
    try:
        packed = cloudpickle.dumps(error)
        cloudpickle.loads(packed)
    except Exception:  # one that cannot travel
        return cloudpickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed
