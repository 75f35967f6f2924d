"""Shards: made once, grown, repaired, replaced, and nothing touched that others wrote."""

from __future__ import annotations

import builtins
import errno
import json
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from property_cnn.common.errors import FileError, InputError
from property_cnn.common.files import bytes_digest
from property_cnn.common.folders import LOCK
from property_cnn.common.shards.lists import mark_of, store_files
from property_cnn.common.shards.store import (
    Place,
    open_store,
    remove_store,
    store_of_others,
    write_shard,
    write_shared,
)
from property_cnn.common.tasks import run_tasks, running_on
from property_cnn.jobs.folder import clear_partials

ONE = {"format": "toy numbers", "made_from": "one"}


def numbers(calls, start, count, names):
    """Rows of their own number, and a picture of the first."""
    calls.append((start, names))
    rows = np.arange(start, start + count)
    arrays = {"a": rows[:, None].repeat(3, 1).astype(np.uint8), "b": rows.astype(np.float32)}
    return {name: arrays[name] for name in names} | {f"pictures/{start}.txt": b"%d" % start}


def fill(folder, n, calls=None, identity=ONE, existing="keep", names=("a", "b"), **more):
    make = partial(numbers, [] if calls is None else calls)
    with open_store(folder / "store", identity, 4, existing, beside=folder) as store:
        store.fill(n, names, make, **more)
        return store.rows(names[0], n)


def files(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.name != LOCK}


def test_rows_come_in_the_order_asked_for(tmp_path):
    rows = fill(tmp_path, 10)
    assert len(rows) == 10
    assert rows[np.array([9, 0, 5, 0])].tolist() == [[9] * 3, [0] * 3, [5] * 3, [0] * 3]
    assert rows[np.array([], int)].shape == (0, 3)
    assert rows.whole()[:, 0].tolist() == list(range(10))
    with pytest.raises(IndexError):
        rows[np.array([10])]


def test_it_grows_in_rows_and_arrays_and_makes_nothing_twice(tmp_path):
    calls = []
    fill(tmp_path, 6, calls, names=("a",))
    assert calls == [(0, ("a",)), (4, ("a",))]
    fill(tmp_path, 9, calls)
    assert calls[2:] == [(0, ("b",)), (4, ("a", "b")), (8, ("a", "b"))]  # the second was short
    fill(tmp_path, 9, calls)
    assert len(calls) == 5
    fill(tmp_path / "new", 9)
    assert files(tmp_path / "new") == {
        name: data for name, data in files(tmp_path).items() if not name.startswith("new")
    }


def test_whole_shards_are_not_made_again_to_grow(tmp_path):
    calls = []
    fill(tmp_path, 1, calls, whole=True)
    fill(tmp_path, 4, calls, whole=True)
    assert calls == [(0, ("a", "b"))]


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "checksums", "picture"])
def test_what_is_damaged_is_made_again(tmp_path, damage):
    fill(tmp_path, 9)
    before, calls = files(tmp_path), []
    path = tmp_path / {
        "checksums": "store/checksums/00001.json", "picture": "pictures/4.txt"
    }.get(damage, "store/a/00001.npy")  # fmt: skip
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage != "cut" else b"")
    if damage == "gone":
        path.unlink()
    fill(tmp_path, 9, calls)
    assert calls == [(4, ("a",) if damage in ("flipped", "cut", "gone") else ("a", "b"))]
    assert files(tmp_path) == before


def test_any_process_may_make_any_shard_in_any_order(tmp_path):
    fill(tmp_path / "whole", 12)
    place = Place(tmp_path / "store", mark_of(ONE | {"version": 2}), 4, tmp_path)
    for index in (2, 0, 1):
        write_shard(place, partial(numbers, []), index, 4, ("a", "b"))
    calls = []
    fill(tmp_path, 12, calls)
    assert not calls
    made = {name: data for name, data in files(tmp_path).items() if not name.startswith("whole")}
    assert made == files(tmp_path / "whole")


def test_another_making_is_refused_or_replaced(tmp_path):
    other = ONE | {"made_from": "two"}
    fill(tmp_path, 9)
    with pytest.raises(InputError, match=r"other numbers \(made_from: one there, two here"):
        fill(tmp_path, 9, identity=other)
    (tmp_path / "store" / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="other numbers"):
        fill(tmp_path, 9, identity=other)
    fill(tmp_path, 2, identity=other, existing="replace")
    assert sorted(files(tmp_path)) == [
        "pictures/0.txt", "store/a/00000.npy", "store/b/00000.npy", "store/checksums/00000.json",
        "store/manifest.json",
    ]  # fmt: skip
    calls = []
    fill(tmp_path, 2, calls, identity=other, existing="drop")
    assert len(calls) == 1


DAMAGES = ["", "{", "[]", "null", "flipped", '{"format": null}', "[" * 100_000, None]


@pytest.mark.parametrize("existing", ["keep", "replace"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_costs_nothing(tmp_path, damage, existing):
    fill(tmp_path, 9)
    before, path, calls = files(tmp_path), tmp_path / "store" / "manifest.json", []
    if damage is None:
        path.unlink()
    else:
        path.write_text(path.read_text().replace("one", "one.") if damage == "flipped" else damage)
    fill(tmp_path, 9, calls, existing=existing)
    assert not calls
    assert files(tmp_path) == before


def test_a_folder_where_the_manifest_should_be_costs_nothing(tmp_path):
    fill(tmp_path, 9)
    path, calls = tmp_path / "store" / "manifest.json", []
    path.unlink()
    before = files(tmp_path)
    path.mkdir()
    for existing in ("keep", "replace"):
        with pytest.raises(FileError, match=r"cannot write .*manifest.json: Is a directory"):
            fill(tmp_path, 9, calls, existing=existing)
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["manifest.json", "checksums/00001.json", "a/00001.npy"])
def test_what_may_not_be_read_is_an_error_and_not_made_again(tmp_path, monkeypatch, name):
    fill(tmp_path, 9)
    before, denied, calls = files(tmp_path), tmp_path / "store" / name, []
    for where, method in ((Path, "read_bytes"), (builtins, "open")):
        real = getattr(where, method)

        def refused(path, *args, real=real, **how):
            if Path(path) == denied:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return real(path, *args, **how)

        monkeypatch.setattr(where, method, refused)
    for existing in ("keep", "replace"):
        with pytest.raises(FileError, match=f"cannot read .*{name}: Permission denied"):
            fill(tmp_path, 9, calls, existing=existing)
    monkeypatch.undo()
    assert not calls
    assert files(tmp_path) == before


def test_one_shards_checksums_that_name_another_making_cost_that_shard(tmp_path):
    fill(tmp_path, 9)
    before, path, calls = files(tmp_path), tmp_path / "store" / "checksums" / "00001.json", []
    path.write_text(path.read_text().replace('"made_from": "', '"made_from": "0'))
    fill(tmp_path, 9, calls, existing="replace")
    assert calls == [(4, ("a", "b"))]
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["store/b/00000.npy", "store/a/00002.npy", "pictures/8.txt"])
def test_files_of_others_where_a_shard_would_be_written_are_refused(tmp_path, name):
    fill(tmp_path, 8, names=("a",))
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(InputError, match=f"{name} is not of this store; move it away"):
        fill(tmp_path, 12)
    assert path.read_text() == "mine"


def test_what_is_dropped_was_made_from_the_same(tmp_path):
    fill(tmp_path, 9)
    before = files(tmp_path)
    with pytest.raises(InputError, match="other numbers"):
        fill(tmp_path, 9, identity=ONE | {"made_from": "two"}, existing="drop")
    assert files(tmp_path) == before


def test_a_whole_store_can_be_used_where_nothing_can_be_written(tmp_path, monkeypatch):
    fill(tmp_path, 9)
    before, calls = files(tmp_path), []

    def refused(*args, **how):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(tempfile, "mkstemp", refused)
    assert fill(tmp_path, 9, calls).whole()[:, 0].tolist() == list(range(9))
    assert not calls
    with pytest.raises(FileError, match="Read-only file system"):
        fill(tmp_path, 20)
    with pytest.raises(InputError, match=r"cannot write in .*empty"):
        fill(tmp_path / "empty", 9)
    monkeypatch.undo()
    assert files(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_whole_store_can_be_used_in_a_folder_without_permission(tmp_path):
    fill(tmp_path, 9)
    (tmp_path / "store").chmod(0o555)
    try:
        assert len(fill(tmp_path, 9)) == 9
    finally:
        (tmp_path / "store").chmod(0o755)


def test_what_belongs_to_all_shards_is_listed_and_goes_with_them(tmp_path):
    fill(tmp_path, 9)
    store = tmp_path / "store"
    write_shared(store, "groups_9.npz", b"groups")
    (store / "groups_8.npz").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"groups_8.npz is not of this store"):
        write_shared(store, "groups_8.npz", b"groups")
    assert store_of_others(store) == store / "groups_8.npz"
    write_shared(store, "groups_9.npz", b"others")
    assert store_files(store)[store / "groups_9.npz"] == bytes_digest(b"others")
    remove_store(store, beside=tmp_path)
    assert files(tmp_path) == {"store/groups_8.npz": b"mine"}


def test_entries_of_a_growing_mapping_are_kept_and_must_agree(tmp_path):
    def sizes(**layers):
        return open_store(tmp_path, ONE | {"layers": layers}, 4, grown="layers")

    with sizes(w=8) as store:
        store.fill(3, ("a",), partial(numbers, []))
    with sizes(z=4) as store:
        assert list(store.shards) == [0]
    assert json.loads((tmp_path / "manifest.json").read_text())["layers"] == {"w": 8, "z": 4}
    with pytest.raises(InputError, match=r"layers\.w: 8 there, 9 here"), sizes(w=9):
        pass


@pytest.mark.parametrize("name", ["mine.txt", "a/mine.txt", "manifest.json", "checksums/1.json"])
def test_folders_of_others_are_refused_and_left_as_they_are(tmp_path, name):
    path = tmp_path / "store" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"format": "something else"}')
    before = files(tmp_path)
    for existing in ("keep", "replace", "drop"):
        with pytest.raises(InputError, match="neither empty nor holds toy numbers"):
            fill(tmp_path, 3, existing=existing)
    assert files(tmp_path) == before
    assert not (tmp_path / "store" / LOCK).exists()


def test_files_of_others_in_a_store_are_never_removed(tmp_path):
    fill(tmp_path, 9)
    foreign = [tmp_path / "store" / name for name in ("a/mine.txt", "a/00009.npy", "mine.txt")]
    for path in foreign:
        path.write_text("mine")
    fill(tmp_path, 1, identity=ONE | {"made_from": "two"}, existing="replace")
    assert [path.read_text() for path in foreign] == ["mine"] * 3


@pytest.mark.parametrize("path", ["../../mine.txt", "/etc/hostname"])
def test_checksums_that_name_files_elsewhere_count_as_damaged(tmp_path, path):
    folder = tmp_path / "run"
    fill(folder, 3)
    (tmp_path / "mine.txt").write_text("mine")
    listed = folder / "store" / "checksums" / "00000.json"
    listed.write_text(json.dumps(json.loads(listed.read_text()) | {"files": {path: "0"}}))
    fill(folder, 3, existing="drop")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert Path("/etc/hostname").exists()
    assert not json.loads(listed.read_text())["files"].keys() & {path}


def test_one_process_at_a_time_and_no_other_clears_its_files(tmp_path):
    fill(tmp_path, 3)
    half = tmp_path / "store" / "a" / ".partial-00001-x.npy"
    half.write_bytes(b"half")
    with FileLock(tmp_path / "store" / LOCK):
        with pytest.raises(InputError, match="another process works in"):
            fill(tmp_path, 3)
        (tmp_path / ".partial-note.txt").write_bytes(b"half")
        clear_partials(tmp_path)
        assert not (tmp_path / ".partial-note.txt").exists()
        assert half.exists()
    fill(tmp_path, 3)
    assert not half.exists()


def test_wrong_shapes_and_numbers_are_refused(tmp_path):
    with pytest.raises(InputError, match="n is 0"):
        fill(tmp_path, 0)
    with open_store(tmp_path / "other", ONE, 4) as store, pytest.raises(InputError, match="3 rows"):
        store.fill(3, ("a",), lambda start, count, names: {"a": np.zeros((2, 2))})


class Elsewhere:
    """An engine whose workers spoil what they wrote, so many times."""

    def __init__(self, spoil, times):
        self.spoil, self.left = spoil, times

    def run(self, function, tasks, workers, models, threads):
        for task in tasks:
            result = function(*task)
            if self.left and isinstance(function, partial):
                self.left -= 1
                self.spoil(task[0])
            yield result


@pytest.mark.parametrize(
    ("name", "what"),
    [("a/00000.npy", "lost"), ("a/00000.npy", "changed"), ("checksums/00000.json", "changed")],
)
def test_what_a_worker_says_it_wrote_is_looked_at_and_made_once_more(tmp_path, name, what):
    def spoil(index):
        path = tmp_path / "engine" / "store" / name
        path.unlink() if what == "lost" else path.write_bytes(b"spoilt")

    fill(tmp_path / "here", 10)
    (tmp_path / "engine").mkdir()
    with running_on(Elsewhere(spoil, 1)):
        fill(tmp_path / "engine", 10, run=run_tasks)
    assert files(tmp_path / "engine") == files(tmp_path / "here")
    fill(tmp_path / "other", 4)
    with (
        running_on(Elsewhere(lambda index: (tmp_path / "other/store/a/00001.npy").unlink(), 2)),
        pytest.raises(FileError, match=r"shard 1 of .* is not what a worker wrote"),
    ):
        fill(tmp_path / "other", 8, run=run_tasks)
