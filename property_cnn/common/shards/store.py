"""Named arrays of many rows in shards: resumed after a kill, checked, grown, repaired.

    manifest.json            what all of it is made from
    checksums/00000.json     the checksums of the first shard's files, written before they are
    scores/00000.npy         the first shard of one array; the others stand beside it

A shard is made from the identity and its number alone, so that any process may make any of them,
in any order. A file that the checksums do not list was not written here and is never changed or
removed. All of it may lie at a URL, see `places`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from property_cnn.common.arrays import map_npy, npy_bytes
from property_cnn.common.checks import check_count
from property_cnn.common.errors import FileError, InputError
from property_cnn.common.files import PARTIAL, bytes_digest, make_folder, writing
from property_cnn.common.folders import LOCK, differences, json_text
from property_cnn.common.progress import Progress
from property_cnn.common.shards.lists import (
    CHECKSUMS,
    MANIFEST,
    Checksums,
    array_path,
    checksums_path,
    listed_shards,
    listed_together,
    mark_of,
    parsed,
    read_checksums,
    read_manifest,
    store_files,
)
from property_cnn.common.shards.places import (
    alone_at,
    check_writable,
    children,
    descendants,
    is_folder,
    is_there,
    is_whole,
    local_copy,
    place_of,
    remove,
    remove_if_empty,
    remove_partial,
    write,
)
from property_cnn.common.shards.rows import Rows
from property_cnn.common.tasks import in_threads, run_tasks

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath

VERSION = 2
"""Of the manifest. In version 1 it held the checksums of all shards itself."""

TOGETHER = 32
"""Shards that one task of an engine looks through."""

Made = Mapping[str, np.ndarray | bytes]
"""A shard: arrays by name, a row an item, and further files by their path, e.g. a picture's."""

Make = Callable[[int, int, tuple[str, ...]], Made]
"""(first row, count, names) -> a shard with those arrays at least."""

Existing = Literal["keep", "replace", "drop"]
"""What becomes of shards that are there: those made from something else are refused ("keep") or
removed ("replace"); or they are refused and all others removed ("drop").
"""

Run = Callable[[Callable[..., Any], Iterable[tuple]], Iterable[Any]]
"""Results of function(*task) in the order of the tasks."""


@dataclass(frozen=True)
class Place:
    """Where a store's files lie, and what they are made from.

    Attributes:
        folder: of the manifest, the checksums and the arrays.
        mark: names what all shards are made from.
        shard_rows: rows a shard.
        beside: the folder that further files lie in.
    """

    folder: StorePath
    mark: str
    shard_rows: int
    beside: StorePath


class ShardStore:
    """A store that `open_store` has opened.

    Attributes:
        place: where it is.
        shards: index -> checksums of its files.
    """

    def __init__(self, place: Place, shards: dict[int, Checksums]):
        self.place, self.shards = place, shards

    def rows(self, name: str, n: int) -> Rows:
        """The first n rows of an array, once `fill` has made them."""
        return Rows(self.place.folder, name, n, self.place.shard_rows)

    def fill(
        self,
        n: int,
        names: Sequence[str],
        make: Make,
        run: Run = starmap,
        progress: Progress | None = None,
        whole: bool = False,
    ) -> None:
        """Makes what is missing of the first n rows, or is not what its checksum says.

        Args:
            n: number of rows.
            names: of the arrays; `make` may give others too, which are kept.
            make: makes a shard, or only the named ones of its arrays.
            run: runs the making, e.g. in threads.
            progress: told of rows that are there or made, and of damaged files.
            whole: also make the last shard's rows beyond n, so that none is ever made twice.

        Raises:
            InputError: n is below 1, or `make` gave an array of another length.
            FileError: what other processes have written is twice not what they say.
        """
        check_count("n", n)
        progress = progress or Progress("", n, quiet=True)
        sizes = [min(self.place.shard_rows, n - s) for s in range(0, n, self.place.shard_rows)]
        counts = [self.place.shard_rows] * len(sizes) if whole else sizes
        missing = self._missing(tuple(names), counts, progress)
        progress.skip(sum(size for index, size in enumerate(sizes) if index not in missing))
        for index, which in missing.items():
            check_places(self.place, index, which)
        tasks = [(index, counts[index], which) for index, which in missing.items()]
        write = partial(write_shard, self.place, make)
        self._keep(run(write, tasks), tasks, lambda index: progress.advance(sizes[index]))
        if tasks and not in_threads():
            self.clear_partial()  # a worker may have died at one
            if bad := self._bad(tasks):
                self._keep(run(write, bad), bad)
            if bad := self._bad(bad):
                raise FileError(
                    f"shard {bad[0][0]} of {self.place.folder} is not what a worker wrote; is that "
                    "the same folder on all workers?"
                )

    def clear_partial(self) -> None:
        """Removes half-written files."""
        for name in {"", CHECKSUMS}.union(*(one.arrays for one in self.shards.values())):
            remove_partial(self.place.folder / name)

    def _keep(
        self,
        written: Iterable[Checksums],
        tasks: Sequence[tuple],
        done: Callable[[int], None] = lambda index: None,
    ) -> None:
        for (index, *_), checksums in zip(tasks, written, strict=True):
            self.shards[index] = checksums
            done(index)

    def _bad(self, tasks: Sequence[tuple]) -> list[tuple]:
        """Those of the tasks whose shards are not here as the workers said.

        The checksums are read here, the files by workers, any of them: on many machines no process
        could read them all.
        """
        asked = [
            (self.place, index, self.shards[index], names, count) for index, count, names in tasks
        ]
        return [
            task
            for task, found in zip(tasks, _all_faults(asked), strict=True)
            if any(found) or read_checksums(self.place.folder, task[0]) != self.shards[task[0]]
        ]

    def _missing(
        self, names: tuple[str, ...], counts: Sequence[int], progress: Progress
    ) -> dict[int, tuple[str, ...]]:
        """Shard -> its arrays that must be made."""
        known = [index for index in range(len(counts)) if index in self.shards]
        tasks = [(self.place, index, self.shards[index], names, counts[index]) for index in known]
        lacking = dict(zip(known, _all_faults(tasks), strict=True))
        missing = {}
        for index in range(len(counts)):
            which, damaged = lacking.get(index, (names, ()))
            for path in damaged:
                progress.note(f"{path} is damaged; making it again")
            if which:
                missing[index] = which
        return missing


@contextmanager
def open_store(
    folder: str | os.PathLike | StorePath,
    identity: Mapping[str, Any],
    shard_rows: int,
    existing: Existing = "keep",
    grown: str = "",
    beside: Path | None = None,
    option: str = "--out",
) -> Iterator[ShardStore]:
    """The store in a folder, for this process alone; made if there is none.

    Args:
        folder: the store's, or a URL, see `places.place_of`.
        identity: what its shards are made from, as JSON can hold it; `format` says what it holds.
        shard_rows: rows a shard.
        existing: what becomes of shards that are there.
        grown: name of a mapping in the identity that may have other entries from one time to the
            next; those there were, it keeps.
        beside: the folder that further files lie in; the store's if not given.
        option: the option by which another folder can be chosen.

    Raises:
        InputError: the folder is neither empty nor a store of this format, it holds what is made
            from something else, another process works in it, or nothing can be written there.
    """
    if not str(folder):
        raise InputError(f"{option} is empty; name a folder, or . for the current one")
    identity = json.loads(json.dumps({**identity, "version": VERSION}))
    folder = place_of(folder)
    place = Place(folder, mark_of(identity, grown), shard_rows, beside or folder)
    try:
        check_writable(folder)
    except InputError:
        if not is_folder(folder) or not listed_shards(folder):
            raise
        yield ShardStore(place, _shards_to_use(place, identity, "keep", grown, option, False))
        return
    if not (is_there(folder / LOCK) or listed_shards(folder)):  # others' folders get no lock
        _fitting(folder, read_manifest(folder), {}, identity["format"], grown, option)
    with alone_at(folder, option):
        shards = _shards_to_use(place, identity, existing, grown, option)
        store = ShardStore(place, shards)
        store.clear_partial()
        yield store


def _shards_to_use(
    place: Place,
    identity: dict[str, Any],
    existing: Existing,
    grown: str,
    option: str,
    written: bool = True,
) -> dict[int, Checksums]:
    """The shards that are gone on with; others are dealt with, and the manifest may be written.

    What the checksums say of the shards counts: a manifest that says otherwise is damaged.
    """
    folder, manifest = place.folder, read_manifest(place.folder)
    if manifest.get("format") == identity["format"] and manifest.get("version") == 1:
        _list_apart(folder, manifest, grown)
    shards = listed_shards(folder)
    own = {index: one for index, one in shards.items() if one.made_from == place.mark}
    if own:
        sizes = manifest.get(grown)
        manifest = {**identity, grown: sizes} if isinstance(sizes, dict) else {}
    else:
        manifest = _fitting(folder, manifest, shards, identity["format"], grown, option)
    differing = _differing(manifest, identity, grown)
    others = bool(differing) or (bool(shards) and not (own or manifest))
    if others and existing != "replace":
        held, said = identity["format"].split()[-1], "; ".join(differing)
        raise InputError(
            f"{folder} holds other {held} ({said or 'as their checksums say'}); "
            f"choose another {option}"
        )
    if others or existing == "drop":
        _remove(place, shards)
        manifest, own = {}, {}
    if grown and manifest:
        identity = {**identity, grown: {**manifest[grown], **identity[grown]}}
    if written and read_manifest(folder) != identity:
        write(folder / MANIFEST, json_text(identity))
    return own


def made_from_same(folder: StorePath, identity: Mapping[str, Any], grown: str = "") -> bool:
    """Whether a store holds shards of this identity, but for what it has grown by."""
    mark = mark_of({**json.loads(json.dumps(identity)), "version": VERSION}, grown)
    manifest = read_manifest(folder) if is_folder(folder) else {}
    there = mark_of({**manifest, "version": VERSION}, grown) if "shards" not in manifest else ""
    return there == mark or any(one.made_from == mark for one in listed_shards(folder).values())


def remove_store(folder: Path, beside: Path | None = None) -> None:
    """Removes a store and nothing else; the folder stays where it holds more."""
    if not folder.is_dir():
        return
    shards = listed_shards(folder)
    if shards or str(read_manifest(folder).get("format", "")):
        _remove(Place(folder, "", 0, beside or folder), shards)
        for name in (MANIFEST, LOCK):
            (folder / name).unlink(missing_ok=True)
    remove_partial(folder)
    if not any(folder.iterdir()):
        folder.rmdir()


def is_store(folder: StorePath) -> bool:
    """Whether a folder is a store, or what is left of one."""
    return bool(listed_shards(folder)) or "shard_rows" in read_manifest(folder)


def store_of_others(folder: Path) -> Path | None:
    """The first file in a store's folder that the store does not list; None if there is none."""
    ours = store_files(folder)
    for path in descendants(folder):
        if path not in ours and not path.name.startswith(PARTIAL):
            return path
    return None


def write_shared(folder: StorePath, name: str, data: bytes) -> None:
    """Writes a file that belongs to all of a store's shards, and its checksum before.

    Raises:
        InputError: others wrote a file of that name.
    """
    path, key = folder / name, Path(name).stem
    listed = read_checksums(folder, key) is not None
    if not is_whole(path, bytes_digest(data)):
        _check_ours(path, listed)
    elif listed:
        return
    checksums = Checksums("", {}, {name: bytes_digest(data)})
    write(checksums_path(folder, key), checksums.text())
    write(path, data)


def write_shard(
    place: Place, make: Make, index: int, count: int, names: tuple[str, ...]
) -> Checksums:
    """Makes and writes a shard, or some of its arrays; returns the checksums of all its files.

    They are written first: whatever a kill leaves behind is listed, and seen to be damaged.

    Raises:
        InputError: an array has not `count` rows.
    """
    made = make(index * place.shard_rows, count, names)
    for name in names:
        if len(made[name]) != count:
            raise InputError(f"{name}: got {np.shape(made[name])}; need {count} rows")
    files = {name: data for name, data in made.items() if isinstance(data, bytes)}
    arrays = {name: npy_bytes(array) for name, array in made.items() if name not in files}
    known = read_checksums(place.folder, index)
    if known is None or known.made_from != place.mark:
        ours = is_there(checksums_path(place.folder, index))  # damaged ones
        known = Checksums(place.mark, {}, {})
    else:
        ours = False
    for name in files:
        _check_ours(place.beside / name, ours or name in known.files)
    checksums = Checksums(
        place.mark,
        known.arrays | {name: bytes_digest(data) for name, data in arrays.items()},
        known.files | {name: bytes_digest(data) for name, data in files.items()},
    )
    write(checksums_path(place.folder, index), checksums.text())
    for name, data in arrays.items():
        write(array_path(place.folder, name, index), data)
    for name, data in files.items():
        make_folder((place.beside / name).parent)
        with writing(place.beside / name):
            (place.beside / name).write_bytes(data)
    if files and hasattr(os, "sync"):
        os.sync()  # all together: one by one takes many times as long
    return checksums


def check_places(place: Place, index: int, names: Sequence[str]) -> None:
    """Raises InputError where others wrote what a shard's array would be written over."""
    known = read_checksums(place.folder, index)
    ours = known.arrays if known is not None else ()
    damaged = known is None and is_there(checksums_path(place.folder, index))
    for name in names:
        path = array_path(place.folder, name, index)
        _check_ours(path, damaged or name in ours)
        if is_there(path.parent) and not is_folder(path.parent):
            _check_ours(path.parent, False)


def _check_ours(path: StorePath, ours: bool) -> None:
    if not ours and is_there(path):
        raise InputError(f"{path} is not of this store; move it away, or choose another folder")


def faults(
    place: Place, index: int, checksums: Checksums, names: tuple[str, ...], count: int
) -> tuple[tuple[str, ...], list[StorePath]]:
    """Which arrays of a shard must be made, and which of its files are damaged.

    Where one of its further files is damaged, all must.
    """
    files = {place.beside / name: digest for name, digest in checksums.files.items()}
    damaged = [path for path, digest in files.items() if not is_whole(path, digest)]
    if damaged:
        return names, damaged
    missing = []
    for name in names:
        path = array_path(place.folder, name, index)
        if name not in checksums.arrays:
            missing.append(name)
        elif not is_whole(path, checksums.arrays[name]):
            missing.append(name)
            damaged.append(path)
        elif count > _length(local_copy(path, checksums.arrays[name])):
            missing.append(name)
    return tuple(missing), damaged


def _all_faults(asked: Sequence[tuple]) -> Iterator[tuple[tuple[str, ...], list[StorePath]]]:
    """`faults` of several shards; elsewhere many of them a task, which costs more than a shard."""
    each = 1 if in_threads() else TOGETHER
    tasks = [(asked[start : start + each],) for start in range(0, len(asked), each)]
    for found in run_tasks(_some_faults, tasks):
        yield from found


def _some_faults(asked: Sequence[tuple]) -> list[tuple[tuple[str, ...], list[StorePath]]]:
    return list(starmap(faults, asked))


def _length(path: Path) -> int:
    return len(map_npy(path))


def _fitting(
    folder: StorePath,
    manifest: dict[str, Any],
    shards: Mapping[int, Checksums],
    form: str,
    grown: str,
    option: str,
) -> dict[str, Any]:
    """The manifest of a store of this format; {} where it is damaged or nothing is there yet.

    Raises:
        InputError: there are other files, and no store of this format.
    """
    if grown and manifest:
        manifest = {grown: {}, **manifest}
    if manifest.get("format") == form and isinstance(manifest.get(grown, {}), dict):
        return manifest
    files = [path for path in children(folder) if path.name != LOCK]
    if any(not path.name.startswith(PARTIAL) for path in files) and (manifest or not shards):
        raise InputError(f"{folder} is neither empty nor holds {form}; choose another {option}")
    return {}


def _list_apart(folder: StorePath, manifest: dict[str, Any], grown: str) -> None:
    """Gives the checksums that a manifest of version 1 holds files of their own."""
    shards = manifest.pop("shards", {})
    mark = mark_of(manifest | {"version": VERSION}, grown)
    for key, arrays in shards.items() if isinstance(shards, dict) else ():
        checksums = parsed(json.dumps({"made_from": mark, "arrays": arrays, "files": {}}))
        if key.isdecimal() and checksums is not None:
            write(checksums_path(folder, int(key)), checksums.text())


def _differing(manifest: Mapping, identity: Mapping, grown: str) -> list[str]:
    """What the manifest says otherwise, but for entries of `grown` that only one of them has."""
    if not manifest:
        return []
    there, here = dict(manifest), dict(identity)
    if there.get("version") == 1:
        there["version"] = VERSION
    if grown:
        there[grown] = {**identity[grown], **manifest[grown]}
        here[grown] = {**manifest[grown], **identity[grown]}
    return differences(there, here)


def _remove(place: Place, shards: Mapping[int, Checksums]) -> None:
    """Removes the files of shards that their checksums list, and folders that become empty."""
    folders = {place.folder / CHECKSUMS}
    for index, checksums in shards.items():
        paths = [array_path(place.folder, name, index) for name in checksums.arrays]
        paths += [place.beside / name for name in checksums.files]
        for path in [*paths, checksums_path(place.folder, index)]:
            remove(path)
        folders.update(path.parent for path in paths)
    for stem, checksums in listed_together(place.folder).items():
        for name in checksums.files:
            remove(place.folder / name)
        remove(checksums_path(place.folder, stem))
    for folder in folders:
        remove_if_empty(folder)
