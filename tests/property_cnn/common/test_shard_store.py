"""Shards: made once, grown, repaired, replaced, and nothing touched that others wrote."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from property_cnn.common.errors import InputError
from property_cnn.common.folders import LOCK, locked
from property_cnn.common.shard_store import Place, mark_of, open_store, write_shard

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
        with locked(tmp_path, "--out"):
            assert not (tmp_path / ".partial-note.txt").exists()
            assert half.exists()
    fill(tmp_path, 3)
    assert not half.exists()


def test_wrong_shapes_and_numbers_are_refused(tmp_path):
    with pytest.raises(InputError, match="n is 0"):
        fill(tmp_path, 0)
    with open_store(tmp_path / "other", ONE, 4) as store, pytest.raises(InputError, match="3 rows"):
        store.fill(3, ("a",), lambda start, count, names: {"a": np.zeros((2, 2))})
