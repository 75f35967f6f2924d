"""Folders in any state: a few random ways of stores and of runs, and that harm would be noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from property_cnn.common.shards import store as shard_store
from tests.hostile.machines import folders
from tests.hostile.machines.run import Order, RunMachine, comparable, obey, whole
from tests.hostile.machines.store import StoreMachine, fill
from tests.hostile.subjects.subject import QUIET


def few(examples, steps):
    return settings(QUIET, max_examples=examples, stateful_step_count=steps, derandomize=True)


def test_stores_lose_nothing_use_nothing_damaged_and_touch_nothing_of_others():
    run_state_machine_as_test(StoreMachine, settings=few(25, 12))


def test_runs_lose_nothing_use_nothing_damaged_and_touch_nothing_of_others():
    run_state_machine_as_test(RunMachine, settings=few(3, 8))


def test_a_store_that_uses_what_is_damaged_is_noticed(monkeypatch):
    monkeypatch.setattr(shard_store, "faults", lambda *_: ((), []))
    with pytest.raises((AssertionError, ValueError, OSError)):
        run_state_machine_as_test(
            StoreMachine, settings=settings(few(60, 12), phases=[Phase.generate])
        )


def test_what_others_lose_is_noticed(tmp_path):
    mine = folders.put(tmp_path / "deep" / "mine", "file")
    folders.check_foreign(mine)
    (tmp_path / "deep" / "mine").write_text("yours")
    with pytest.raises(AssertionError, match="of others was changed"):
        folders.check_foreign(mine)
    (tmp_path / "deep" / "mine").unlink()
    with pytest.raises(AssertionError, match="of others is gone"):
        folders.check_foreign(mine)


@pytest.mark.parametrize("done", [False, True])
def test_a_kill_leaves_what_a_kill_leaves(tmp_path, done):
    with pytest.raises(folders.Killed), folders.killed(3, done):
        fill(tmp_path / "store", 0, 12, ("a",))
    names = set(folders.contents(tmp_path / "store"))
    assert any(Path(name).name.startswith(".partial-") for name in names) is not done
    assert len([name for name in names if ".partial-" not in name]) == 3 + done
    fill(tmp_path / "store", 0, 12, ("a",))
    assert not any(".partial-" in name for name in folders.contents(tmp_path / "store"))


def test_a_run_is_compared_with_one_in_peace(tmp_path):
    order = Order(0, shared=False)
    obey(order, tmp_path / "out", tmp_path / "store")
    found = comparable(folders.contents(tmp_path / "out"))
    assert found == whole(order)
    assert {"report.html", "test_result.csv", "directions.npz", "n_curve.csv"} <= set(found)
