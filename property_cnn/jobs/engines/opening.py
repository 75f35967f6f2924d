"""Opening an engine by its name."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from property_cnn.common.errors import InputError
from property_cnn.common.prompt import extra_module
from property_cnn.common.tasks import running_on
from property_cnn.jobs.engines.names import THREADS, EngineName, engine_name

if TYPE_CHECKING:
    from property_cnn.jobs.engines.engine import Engine

REACHED = 5.0
"""Seconds that a cluster's port may take to answer."""


@contextmanager
def engine(name: str | None = THREADS) -> Iterator[Engine | None]:
    """Has an engine's workers, meanwhile, run whatever this thread gives to `run_tasks`.

    Shards of samples, fits, trainings of networks, blocks of cases and figures are then computed
    there; the bytes are the same. Local workers are started with the first task and end here. A
    script that opens "dask-local" must keep what it does under `if __name__ == "__main__":`.

    Args:
        name: see `property_cnn.jobs.engines.names`; None for threads.

    Raises:
        InputError: there is no such engine, or nothing answers at its address.
        MissingError: its package is not installed.
    """
    wanted = engine_name(THREADS if name is None else name)
    if wanted is None:
        yield None
        return
    opened = _made(wanted)
    if wanted.workers is None:
        _reach(wanted)
    try:
        with running_on(opened):
            yield opened
    finally:
        opened.close()


def _made(name: EngineName) -> Engine:
    if name.kind == "dask":
        extra_module("distributed", "dask")
        from property_cnn.jobs.engines.dask_engine import DaskEngine

        return DaskEngine(name)
    extra_module("ray", "ray")
    from property_cnn.jobs.engines.ray_engine import RayEngine

    return RayEngine(name)


def _reach(name: EngineName) -> None:
    try:
        socket.create_connection((name.host.strip("[]"), name.port), REACHED).close()
    except OSError as error:
        raise InputError(
            f"engine {name}: nothing answers at {name.host}, port {name.port} "
            f"({error.strerror or error}); start it, or leave out the engine"
        ) from error
