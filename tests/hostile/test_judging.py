"""What judges hostile input notices every kind of harm."""

from __future__ import annotations

import mmap
import time
import warnings
from pathlib import Path

import pytest

from property_cnn.common.errors import InputError
from tests.hostile import judging
from tests.hostile.judging import OUT, Outcome, Wrong, judge

linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells memory")


def fails(given, folder):
    return {}["missing"]


def hangs(given, folder):
    while True:
        try:
            time.sleep(60)
        except Exception:
            return


def holds_memory(given, folder):
    """128 MiB from the system itself: what the process freed earlier would not count as new."""
    with mmap.mmap(-1, 2**27) as memory:
        for _ in range(2**7):
            memory.write(bytes(2**20))


def writes_beside(given, folder):
    (folder / "escaped").write_text("x")


def changes(given, folder):
    (folder / "mine").write_text("yours")


def deletes(given, folder):
    (folder / "mine").unlink()


def refuses_and_deletes(given, folder):
    (folder / "mine").unlink()
    raise InputError("no")


def warns(given, folder):
    warnings.warn("look out", stacklevel=1)


def says_nothing(given, folder):
    raise InputError(" ")


def says_all(given, folder):
    raise InputError("x" * 10_000)


def is_wrong(given, folder):
    raise Wrong("taken: 5")


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (fails, "KeyError"),
        (hangs, "more than 1 s"),
        pytest.param(holds_memory, "took", marks=linux),
        (writes_beside, "is new: escaped"),
        (changes, "is changed: mine"),
        (deletes, "is gone: mine"),
        (refuses_and_deletes, "is gone: mine"),
        (warns, "a warning: look out"),
        (says_nothing, "without words"),
        (says_all, "10,000 characters"),
        (is_wrong, "Wrong: taken: 5"),
    ],
)
def test_harm_is_noticed(harm, fault, tmp_path, monkeypatch):
    (tmp_path / "mine").write_text("x")
    monkeypatch.setattr(judging, "SECONDS", 1 if harm is hangs else 60)
    outcome = Outcome("a subject")
    assert fault in judge(harm, 5, tmp_path, outcome)
    assert (outcome.inputs, outcome.refused, outcome.taken) == (1, 0, 0)


def test_a_result_and_an_error_of_ours_are_none(tmp_path):
    outcome = Outcome("a subject")

    def use(given, folder):
        (folder / OUT).mkdir(exist_ok=True)
        (folder / OUT / "result").write_text("x")
        if given == "wrong":
            raise InputError("given is 'wrong'; give 'right'")

    assert judge(use, "wrong", tmp_path, outcome) == ""
    assert judge(use, "right", tmp_path, outcome) == ""
    assert (outcome.refused, outcome.taken, outcome.faults) == (1, 1, [])
