"""Images a second of the renderer, the shipped generator and the shipped scorer on this machine.

    python examples/benchmark_speed.py

Prints the best and the median of seven batches each, after one to warm up.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

import property_cnn
import vectorfind

BATCH = 128


def rates(work: Callable[[], object]) -> tuple[float, float]:
    """Best and median images a second of seven calls that make `BATCH` images each."""
    work()
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return BATCH / min(seconds), BATCH / statistics.median(seconds)


@torch.inference_mode()
def main() -> None:
    generator, scorer = vectorfind.load_generator(), vectorfind.load_scorer()
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(BATCH, generator.z_dim, generator=rng)
    label = torch.randn(BATCH, generator.label_dim, generator=rng)
    w = generator.map(z, label)["w"]
    images = generator.synthesize(w, "w")
    faces = property_cnn.sample_attributes(BATCH, seed=0)
    stages = {
        "renderer, 64 x 64": lambda: property_cnn.render_faces(faces, 64),
        "generator, from z": lambda: generator.synthesize(generator.map(z, label)["w"], "w"),
        "generator, from w": lambda: generator.synthesize(w, "w"),
        "scorer": lambda: scorer(images),
        "generator and scorer, from w": lambda: scorer(generator.synthesize(w, "w")),
    }
    print(f"{torch.get_num_threads()} threads, device {generator.device}, batches of {BATCH}")
    print(f"{'images a second':30}{'best':>8}{'median':>8}")
    for name, work in stages.items():
        best, median = rates(work)
        print(f"{name:30}{best:8.0f}{median:8.0f}")


if __name__ == "__main__":
    main()
