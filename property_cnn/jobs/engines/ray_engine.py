"""Ray's workers, by its tasks (Moritz et al., 2018, arXiv:1712.05889)."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when Ray is imported
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray.exceptions import RayError, RaySystemError, WorkerCrashedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from property_cnn.common.errors import InputError
from property_cnn.jobs.engines.engine import ATTEMPTS, Engine
from property_cnn.jobs.engines.names import EngineName
from property_cnn.jobs.engines.worker import Answer, Call, answer

STORE = 2**28
"""Bytes of shared memory for results on their way; of a local cluster."""

STARTS = 3
"""Attempts to start a local cluster, which Ray gives up after 30 s: little on a busy machine."""

_LONGEST = 24  # characters of the folder of temporary files; a socket's path has 107 at most


class RayEngine(Engine):
    """Local processes, or those of a cluster by its client server; a CPU or a GPU a task."""

    def __init__(self, name: EngineName):
        super().__init__(name)
        self._remote: Any = None
        self._handles: dict[int, Any] = {}  # future -> what Ray calls it
        self._logs = ""  # and sockets, of a local cluster

    def start(self) -> None:
        """Raises InputError where no cluster answers, or this process is in another one."""
        if ray.is_initialized():
            raise InputError("this process is in a Ray cluster already; call ray.shutdown() first")
        for attempt in range(1, (1 if self.name.workers is None else STARTS) + 1):
            try:
                self._connect()
                break
            except Exception as error:  # Ray raises these, of no other kind
                self.stop()
                if self.name.workers is None or attempt == STARTS:
                    raise InputError(
                        f"engine {self.name}: no Ray cluster answers ({str(error)[:120]})"
                    ) from error
        self._remote = ray.remote(_answer)

    def _connect(self) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if self.name.workers is None:
            ray.init(f"ray://{self.name.host}:{self.name.port}", **quiet)
            return
        self._logs = _short_folder()
        ray.init(
            "local",
            num_cpus=self.name.workers,
            include_dashboard=False,
            object_store_memory=STORE,
            _temp_dir=self._logs,
            _system_config={"worker_niceness": 0},  # 15 else: all other work came first
            **quiet,
        )

    def slots(self, gpu: bool) -> int:
        """CPUs, or GPUs, of all its nodes."""
        return int(ray.cluster_resources().get("GPU" if gpu else "CPU", 0))

    def submit(self, call: Call, gpu: bool, but: str = "") -> Any:
        """Sends a task, to any node but one if there is another."""
        options = {"num_cpus": 1, "num_gpus": int(gpu), "max_retries": ATTEMPTS - 1}
        if but:
            others = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
            others = [node for node in others if node != but.split("/")[0]]
            if others:
                options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(others[0], True)
        reference = self._remote.options(**options).remote(call)
        future = reference.future()
        self._handles[id(future)] = reference
        return future

    def answer(self, handle: Any) -> Answer:
        """What came of a task; raises InputError where its workers died."""
        self._handles.pop(id(handle), None)
        try:
            return handle.result()
        except WorkerCrashedError as error:
            raise InputError(
                f"engine {self.name}: {ATTEMPTS} workers died of a task; is there memory enough "
                "for a worker?"
            ) from error
        except (RayError, RaySystemError, ConnectionError) as error:
            raise InputError(
                f"engine {self.name} failed ({str(error).splitlines()[0][:120]}); start it, and "
                "give the same command again"
            ) from error

    def cancel(self, handles: Iterable[Any]) -> None:
        """Lets go of tasks; those that compute end."""
        for handle in handles:
            reference = self._handles.pop(id(handle), None)
            if reference is not None:
                ray.cancel(reference, force=True)

    def stop(self) -> None:
        """Leaves the cluster; local processes end."""
        ray.shutdown()
        if self._logs:
            shutil.rmtree(self._logs, ignore_errors=True)


def _answer(call: Call) -> Answer:
    context = ray.get_runtime_context()
    return answer(call, f"{context.get_node_id()}/{os.getpid()}")


def _short_folder() -> str:
    """A new folder for its logs and its sockets, whose paths must be short."""
    folder = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="ray-", dir=folder if len(folder) < _LONGEST else "/tmp")
