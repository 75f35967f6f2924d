"""Independent tasks, run together: shards of samples, cases of a test, fits of groups.

By default they are threads of this process, one a core, in which PyTorch and BLAS use one thread
each: nothing is copied or started, and no two engines compete for a core. `running_on` moves them
to an engine's processes, on this machine or on many, see `property_cnn.jobs.engines`; without one
all go through joblib, so that `joblib.parallel_config(backend=...)` moves them, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol

from joblib import Parallel, cpu_count, delayed
from joblib.parallel import get_active_backend
from threadpoolctl import ThreadpoolController

TRAINING_THREADS = 2
"""Threads of the training of one network, whatever cores there are."""


class Networks(Protocol):
    """What the tasks run: do several threads bear with it, and is all of it on the CPU?"""

    @property
    def thread_safe(self) -> bool: ...

    @property
    def on_cpu(self) -> bool: ...


class Engine(Protocol):
    """Runs tasks elsewhere."""

    def run(
        self,
        function: Callable[..., Any],
        tasks: Iterable[tuple],
        workers: int | None,
        models: Networks | None,
    ) -> Iterator[Any]:
        """As `run_tasks`."""
        ...


_engine: ContextVar[Engine | None] = ContextVar("engine", default=None)  # none in other threads


@contextmanager
def running_on(engine: Engine) -> Iterator[None]:
    """Has the engine run, meanwhile, what this thread gives to `run_tasks`."""
    token = _engine.set(engine)
    try:
        yield
    finally:
        _engine.reset(token)


def run_tasks(
    function: Callable[..., Any],
    tasks: Iterable[tuple],
    workers: int | None = None,
    models: Networks | None = None,
) -> Iterator[Any]:
    """Results of function(*task), in the order of the tasks, as they come.

    A task computes on one thread however many run at once, so its result never depends on that.
    Networks that do not say that they are `thread_safe`, and those on a GPU, run one task after
    another unless workers are asked for.

    Args:
        function: one that processes can import, in case the user moves tasks to processes.
        tasks: arguments of each call.
        workers: tasks at once; None for joblib's configuration or what suits the networks, or for
            all of an engine's workers.
        models: the networks that the tasks run, if any.
    """
    elsewhere = _engine.get()
    if elsewhere is not None:
        yield from elsewhere.run(function, tasks, workers, models)
        return
    together = models is None or (models.thread_safe and models.on_cpu)
    jobs = workers
    if jobs is None and get_active_backend()[1] is None:
        jobs = cpu_count() if together else 1
    if not together and workers is None:
        with one_thread():
            for task in tasks:
                yield function(*task)
        return
    streams = get_active_backend(prefer="threads")[0].supports_return_generator
    how = "generator" if streams else "list"  # e.g. multiprocessing gives all of them at the end
    engine = Parallel(n_jobs=jobs, prefer="threads", return_as=how)
    with one_thread():
        yield from engine(delayed(_alone)(function, task) for task in tasks)


def in_threads() -> bool:
    """Whether tasks run in this process, where they can share its objects."""
    backend, _ = get_active_backend(prefer="threads")
    return _engine.get() is None and getattr(backend, "supports_sharedmem", False)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch and BLAS compute on one thread inside, here and in threads that are started here.

    Sums that are parted among threads round otherwise for another number of them: whatever makes
    results does so inside, or in `training_threads`, so that no result depends on the cores. Both
    also decorate functions.
    """
    with _threads(1):
        yield


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """As `one_thread` for what PyTorch alone computes, at no cost: BLAS is left as it is.

    For calls of a few milliseconds, as a frame of a video.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 1
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def training_threads() -> Iterator[None]:
    """As `one_thread`, with a fixed number of more of them, on any number of cores.

    For the long training of one network that runs alone.
    """
    with _threads(TRAINING_THREADS):
        yield


@contextmanager
def _threads(number: int) -> Iterator[None]:
    torch = sys.modules.get("torch")  # an SVM's process never loads it
    before = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(number)
    try:
        with _libraries(len(sys.modules)).limit(limits=number, user_api="blas"):
            yield
    finally:
        if torch:
            torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The loaded libraries that keep threads; looked for anew, for 3 ms, after more imports."""
    return ThreadpoolController()


def stay_on_one_thread() -> None:
    """As `one_thread`, for the rest of the life of this thread, in a process that runs tasks.

    Undoing it after a task would undo it for another that runs beside it.
    """
    torch = sys.modules.get("torch")
    if torch and torch.get_num_threads() > 1:
        torch.set_num_threads(1)
    _limited(len(sys.modules))


@lru_cache(maxsize=1)
def _limited(modules: int) -> object:
    return _libraries(modules).limit(limits=1, user_api="blas")


def _alone(function: Callable[..., Any], task: tuple) -> Any:
    torch = sys.modules.get("torch")
    if torch and torch.get_num_threads() > 1:  # in a process of its own
        torch.set_num_threads(1)
    return function(*task)
