"""A job's folder: claimed by its settings, its files listed as they are written, or replaced whole.

    with open_folder(out, claim, overwrite) as work:
        if work.finished and not work.faults: ...      # all is there, as it was written
        atomic_write(work.folder / "table.csv", text)  # listed, and refused where others wrote
        work.finish()

A folder that is neither empty nor this job's is refused, and so is a file of others at a place
that the job would write to. What replaces another run is made in a folder of its own inside, and
takes its place when it is complete.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from property_cnn.common.errors import InputError
from property_cnn.common.files import (
    PARTIAL,
    atomic_write,
    bytes_digest,
    sha256_of,
    watched,
    writing,
)
from property_cnn.common.folders import (
    LOCK,
    alone_in,
    differences,
    json_text,
    read_json,
    writable_folder,
)
from property_cnn.common.shards.lists import store_files
from property_cnn.common.shards.store import remove_store, store_of_others
from property_cnn.jobs.listing import (
    FILES,
    Listing,
    fault_of,
    faults,
    foreign_file,
    read_listing,
    remove_empty,
    remove_listed,
    write_listing,
)

REPLACEMENT = ".replacement"
"""Folder in which a run is made that replaces another."""

_OURS = "versions"  # an entry of all settings that we write


@dataclass(frozen=True)
class Claim:
    """What a folder is claimed for.

    Args:
        settings: name of the file with the settings; "" for none.
        values: they, and what is written down with them.
        decides: picks of the settings what must agree for a folder to be gone on with.
        written: patterns of the paths that the job writes to.
        stores: names of folders inside that have locks and lists of their own.
        ours: tells a folder of the job by what is in it, where neither list nor settings do.
        option: the option by which another folder can be chosen.
    """

    settings: str
    values: Mapping[str, Any]
    decides: Callable[[Mapping], Mapping] = dict
    written: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    ours: Callable[[Path], bool] = lambda folder: False
    option: str = "--out"

    @property
    def made_from(self) -> str:
        """Names what decides."""
        return bytes_digest(json.dumps(self._decided(self.values), sort_keys=True).encode())

    def differing(self, there: Mapping) -> list[str]:
        """What other settings say otherwise."""
        return differences(self._decided(there), self._decided(self.values))

    def places(self) -> tuple[str, ...]:
        """Patterns of all that the job writes to, its settings too."""
        return (*([self.settings] if self.settings else []), *self.written)

    def _decided(self, values: Mapping) -> dict:
        return json.loads(json.dumps(dict(self.decides(values))))


class Work:
    """A folder that `open_folder` has opened.

    Attributes:
        folder: where to write: the job's own, or what will replace it.
        listing: its files.
        known: whether these settings' files were there before.
        finished: whether all of them were made before.
        faults: those that are missing or altered since, and which of the two.
        kept: names of whole files that are left as they are, whatever is written there.
        written: names of files that were written since it was opened.
    """

    def __init__(self, folder: Path, listing: Listing, known: bool, option: str):
        self.folder, self.listing, self.known, self._option = folder, listing, known, option
        self.finished = listing.finished
        self.faults = faults(folder, listing)
        self.kept = {name for name in listing.files if self.finished and name not in self.faults}
        self.written: set[str] = set()
        self._root, self._lock = os.path.abspath(folder), threading.Lock()

    def whole(self, name: str) -> bool:
        """Whether a file is ours and as it was written."""
        listed = self.listing.files.get(name)
        return listed is not None and not fault_of(self.folder / name, listed)

    def on_the_way(self, name: str) -> Path:
        """A folder for what need not stay, such as states of a training, by its path."""
        with self._lock:
            if f"{name}/" not in self.listing.files:
                self.listing.files[f"{name}/"] = ""
                write_listing(self.folder, self.listing)
        return self.folder / name

    def remove(self, *names: str) -> None:
        """Removes files of ours, and folders of `on_the_way` whose names end in /."""
        listed = [name for name in names if name in self.listing.files]
        if listed:
            with writing(self.folder), self._lock:
                remove_listed(self.folder, self.listing, listed)
                write_listing(self.folder, self.listing)

    def withdraw(self) -> None:
        """Removes all files of ours and the list, so that the folder is free for other settings."""
        self.remove(*list(self.listing.files))
        with writing(self.folder):
            (self.folder / FILES).unlink(missing_ok=True)

    def append(self, path: Path) -> None:
        """Lists a file of ours that is written otherwise; `finish` takes its checksum."""
        name = self._name(path)
        if name is not None and name not in self.kept:
            self.listing.files[name] = ""
            self.written.add(name)

    def begin_again(self) -> None:
        """All files may be written anew; until `finish`, the job counts as not ended."""
        self.kept, self.listing.finished = set(), False
        write_listing(self.folder, self.listing)

    def finish(self) -> None:
        """Lists all files with their checksums, for good."""
        folders = [name for name in self.listing.files if name.endswith("/")]
        self.remove(*folders)
        files = self.listing.files
        for name in list(files):
            path = self.folder / name
            if not path.is_file():
                del files[name]
            elif not files[name]:
                files[name] = sha256_of(path)
        self.listing.finished = True
        write_listing(self.folder, self.listing)

    def told(self) -> tuple[str, ...]:
        """Of a finished run, what had to be made again, in a line; nothing else."""
        if not (self.finished and self.faults):
            return ()
        said = ", ".join(f"{name} ({fault})" for name, fault in sorted(self.faults.items()))
        return (f"made again: {said}",)

    def watch(self, path: Path, temporary: Path) -> bool:
        """Called before each file is put in its place; whether it is to be.

        Raises:
            InputError: others wrote a file there.
        """
        return self._listed(path, sha256_of(temporary)) if self._name(path) else True

    def _listed(self, path: Path, digest: str) -> bool:
        name = self._name(path)
        if name is None:
            return True
        with self._lock:
            files = self.listing.files
            self.written.add(name)
            if name not in files and os.path.lexists(path):
                raise InputError(_not_ours(path, self._option))
            if name in self.kept:
                return False
            if files.get(name) != digest:
                files[name] = digest
                write_listing(self.folder, self.listing)
        return True

    def _name(self, path: Path) -> str | None:
        """The path in the folder; None of the list, and of what has a list or name of its own."""
        absolute = os.path.abspath(path)
        if not absolute.startswith(self._root + os.sep):
            return None
        name = Path(absolute).relative_to(self._root).as_posix()
        parents = [Path(self._root, *parts) for parts in _beginnings(name)]
        if name == FILES or any((parent / LOCK).exists() for parent in parents):
            return None
        on_the_way = (f"{'/'.join(parts)}/" for parts in _beginnings(name))
        return None if any(key in self.listing.files for key in on_the_way) else name


@contextmanager
def open_folder(
    out: str | os.PathLike, claim: Claim, overwrite: bool = False, resumed: bool = True
) -> Iterator[Work]:
    """A job's folder, for this process alone, with its settings written in it.

    Args:
        out: the folder; made if there is none.
        claim: what it is for.
        overwrite: make all anew; what the folder holds stays until that is finished.
        resumed: go on with what a stopped job of these settings left; else that is removed.

    Raises:
        InputError: the folder is neither empty nor of this job, is of other settings, holds a
            file of others where the job writes, is in use, or nothing can be written there.
    """
    folder = writable_folder(named(out, claim.option))
    if not (folder / LOCK).exists():
        _claimed(folder, claim)  # others' folders get no lock
    with alone_in(folder, claim.option):
        settle(folder, claim.option)
        clear_partials(folder)
        listing = _claimed(folder, claim)
        if overwrite and listing.files:
            _check_stores(folder, claim)
            if read_listing(folder) is None:  # of a version without lists
                write_listing(folder, listing)
            work = _replacing(folder, claim, resumed)
        else:
            work = _going_on(folder, claim, listing)
        with watched(work.watch):
            if claim.settings and not (work.finished and work.whole(claim.settings)):
                atomic_write(work.folder / claim.settings, json_text(claim.values))
            yield work
        if work.folder != folder:
            settle(folder, claim.option)


@contextmanager
def open_again(out: str | os.PathLike, claim: Claim, keep: str = "") -> Iterator[Work]:
    """A folder whose files are quickly made and are all written again, whatever they were.

    Args:
        out, claim: as for `open_folder`.
        keep: beginning of the names of files that stay though they are not written again.
    """
    with open_folder(out, claim) as work:
        work.begin_again()
        if claim.settings:
            atomic_write(work.folder / claim.settings, json_text(claim.values))
        yield work
        listed = set(work.listing.files) - work.written
        work.remove(*(name for name in listed if not (keep and name.startswith(keep))))
        work.finish()


@contextmanager
def amend_folder(folder: Path, option: str = "--out") -> Iterator[Work | None]:
    """The folder of a job, to write some of its files again; None where it has no list."""
    if not (folder / FILES).exists():
        yield None
        return
    with alone_in(folder, option):
        settle(folder, option)
        listing = read_listing(folder)
        if listing is None:  # a damaged one, which the job itself writes again
            yield None
            return
        work = Work(folder, listing, True, option)
        work.kept = set()
        with watched(work.watch):
            yield work


def named(out: str | os.PathLike, option: str) -> Path:
    """The path that was given; InputError where it is empty."""
    if not os.fspath(out):
        raise InputError(f"{option} is empty; name a folder, or . for the current one")
    return Path(out)


def settle(folder: Path, option: str = "--out") -> None:
    """Puts a complete replacement in the place of what it replaces, or goes on with that.

    Raises:
        InputError: others have written into a store that is to be replaced.
    """
    source = folder / REPLACEMENT
    new = read_listing(source) if source.is_dir() else None
    if new is None or not new.finished:
        return
    old = read_listing(folder) or Listing()
    for name in new.names():
        if (source / name).exists() and os.path.lexists(folder / name) and not old.owns(name):
            raise InputError(_not_ours(folder / name, option))
    with writing(folder):
        for store in sorted(path for path in source.iterdir() if (path / LOCK).exists()):
            target = folder / store.name
            remove_store(target, beside=folder)
            if target.exists():
                raise InputError(_not_ours(next(target.iterdir()), option))
            store.rename(target)
        for target in sorted(path for path in folder.iterdir() if (path / LOCK).exists()):
            _move_beside(source, folder, target, option)
        for name in new.names():
            if (source / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(source / name, folder / name)
        remove_listed(folder, old, [name for name in old.files if name not in new.files])
        os.replace(source / FILES, folder / FILES)
        for place, _, _ in os.walk(source, topdown=False):
            remove_empty(Path(place), folder)


def _move_beside(source: Path, folder: Path, store: Path, option: str) -> None:
    """Moves the files that lie beside a store of a replacement, such as pictures."""
    for path in store_files(store, folder):
        moved = source / path.relative_to(folder)
        if not path.is_relative_to(store) and moved.exists():
            if os.path.lexists(path):
                raise InputError(_not_ours(path, option))
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(moved, path)


def clear_partials(folder: Path) -> None:
    """Removes what a killed process left half-written, but for folders with locks of their own."""
    for place, folders, names in os.walk(folder):
        if Path(place) != folder and Path(place, LOCK).exists():
            folders.clear()  # a lock is there before any file
            continue
        for name in names:
            if name.startswith(PARTIAL):
                Path(place, name).unlink(missing_ok=True)


def _claimed(folder: Path, claim: Claim) -> Listing:
    """The folder's list, made where the folder is empty or of a version without lists."""
    listing = read_listing(folder)
    if listing is None:
        listing = Listing()
        if _of_ours(folder, claim):
            listing.files = {
                path.relative_to(folder).as_posix(): ""
                for pattern in claim.places()
                for path in folder.glob(pattern)
                if path.is_file()
            }
            for name in _folders_within(claim):
                if (folder / name).is_dir():
                    listing.files[f"{name}/"] = ""
        else:
            _check_empty(folder, claim)
    found = foreign_file(folder, listing, claim.places())
    if found is not None:
        raise InputError(_not_ours(found, claim.option))
    return listing


def _going_on(folder: Path, claim: Claim, listing: Listing) -> Work:
    """The folder for a run that goes on with what is there."""
    known = bool(listing.files)
    if known:
        _check_settings(folder, claim, listing)
    if listing.made_from != claim.made_from or not (folder / FILES).is_file():
        listing.made_from = claim.made_from
        write_listing(folder, listing)
    return Work(folder, listing, known, claim.option)


def _replacing(folder: Path, claim: Claim, resumed: bool) -> Work:
    """A folder inside for a run that replaces the one there; gone on with where it is the same."""
    place = folder / REPLACEMENT
    with writing(place):
        place.mkdir(exist_ok=True)
        there = _claimed(place, claim)
        if there.files and not (resumed and there.made_from == claim.made_from):
            for store in claim.stores:
                remove_store(place / store)
            remove_listed(place, there, list(there.files))
            there = Listing()
    if not there.files:
        write_listing(place, Listing(claim.made_from))
    return _going_on(place, claim, there)


def _check_settings(folder: Path, claim: Claim, listing: Listing) -> None:
    """Raises InputError where the folder is of other settings."""
    path, listed = folder / claim.settings, listing.files.get(claim.settings)
    said = f"its {claim.settings} is missing or altered" if listed else "of another job"
    if listed is not None and not fault_of(path, listed):
        differing = claim.differing(read_json(path))
    elif listing.made_from in ("", claim.made_from):
        differing = []
    else:
        differing = [said]
    if differing:
        raise InputError(
            f"{folder} holds a run with other settings ({'; '.join(differing)}); "
            f"choose another {claim.option}, or give --overwrite"
        )


def _check_empty(folder: Path, claim: Claim) -> None:
    """Raises InputError where there is anything but stores that stand where the job has its own."""
    for path in sorted(folder.iterdir()):
        store = path.name in claim.stores and (path / LOCK).exists()
        if not (path.name == LOCK or path.name.startswith(PARTIAL) or store):
            raise InputError(
                f"{folder} is neither empty nor of this job, it holds {path.name}; "
                f"choose another {claim.option} or empty it"
            )


def _check_stores(folder: Path, claim: Claim) -> None:
    """Raises InputError where a store that may be replaced holds files of others."""
    for name in claim.stores:
        found = store_of_others(folder / name)
        if found is not None:
            raise InputError(_not_ours(found, claim.option))


def _of_ours(folder: Path, claim: Claim) -> bool:
    """Whether a folder without a list is of this job, made by a version that wrote none."""
    path = folder / claim.settings
    if claim.settings and path.is_file():
        try:
            there = read_json(path)
            return _OURS in there and there.get("kind") == claim.values.get("kind")
        except InputError:
            return False
    return claim.ours(folder)


def _folders_within(claim: Claim) -> list[str]:
    """Folders that the job writes in without listing each file."""
    return [pattern.removesuffix("/*") for pattern in claim.written if pattern.endswith("/*")]


def _not_ours(path: Path, option: str) -> str:
    return f"{path} is not of this job; move it away, or choose another {option}"


def _beginnings(name: str) -> list[list[str]]:
    parts = name.split("/")
    return [parts[:count] for count in range(1, len(parts))]
