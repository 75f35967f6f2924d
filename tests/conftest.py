"""Options and marks of the whole suite, and what no test may leave behind."""

from __future__ import annotations

import os
import random
from itertools import groupby
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before any of them is loaded; programs inherit it
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import pytest  # noqa: E402
import torch  # noqa: E402

from property_cnn.common import tasks  # noqa: E402

ROOT = Path(__file__).parent
NETWORKS = (
    "property_cnn",
    *(f"stylegan_ft/{room}" for room in ("architectures", "concept", "finetune", "training")),
    *(f"vectorfind/{room}" for room in ("models", "sampling", "methods", "directions")),
    *(f"vectorfind/{room}" for room in ("evaluation", "characters", "runs/test_shipped.py")),
    *("stylegan_ft/formats", "stylegan_ft/test_generator.py", "vectorfind/test_pipeline.py"),
    *("stylegan_ft/test_stylegan2_3_generator.py", "vectorfind/test_other_generators.py"),
)
"""Where tests compute with networks, whose numbers another processor may round otherwise. Jobs run
on toy networks and compare files with their own; but one runs on the shipped ones.
"""


APART = (
    *("property_cnn/jobs", "property_cnn/common"),
    *("property_cnn/test_fetching.py", "property_cnn/test_hostile_pictures.py"),
)
"""Among these, tests of files, folders and processes, in which no network's numbers decide."""

REPEATING = ("same_bytes", "same_bits")
"""Parts of names of tests that compare bytes with their own: they are alike on any processor."""

_PROCESS, _exit = os.getpid(), os._exit


def _guarded(code: int) -> None:
    """`os._exit`, but not of the suite's own process, which would end as if all had passed."""
    if os.getpid() == _PROCESS:
        raise RuntimeError(f"a test would end the suite with exit code {code}")
    _exit(code)


os._exit = _guarded


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="modules in random order, and the tests of each",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _within(item, NETWORKS) and not (
            _within(item, APART) or any(part in item.name for part in REPEATING)
        ):
            item.add_marker("networks")
    seed = config.getoption("shuffle")
    if seed is not None:
        draws = random.Random(seed)
        modules = [list(some) for _, some in groupby(items, lambda item: item.path)]
        draws.shuffle(modules)
        for some in modules:
            draws.shuffle(some)
        items[:] = [item for some in modules for item in some]


def _within(item: pytest.Item, places: tuple[str, ...]) -> bool:
    return any(item.path.is_relative_to(ROOT / place) for place in places)


@pytest.fixture(scope="session", autouse=True)
def quick_disk():
    """Nothing here outlives its test, so nothing is waited for until it is on the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        patch.setattr(os, "sync", lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def trained_alone():
    """Tiny networks do not wait for threads, nor do those that several tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "TRAINING_THREADS", 1)
        yield


@pytest.fixture(autouse=True)
def one_thread():
    """Sums go in one order on any number of cores."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)
