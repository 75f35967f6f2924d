"""Independent tasks, run together: shards of samples, cases of a test, fits of groups.

By default they are threads of this process, one a core, in which PyTorch and BLAS use one thread
each, but where they train a network: nothing is copied or started, and no two engines compete for
a core. `running_on` moves them to an engine's processes, on this machine or on many, see
`property_cnn.jobs.engines`; without one all go through joblib, so that
`joblib.parallel_config(backend=...)` moves them, too.
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
"""Threads of PyTorch that train a network, whatever cores there are."""


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
        threads: int,
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
    training: bool = False,
) -> Iterator[Any]:
    """Results of function(*task), in the order of the tasks, as they come.

    A task computes on one thread however many run at once, so its result never depends on that;
    PyTorch's training of a network on a fixed number.
    Networks that do not say that they are `thread_safe`, and those on a GPU, run one task after
    another unless workers are asked for.

    Args:
        function: one that processes can import, in case the user moves tasks to processes.
        tasks: arguments of each call.
        workers: tasks at once; None for joblib's configuration or what suits the networks, or for
            all of an engine's workers.
        models: the networks that the tasks run, if any.
        training: whether each trains a network, for which it has `TRAINING_THREADS`. More of them
            than cores do no harm: those of one process do not compete for these, and an engine's
            workers wait asleep.
    """
    threads = TRAINING_THREADS if training else 1
    elsewhere = _engine.get()
    if elsewhere is not None:
        yield from elsewhere.run(function, tasks, workers, models, threads)
        return
    together = models is None or (models.thread_safe and models.on_cpu)
    jobs = workers
    if jobs is None and get_active_backend()[1] is None:
        jobs = cpu_count() if together else 1
    if not together and workers is None:
        with one_thread(), _torch_threads(threads):
            for task in tasks:
                yield function(*task)
        return
    streams = get_active_backend(prefer="threads")[0].supports_return_generator
    how = "generator" if streams else "list"  # e.g. multiprocessing gives all of them at the end
    engine = Parallel(n_jobs=jobs, prefer="threads", return_as=how)
    with one_thread(), _torch_threads(threads):
        yield from engine(delayed(_alone)(function, task, threads) for task in tasks)


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
    with _torch_threads(1):
        yield


@contextmanager
def training_threads() -> Iterator[None]:
    """As `one_thread`, with a fixed number of more of them, on any number of cores.

    For the long training of one network.
    """
    with _threads(TRAINING_THREADS):
        yield


@contextmanager
def _threads(number: int) -> Iterator[None]:
    with (
        _torch_threads(number),
        _libraries(len(sys.modules)).limit(limits=number, user_api="blas"),
    ):
        yield


@contextmanager
def _torch_threads(number: int) -> Iterator[None]:
    torch = sys.modules.get("torch")  # an SVM's process never loads it
    before = torch.get_num_threads() if torch else number
    _set_torch_threads(number)
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The loaded libraries that keep threads; looked for anew, for 3 ms, after more imports."""
    return ThreadpoolController()


def stay_on(threads: int) -> None:
    """As `run_tasks` has it for a task, for the rest of this thread's life or until the next task.

    Undoing it after a task would undo it for another that runs beside it.
    """
    _set_torch_threads(threads)
    _limited(len(sys.modules))


@lru_cache(maxsize=1)
def _limited(modules: int) -> object:
    return _libraries(modules).limit(limits=1, user_api="blas")


def _alone(function: Callable[..., Any], task: tuple, threads: int) -> Any:
    _set_torch_threads(threads)  # where it is in a process of its own
    return function(*task)


def _set_torch_threads(number: int) -> None:
    torch = sys.modules.get("torch")
    if torch:  # also where it says so many: BLAS takes its own number until it is told one
        torch.set_num_threads(number)
