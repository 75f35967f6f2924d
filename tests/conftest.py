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

ROOT = Path(__file__).parent
PLAIN = ("reports", "stylegan_ft/pickles", "vectorfind/cli", "vectorfind/bench")
"""Folders whose tests compute nothing with networks that another processor would round otherwise;
neither do those right in this folder.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="modules in random order, and the tests of each",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent.relative_to(ROOT).as_posix()
        if folder != "." and not any(f"{folder}/".startswith(f"{plain}/") for plain in PLAIN):
            item.add_marker("networks")
    seed = config.getoption("shuffle")
    if seed is not None:
        draws = random.Random(seed)
        modules = [list(some) for _, some in groupby(items, lambda item: item.path)]
        draws.shuffle(modules)
        for some in modules:
            draws.shuffle(some)
        items[:] = [item for some in modules for item in some]


@pytest.fixture(autouse=True)
def one_thread():
    """Sums go in one order on any number of cores, and tiny networks do not wait for threads."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)
