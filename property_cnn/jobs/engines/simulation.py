"""A cluster on paper: how long a run takes with many workers, some slow, some of which die.

The head sends a task at a time and looks at a result at a time, as `engine` does; a free worker
takes the next task that was sent. A worker that dies loses its task, which goes back to the front
of the queue, and comes back after a while.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np

from property_cnn.common.streams import SIMULATION, random_stream

HOUR = 3600.0


@dataclass(frozen=True)
class ClusterModel:
    """What is known, or assumed, of a cluster; times in seconds.

    Attributes:
        workers: processes.
        task: a task on a usual worker.
        spread: standard deviation of the logarithm of a task's time.
        slow: share of the workers that are slow.
        slowness: how many times as long they take.
        deaths: of a worker an hour.
        restart: until one that died takes tasks again.
        start: until a worker takes its first task: its imports, and the networks.
        head: the head's own time a task, in which it does nothing else.
    """

    workers: int
    task: float
    spread: float = 0.0
    slow: float = 0.0
    slowness: float = 1.0
    deaths: float = 0.0
    restart: float = 0.0
    start: float = 0.0
    head: float = 0.0


@dataclass(frozen=True)
class Simulated:
    """What became of a run.

    Attributes:
        seconds: until the last result.
        efficiency: time of all tasks on usual workers, as a share of all workers' time.
        lost: tasks that were begun in vain.
        busy: share of the time in which the head worked.
        half: seconds until half of the tasks were done.
        tail: seconds between 99 % of the results and the last.
    """

    seconds: float
    efficiency: float
    lost: int
    busy: float
    half: float
    tail: float


def simulate(model: ClusterModel, tasks: int, seed: int = 0) -> Simulated:
    """A run of so many tasks."""
    stream = random_stream(seed, SIMULATION)
    speeds = np.ones(model.workers)
    slow = stream.permutation(model.workers)[: round(model.slow * model.workers)]
    speeds[slow] = model.slowness
    events: list[tuple[float, int, int]] = [(model.start, w, -1) for w in range(model.workers)]
    heapq.heapify(events)  # (when, worker, the task it ends; -1 none, -2 - task for one it loses)
    left, idle, done = deque(range(tasks)), list[int](), list[float]()
    free, lost = 0.0, 0  # when the head is done with what it has
    while len(done) < tasks:
        now, worker, ended = heapq.heappop(events)
        if ended >= 0:
            free = max(free, now) + model.head
            done.append(free)
        elif ended < -1:
            left.appendleft(-2 - ended)
            lost += 1
            heapq.heappush(events, (now + model.restart, worker, -1))
            if idle:
                heapq.heappush(events, (now, idle.pop(), -1))
            continue
        if not left:
            idle.append(worker)
            continue
        task = left.popleft()
        takes = model.task * speeds[worker] * float(np.exp(model.spread * stream.normal()))
        dies = stream.exponential(HOUR / model.deaths) if model.deaths else np.inf
        begins = max(now, free)
        event = (
            (begins + dies, worker, -2 - task) if dies < takes else (begins + takes, worker, task)
        )
        heapq.heappush(events, event)
    times = np.sort(done)
    seconds = float(times[-1])
    return Simulated(
        seconds,
        tasks * model.task / (model.workers * seconds),
        lost,
        min(1.0, tasks * model.head / seconds),
        float(times[len(times) // 2]),
        seconds - float(times[int(0.99 * (len(times) - 1))]),
    )
