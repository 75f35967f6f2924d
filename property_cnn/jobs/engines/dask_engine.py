"""Dask's workers, by its futures (Rocklin, 2015; the package `distributed`)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

import dask
from distributed import Client, LocalCluster, Nanny, SpecCluster, get_worker
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker, Scheduler

from property_cnn.common.errors import InputError
from property_cnn.jobs.engines.engine import ATTEMPTS, LOST, Engine
from property_cnn.jobs.engines.names import EngineName
from property_cnn.jobs.engines.worker import Answer, Call, answer

REACHED = "10s"
"""How long its scheduler may take to answer."""


CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
"""Of local processes: without a dashboard nobody looks at what Dask would measure all the time."""


class DaskEngine(Engine):
    """Local processes, or the workers of a scheduler; each of its threads takes a task.

    A process that dies is started again by its nanny. With GPUs, local processes have one each.
    """

    def __init__(self, name: EngineName):
        super().__init__(name)
        self.client: Client | None = None
        self._cluster: Any = None

    def start(self) -> None:
        """Raises InputError where no scheduler answers, or it has no worker within a minute."""
        address = f"tcp://{self.name.host}:{self.name.port}"
        if self.name.workers is not None:
            with dask.config.set(CALM):
                self._cluster = address = _local_cluster(self.name.workers)
        try:
            self.client = Client(address, timeout=REACHED, set_as_default=False)
            self.client.wait_for_workers(1, timeout=LOST)
        except TimeoutError as error:
            there = self.client is not None
            self.stop()
            raise InputError(
                f"engine {self.name} has no worker; start some with: dask worker {address}"
                if there
                else f"engine {self.name}: no Dask scheduler answers there; start one with: "
                f"dask scheduler --port {self.name.port}"
            ) from error
        except OSError as error:
            self.stop()
            raise InputError(
                f"engine {self.name}: no Dask scheduler answers there ({str(error)[:80]}); "
                f"start one with: dask scheduler --port {self.name.port}"
            ) from error

    def slots(self, gpu: bool) -> int:
        """Threads of all workers; of those that compute on a GPU one a process."""
        try:
            threads = self.client.nthreads()
        except (OSError, CommClosedError):
            return 0
        return len(threads) if gpu else sum(threads.values())

    def submit(self, call: Call, gpu: bool, but: str = "") -> Any:
        """Sends a task, to any worker but one if there is another."""
        others = [address for address in self.client.nthreads() if address != but] if but else []
        return self.client.submit(
            _answer, call, pure=False, workers=others or None, allow_other_workers=bool(others)
        )

    def answer(self, handle: Any) -> Answer:
        """What came of a task; raises InputError where its workers died."""
        try:
            return handle.result()
        except KilledWorker as error:
            raise InputError(
                f"engine {self.name}: {ATTEMPTS} workers died of a task, the last at "
                f"{error.last_worker.address}; is there memory enough for a worker?"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise InputError(
                f"engine {self.name} was lost; start it, and give the same command again"
            ) from error

    def cancel(self, handles: Iterable[Any]) -> None:
        """Lets go of tasks."""
        handles = list(handles)
        if handles:
            self.client.cancel(handles, force=True)

    def stop(self) -> None:
        """Ends the client, and the processes that were started here."""
        for one in (self.client, self._cluster):
            if one is not None:
                with suppress(TimeoutError, OSError):
                    one.close(timeout=5)
        self.client = self._cluster = None


def _answer(call: Call) -> Answer:
    return answer(call, get_worker().address)


def _local_cluster(workers: int) -> Any:
    """So many single-threaded processes; with a GPU each, where there are GPUs."""
    import torch

    gpus = torch.cuda.device_count()
    if not gpus:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        )
    given = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus)))).split(",")
    specs = {
        index: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,
                "memory_limit": None,
                "silence_logs": logging.CRITICAL,
                "env": {"CUDA_VISIBLE_DEVICES": given[index % gpus]},
            },
        }
        for index in range(workers)
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "port": 0}}
    return SpecCluster(workers=specs, scheduler=scheduler, silence_logs=logging.CRITICAL)
