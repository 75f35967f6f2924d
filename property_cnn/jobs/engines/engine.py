"""What Dask and Ray have in common: tasks in order, a bounded number of them on their way.

A task whose worker dies is run again by the engine itself, on another one; a task whose worker has
a full disk is run once more elsewhere. The head holds tasks of a few bytes and the results that
wait for an earlier one.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from property_cnn.common.errors import FileError, InputError
from property_cnn.common.files import PARTIAL, writing
from property_cnn.common.tasks import Networks
from property_cnn.jobs.engines.names import EngineName
from property_cnn.jobs.engines.parcels import Parcels
from property_cnn.jobs.engines.worker import Answer, Call

EACH = 2
"""Tasks that a worker has at once, one of which it computes: so none waits for the head."""

AHEAD = 2**29
"""Bytes of results that wait for an earlier task, from which on no more tasks are sent.

Checksums of shards never come to that: a slow worker holds up no other.
"""

LOST = 60.0
"""Seconds without any worker after which a run is given up."""

ATTEMPTS = 4
"""How often a task is begun whose workers die."""

_LOOK = 1.0  # seconds between two looks at how many workers there are


class Handle(Protocol):
    """A task on its way, of Dask or of Ray."""

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class Engine(ABC):
    """The workers of a cluster; local ones are started with the first task.

    Args:
        name: which.
    """

    def __init__(self, name: EngineName):
        self.name = name
        self._folder: Path | None = None
        self._started = False

    @abstractmethod
    def start(self) -> None:
        """Starts the workers, or finds those that others have started."""

    @abstractmethod
    def slots(self, gpu: bool) -> int:
        """Tasks that compute at once, on all workers that are there now."""

    @abstractmethod
    def submit(self, call: Call, gpu: bool, but: str = "") -> Handle:
        """Sends a task; where there is a choice, not to the worker `but`."""

    @abstractmethod
    def answer(self, handle: Handle) -> Answer:
        """What came of a task that is done.

        Raises:
            InputError: its workers died, or the cluster is lost.
        """

    @abstractmethod
    def cancel(self, handles: Iterable[Handle]) -> None:
        """Lets go of tasks that nobody waits for any more."""

    @abstractmethod
    def stop(self) -> None:
        """Ends what `start` has started."""

    def run(
        self,
        function: Callable[..., Any],
        tasks: Iterable[tuple],
        workers: int | None = None,
        models: Networks | None = None,
        threads: int = 1,
    ) -> Iterator[Any]:
        """As `property_cnn.common.tasks.run_tasks`, on the workers."""
        parcels = self._parcels()
        gpu = models is not None and not models.on_cpu
        alone = models is not None and not (models.thread_safe and models.on_cpu)
        calls = (
            Call(parcels.packed((function, task)), parcels.folder, Path.cwd(), alone, threads)
            for task in tasks
        )
        return _Sending(self, gpu, workers).results(calls)

    def close(self) -> None:
        """Ends the workers that were started here, and removes what was sent to them."""
        if self._started:
            self.stop()
            self._started = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _parcels(self) -> Parcels:
        if not self._started:
            self.start()
            self._started = True
        if self._folder is None:
            # A local one's workers share this machine's; others what they are told to, or this.
            parent = None if self.name.workers is not None else self.name.folder or Path.cwd()
            with writing(parent or "a temporary folder"):
                self._folder = Path(tempfile.mkdtemp("-engine", PARTIAL, parent))
        return Parcels(self._folder)


class _Sending:
    """One call of `run_tasks`.

    Args:
        engine: whose workers compute.
        gpu: whether each task needs one.
        workers: most tasks at once; None for as many as the engine's workers take.
    """

    def __init__(self, engine: Engine, gpu: bool, workers: int | None):
        self._engine, self._gpu, self._workers = engine, gpu, workers
        self._running: dict[int, tuple[Handle, Call, str]] = {}  # the last: where it failed before
        self._done: SimpleQueue[int] = SimpleQueue()
        self._looked, self._slots, self._lost = -_LOOK, 0, time.monotonic()
        self._held = 0  # bytes of results

    def results(self, calls: Iterable[Call]) -> Iterator[Any]:
        """Results in the order of the calls; the first exception ends them."""
        coming, ready, sent, given, more = iter(calls), {}, 0, 0, True
        try:
            while more or given < sent:
                while more and self._room():
                    call = next(coming, None)
                    more = call is not None
                    if more:
                        self._send(sent, call)
                        sent += 1
                if given in ready:
                    answer = ready.pop(given)
                    self._held -= len(answer.packed)
                    yield answer.result()
                    given += 1
                elif more or given < sent:
                    ready.update(self._answers())
        finally:
            self._engine.cancel(handle for handle, _, _ in self._running.values())

    def _room(self) -> bool:
        """Whether one more task may be on its way."""
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked, self._slots = now, self._engine.slots(self._gpu)
            self._lost = now if self._slots else self._lost
            if now - self._lost > LOST:
                raise InputError(
                    f"engine {self._engine.name} has had no worker for {LOST:.0f} s"
                    f"{' with a GPU' if self._gpu else ''}; start some, and give the same command"
                )
        return len(self._running) < (self._workers or EACH * self._slots) and self._held < AHEAD

    def _send(self, index: int, call: Call, but: str = "") -> None:
        handle = self._engine.submit(call, self._gpu, but)
        self._running[index] = (handle, call, but)
        handle.add_done_callback(lambda _: self._done.put(index))

    def _answers(self) -> Iterator[tuple[int, Answer]]:
        """Number and answer of the task that is done next, if there is one within a second."""
        try:
            index = self._done.get(timeout=_LOOK)
        except Empty:
            return
        handle, call, failed = self._running.pop(index)
        answer = self._engine.answer(handle)
        if answer.disk_full and not failed:
            self._send(index, call, answer.place)
        elif answer.disk_full:
            self._refuse(answer, failed)
        elif answer.failed:
            answer.result()
        else:
            self._held += len(answer.packed)
            yield index, answer

    @staticmethod
    def _refuse(answer: Answer, before: str) -> None:
        try:
            answer.result()
        except OSError as error:
            places = " and on ".join(dict.fromkeys([before, answer.place]))
            refused = FileError(f"{error} (on {places})")
            refused.errno = answer.number
            raise refused from error
