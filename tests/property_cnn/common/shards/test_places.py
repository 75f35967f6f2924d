"""Stores at URLs: the same bytes as in a folder, whole or absent, one process at a time."""

from __future__ import annotations

import errno
import json
import pickle
import threading
from functools import partial
from pathlib import Path

import fsspec
import numpy as np
import pytest

from property_cnn.common.errors import CheckpointError, FileError, InputError
from property_cnn.common.files import PARTIAL, bytes_digest
from property_cnn.common.folders import LOCK
from property_cnn.common.progress import Progress
from property_cnn.common.shards import places
from property_cnn.common.shards.lists import array_path, listed_shards, store_files
from property_cnn.common.shards.places import (
    CACHE,
    cache_folder,
    children,
    descendants,
    digest_at,
    is_folder,
    is_there,
    is_url,
    is_whole,
    local_copy,
    place_of,
    read,
    remove,
    sizes_in,
    write,
)
from property_cnn.common.shards.rows import Rows
from property_cnn.common.shards.store import open_store
from property_cnn.jobs.verify import verify

upath = pytest.importorskip("upath", reason="universal-pathlib is not installed")

ONE = {"format": "toy numbers", "made_from": "one"}


class Renaming(fsspec.get_filesystem_class("memory")):
    """A file system whose files appear as they are written, and do not replace others."""

    protocol, store, pseudo_dirs = "renaming", {}, [""]

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("renaming://"))

    def mv(self, path1, path2, **more):
        if self.exists(path2):
            raise FileExistsError(path2)
        super().mv(path1, path2, **more)


fsspec.register_implementation("renaming", Renaming, clobber=True)


@pytest.fixture(autouse=True)
def nothing_else(tmp_path, monkeypatch):
    """Empty stores, copies of our own, and no waiting."""
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(places, "BEAT", 0.05)
    monkeypatch.setattr(places, "SILENCE", 0.3)
    for kind in (Renaming, fsspec.get_filesystem_class("memory")):
        kind.store.clear()
        kind.pseudo_dirs[:] = [""]


@pytest.fixture(params=["memory", "renaming"])
def url(request):
    return f"{request.param}://bucket/store"


def numbers(calls, start, count, names):
    calls.append((start, names))
    rows = np.arange(start, start + count)
    arrays = {"a": rows[:, None].repeat(3, 1).astype(np.uint8), "b": rows.astype(np.float32)}
    return {name: arrays[name] for name in names}


def fill(folder, n, calls=None, identity=ONE, existing="keep", names=("a", "b"), **more):
    make = partial(numbers, [] if calls is None else calls)
    with open_store(folder, identity, 4, existing, option="--store") as store:
        store.fill(n, names, make, **more)
        return store.rows(names[0], n)


def contents(folder):
    place = place_of(folder)
    found = {path.relative_to(place).as_posix(): read(path) for path in descendants(place)}
    return {name: data for name, data in found.items() if name != LOCK}


def test_a_folder_is_a_path_and_a_url_prints_as_given():
    assert place_of("samples") == Path("samples")
    assert place_of(Path("a/b")) == Path("a/b")
    assert place_of("file:///tmp/samples") == Path("/tmp/samples")
    place = place_of("memory://bucket/samples/")
    assert str(place / "z" / "00000.npy") == "memory://bucket/samples/z/00000.npy"
    assert place_of(place) is place
    given = ("s3://a/b", "memory://x", "C:/x", "a/b", Path("s3://a"), place)
    assert [is_url(each) for each in given] == [True, True, False, False, False, True]


def test_what_cannot_be_opened_is_an_error_of_one_line(monkeypatch):
    with pytest.raises(InputError, match="no file system is called nonsense; give a folder, or"):
        place_of("nonsense://bucket/store")

    def missing(protocol):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(InputError, match="s3:// is not installed; pip install s3fs"):
        place_of("s3://bucket/store")


def test_files_are_whole_or_absent(url, monkeypatch):
    place = place_of(url)
    path = place / "a" / "00000.npy"
    assert not is_there(path)
    assert not is_folder(place)
    assert children(place) == []
    assert digest_at(path) == ""
    assert not is_whole(path, "0" * 16)
    with pytest.raises(FileError, match="it is not there") as caught:
        read(path)
    assert caught.value.errno == errno.ENOENT
    write(path, b"one")
    write(path, b"other")  # over what is there
    assert read(path) == b"other"
    assert digest_at(path) == bytes_digest(b"other")
    assert sizes_in(place) == {path: 5}
    assert is_folder(place)

    def cut_off(self, name, data, **more):
        if url.startswith("renaming"):
            self.store[name] = type(self.store[path.path])(self, name, data[:2])
        raise OSError(errno.ECONNRESET, "Connection reset")

    monkeypatch.setattr(type(place.fs), "pipe_file", cut_off)
    with pytest.raises(FileError, match=r"cannot reach .*00000.npy: .*Connection reset; look at"):
        write(path, b"third")
    assert read(path) == b"other"
    assert descendants(place) == [path]
    remove(path)
    remove(path)
    assert descendants(place) == []


def test_a_store_is_that_of_a_folder_and_goes_on(url, tmp_path):
    fill(tmp_path / "folder", 10)
    calls = []
    fill(url, 6, calls, names=("a",))
    rows = fill(url, 10, calls)
    assert calls == [(0, ("a",)), (4, ("a",)), (0, ("b",)), (4, ("a", "b")), (8, ("a", "b"))]
    assert contents(url) == contents(tmp_path / "folder")
    assert not is_there(place_of(url) / LOCK)
    assert rows[np.array([9, 0, 5, 0])].tolist() == [[9] * 3, [0] * 3, [5] * 3, [0] * 3]
    assert rows.whole()[:, 0].tolist() == list(range(10))
    assert Rows(place_of(url), "b", 10, 4).whole().tolist() == list(range(10))


def test_arrays_are_read_once_and_from_whole_copies(url):
    rows = fill(url, 10)
    rows.whole()
    path = array_path(place_of(url), "a", 1)
    digest = listed_shards(place_of(url))[1].arrays["a"]
    copy = local_copy(path, digest)
    assert copy.parent.parent == cache_folder()
    assert copy.read_bytes() == read(path)
    write(path, b"other bytes")
    assert local_copy(path, digest) == copy  # what has this digest
    copy.unlink()
    with pytest.raises(CheckpointError, match=r"00001.npy is damaged; the command that made it"):
        rows.whole()
    assert local_copy(Path("x.npy"), digest) == Path("x.npy")


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "list"])
@pytest.mark.parametrize("copied", [False, True])
def test_what_is_damaged_is_made_again(url, damage, copied, capsys):
    fill(url, 9)
    before, calls = contents(url), []
    path = array_path(place_of(url), "a", 1)
    if copied:
        local_copy(path, listed_shards(place_of(url))[1].arrays["a"])
    content = read(path)
    if damage == "list":
        write(place_of(url) / "checksums" / "00001.json", "{")
    elif damage == "gone":
        remove(path)
    else:
        flipped = content[:-1] + bytes([content[-1] ^ 1])
        write(path, content[:-1] if damage == "cut" else flipped)
    wrong = {"list": "checksums/00001.json"}.get(damage, "a/00001.npy")
    state = {"gone": "missing"}.get(damage, "altered")
    assert verify(url).files[wrong] == state
    assert not verify(url).whole
    fill(url, 9, calls, progress=Progress("", 9))
    if damage == "flipped" and copied:
        return  # noticed by verify alone: a whole copy is here
    assert calls == [(4, ("a", "b") if damage == "list" else ("a",))]
    assert contents(url) == before
    assert verify(url).whole
    told = f"{path} is damaged; making it again" in capsys.readouterr().err
    assert told == (damage != "list")


def test_others_files_and_other_samples_are_refused(url):
    place = place_of(url)
    write(place / "mine.txt", b"mine")
    with pytest.raises(InputError, match="neither empty nor holds toy numbers; choose another"):
        fill(url, 9)
    assert descendants(place) == [place / "mine.txt"]
    remove(place / "mine.txt")
    fill(url, 9)
    with pytest.raises(InputError, match=r"other numbers .*made_from: one there, two here"):
        fill(url, 9, identity=ONE | {"made_from": "two"})
    fill(url, 5, identity=ONE | {"made_from": "two"}, existing="replace", names=("b",))
    assert set(listed_shards(place)) == {0, 1}
    assert not children(place / "a")
    write(place / "mine.txt", b"mine")
    assert verify(url).foreign == ("mine.txt",)
    assert set(store_files(place)) == set(descendants(place)) - {place / "mine.txt"}
    with pytest.raises(InputError, match="holds no store; give the URL of one"):
        verify("memory://nothing/here")


def test_a_second_process_is_refused_and_one_that_died_is_not_waited_for_long(url):
    place = place_of(url)
    with (
        open_store(url, ONE, 4),
        pytest.raises(InputError, match=r"another process works in .*process .*wait for it"),
    ):
        fill(url, 4)
    died = json.dumps({"token": "x", "process": "process 1 of there", "count": 3}).encode()
    write(place / LOCK, died)
    fill(url, 4)
    assert not is_there(place / LOCK)
    write(place / LOCK, died)
    freed = threading.Timer(0.1, remove, (place / LOCK,))
    freed.start()
    fill(url, 8)  # its turn comes when the other one leaves
    freed.join()
    assert rows_of(url, 8) == list(range(8))


def rows_of(url, n):
    return Rows(place_of(url), "b", n, 4).whole().tolist()


def test_where_two_came_at_once_the_last_to_write_works(monkeypatch):
    url = "memory://bucket/store"
    make, place = type(place_of(url).fs).pipe_file, place_of(url)
    other = json.dumps({"token": "other", "process": "process 2 of there"}).encode()

    def both(self, name, data, mode="overwrite", **more):
        make(self, name, other if mode == "create" else data, **more)

    monkeypatch.setattr(type(place.fs), "pipe_file", both)
    fill(url, 4)  # the other one says nothing more, and is taken for dead
    assert not is_there(place / LOCK)


def test_a_store_that_can_only_be_read_is_read(url, monkeypatch):
    fill(url, 9)

    def denied(self, *_, **__):
        raise PermissionError("Access Denied")

    for name in ("pipe_file", "_rm", "mv"):
        monkeypatch.setattr(type(place_of(url).fs), name, denied)
    calls = []
    assert fill(url, 9, calls).whole()[:, 0].tolist() == list(range(9))
    assert not calls
    with pytest.raises(InputError, match=r"Access Denied.*nothing can be written there"):
        fill(f"{url}2", 9)


def test_half_written_files_are_cleared():
    url = "renaming://bucket/store"
    fill(url, 9)
    place = place_of(url)
    place.fs.pipe_file((place / "a" / f"{PARTIAL}x").path, b"half")
    fill(url, 9)
    assert not children(place / "a", f"{PARTIAL}*")


def test_paths_at_urls_travel_to_other_processes():
    place = place_of("memory://bucket/store")
    sent = pickle.loads(pickle.dumps(Rows(place, "a", 9, 4)))
    assert sent == Rows(place, "a", 9, 4)
    assert sent.folder.fs.dircache.use_listings_cache is False
