"""How an engine's workers scale on this machine, and what a thousand of them would do on paper.

    python examples/benchmark_scaling.py dask 12 1,2      # kind, shards a worker, workers
    python examples/benchmark_scaling.py ray 12 1,2
    python examples/benchmark_scaling.py threads 12 2     # this process's own, for comparison
    python examples/benchmark_scaling.py joblib-dask 12 2 0  # the same by joblib's own backends
    python examples/benchmark_scaling.py joblib-ray 12 2 0
    python examples/benchmark_scaling.py simulate 4.5 0.02  # seconds a shard, the head's a shard

Samples of the shipped networks go to a store, in shards of 512: by a plain loop on one thread, then
by single-threaded workers, each of which stays on a core of its own. The loop is timed before and
after. Starting the workers, their imports and their first shard are told apart.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np

from property_cnn.common.tasks import in_threads, one_thread, run_tasks
from property_cnn.jobs.engines.memory import keep_freed_memory
from property_cnn.jobs.engines.opening import engine
from property_cnn.jobs.engines.simulation import ClusterModel, simulate
from vectorfind.models.pair import Models, load_models
from vectorfind.sampling.sampler import SHARD, read_all
from vectorfind.sampling.store import fill_store

SAMPLES = 10_000_000
"""Of the run on paper."""


def main(kind: str, shards: int = 12, workers: str = "1,2", loops: int = 2) -> None:
    keep_freed_memory()
    models, cores = load_models(), sorted(os.sched_getaffinity(0))
    own = kind.startswith("joblib-")
    loop = [loop_rate(models, shards, cores[-1]) for _ in range(loops - 1)]
    print("| workers | started in | images/s | of the head a shard |\n|---:|---:|---:|---:|")
    rates = {}
    for count in map(int, workers.split(",")):
        name = f"{kind.removeprefix('joblib-')}-local:{count}"
        opened = joblib_backend if own else threads if kind == "threads" else engine
        start, rate, head = engine_rate(opened, name, models, shards * count, cores[-count:])
        print(f"| {count} | {start:.1f} s | {rate:.2f} | {head * 1000:.1f} ms |", flush=True)
        rates[count] = rate
    loop += [loop_rate(models, shards, cores[-1]) for _ in range(min(loops, 1))]
    print(f"plain loop: {', '.join(f'{rate:.2f}' for rate in loop)} images/s")
    for count, rate in rates.items() if loop else ():
        share = rate * len(loop) / sum(loop)
        print(f"{count} workers: {share:.3f} × the loop, {share / count:.1%} a worker")


def loop_rate(models: Models, shards: int, core: int) -> float:
    """Images a second of one thread on one core, without an engine."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        with one_thread(), store_folder() as folder:
            size = models.generator.layers[models.last_layer]
            read_all(models, np.zeros((64, size), np.float32), models.last_layer, 64)
            started = time.perf_counter()
            fill_store(folder, models, shards * SHARD, workers=1)
            rate = shards * SHARD / (time.perf_counter() - started)
            print(f"plain loop: {rate:.2f} images/s", flush=True)
            return rate
    finally:
        os.sched_setaffinity(0, before)


def engine_rate(
    opened: Callable, name: str, models: Models, shards: int, cores: list[int]
) -> tuple[float, float, float]:
    """Seconds until all workers have made shards; images a second from then on, and seconds of
    this process's processors a shard (of Dask the scheduler's, too, which is a thread of it).
    """
    started = time.perf_counter()
    with one_thread(), store_folder() as folder, opened(name):
        claims = Path(tempfile.mkdtemp(dir=folder.parent))
        pinned: set[int] = set()
        while not in_threads() and pinned != {*cores}:
            pinned |= set(run_tasks(pin, [(claims, cores, i) for i in range(4 * len(cores))]))
        first = len(cores)
        fill_store(folder, models, first * SHARD)
        ready, head = time.perf_counter(), time.process_time()
        fill_store(folder, models, (first + shards) * SHARD)
        rate = shards * SHARD / (time.perf_counter() - ready)
        return ready - started, rate, (time.process_time() - head) / shards


def pin(claims: Path, cores: list[int], number: int) -> int:
    """Keeps this process on a core that no other has claimed; returns it."""
    for core in cores:
        path = claims / str(core)
        if path.exists() and path.read_text() == str(os.getpid()):
            break
        try:
            with open(path, "x") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            continue
        os.sched_setaffinity(0, {core})
        break
    time.sleep(0.2)
    return core


@contextmanager
def store_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "store"


@contextmanager
def threads(name: str) -> Iterator[None]:
    """As `engine`, by so many threads of this process."""
    import joblib

    with joblib.parallel_config("threading", n_jobs=int(name.split(":")[1])):
        yield


@contextmanager
def joblib_backend(name: str) -> Iterator[None]:
    """As `engine`, by joblib's own backends."""
    import joblib

    kind, workers = name.split("-local:")
    if kind == "dask":
        from distributed import Client, LocalCluster

        cluster = LocalCluster(
            n_workers=int(workers), threads_per_worker=1, dashboard_address=None, memory_limit=None
        )
        closing: object = Client(cluster)
    else:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        ray.init("local", num_cpus=int(workers), include_dashboard=False, log_to_driver=False)
        closing = nullcontext()
    with joblib.parallel_config(kind, n_jobs=int(workers)), closing:
        yield
    if kind == "dask":
        cluster.close()
    else:
        ray.shutdown()


def on_paper(shard: float, head: float) -> None:
    """A run of 10 M samples: ever more workers, then slow ones and deaths."""
    tasks = -(-SAMPLES // SHARD)
    calm = ClusterModel(workers=1000, task=shard, spread=0.1, start=30.0, head=head)
    slow = replace(calm, slow=0.05, slowness=4.0)
    cases = {
        **{f"{count:,} workers": replace(calm, workers=count) for count in (10, 100, 300, 3000)},
        "1,000 workers": calm,
        "… of which 5 % take four times as long": slow,
        "… and each dies once in ten hours": replace(slow, deaths=0.1, restart=60.0),
        "… once an hour": replace(slow, deaths=1.0, restart=60.0),
        "… ten times an hour": replace(slow, deaths=10.0, restart=60.0),
        "1,000 workers, a head that takes 10 times as long": replace(calm, head=10 * head),
    }
    print(
        f"{SAMPLES:,} samples, {tasks:,} shards of {shard:g} s, {head * 1000:g} ms of the head each"
    )
    print("| cluster | minutes | efficiency | head busy | lost shards | last 1 % |")
    print("|---|---:|---:|---:|---:|---:|")
    for what, model in cases.items():
        run = simulate(model, tasks)
        print(
            f"| {what} | {run.seconds / 60:.1f} | {run.efficiency:.0%} | {run.busy:.0%} | "
            f"{run.lost:,} | {run.tail:.0f} s |"
        )


if __name__ == "__main__":
    if sys.argv[1] == "simulate":
        on_paper(*map(float, sys.argv[2:]))
    else:
        main(sys.argv[1], *map(int, sys.argv[2:3]), *sys.argv[3:4], *map(int, sys.argv[4:5]))
