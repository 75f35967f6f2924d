"""A sample of the benchmark of damaged files, and that it would notice harm."""

import importlib
import mmap
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is told by Linux"
)


@pytest.fixture(scope="module")
def benchmark():
    return importlib.import_module("examples.benchmark_fuzz")


def test_damaged_files_of_every_format_do_no_harm(benchmark):
    for name in benchmark.FORMATS:
        found = benchmark.fuzz(name, count=7, seed=1)
        assert found.faults == []
        assert found.refused + found.loaded == 7
        assert found.refused >= 3, name


def fails(path):
    return {}["missing"]


def hangs(path):
    time.sleep(60)


def holds_memory(path):
    """128 MiB from the system itself: what the process freed earlier would not count as new."""
    with mmap.mmap(-1, 2**27) as memory:
        for _ in range(2**7):
            memory.write(bytes(2**20))


@pytest.mark.parametrize(
    ("harm", "fault"), [(fails, "KeyError"), (hangs, "TimeoutError"), (holds_memory, "took")]
)
def test_harm_is_noticed(benchmark, monkeypatch, tmp_path, harm, fault):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(benchmark, "load", harm)
    monkeypatch.setattr(benchmark, "SECONDS", 1 if harm is hangs else 60)
    outcome = benchmark.Outcome("a format")
    benchmark.judge(tmp_path / "file", "a way", outcome)
    assert len(outcome.faults) == 1
    assert fault in outcome.faults[0]


def test_a_huge_file_is_described_in_bounded_memory(benchmark):
    seconds, memory = benchmark.huge(2**26)
    assert memory < 2**25  # an eighth of the file
    assert seconds < 60
