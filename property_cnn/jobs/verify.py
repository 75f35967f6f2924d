"""Whether the files of a folder are as they were written: those of a run, a store, or several."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from property_cnn.common.errors import InputError
from property_cnn.common.files import PARTIAL
from property_cnn.common.folders import LOCK
from property_cnn.common.shards.lists import damaged_lists, store_files
from property_cnn.common.shards.places import descendants, digest_at, is_file, place_of
from property_cnn.common.shards.store import is_store
from property_cnn.common.tasks import run_tasks
from property_cnn.jobs.folder import REPLACEMENT
from property_cnn.jobs.listing import ALTERED, FILES, MISSING, faults, read_listing

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath

WHOLE = "whole"

TOGETHER = 16
"""Files of a store that one task reads: a store may have gigabytes, and is read by all cores."""


@dataclass(frozen=True)
class Verified:
    """What became of a folder's files.

    Attributes:
        folder: where they are.
        files: path within it -> "whole", "missing" or "altered".
        foreign: paths of files that no list names.
        unfinished: folders within it, "." for itself, whose job has not ended.
    """

    folder: StorePath
    files: dict[str, str]
    foreign: tuple[str, ...]
    unfinished: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether all jobs have ended and every listed file is as it was written."""
        return not self.unfinished and set(self.files.values()) <= {WHOLE}

    def values(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "folder": str(self.folder),
            "whole": self.whole,
            "files": self.files,
            "foreign": list(self.foreign),
            "unfinished": list(self.unfinished),
        }

    def lines(self) -> list[str]:
        """What is not whole and what is foreign, a line each, and a sum."""
        said = [f"{name}: {state}" for name, state in self.files.items() if state != WHOLE]
        said += [f"{name}: not finished; give its command again" for name in self.unfinished]
        said += [f"{name}: not listed, of someone else" for name in self.foreign]
        count = sum(state == WHOLE for state in self.files.values())
        return [*said, f"{count:,} of {len(self.files):,} files whole"]


def verify(folder: str | os.PathLike | StorePath) -> Verified:
    """Reads every listed file of a folder, and of the stores and folders of jobs in it.

    Args:
        folder: of a test, a curve, a comparison, a report, a store of samples, a fine-tuning, an
            image folder of `finetune`, or of `hair`; of a store it may be a URL.

    Raises:
        InputError: there is neither a list of a job's files nor a store.
        FileError: a file cannot be read.
    """
    folder = place_of(folder)
    if not isinstance(folder, Path):
        return _store_elsewhere(folder)
    if not folder.is_dir():
        raise InputError(f"no folder {folder}; give a run's folder or a store")
    states: dict[Path, str] = {}
    unfinished, ours, found = [], set(), False
    for place in _places(folder):
        listing = read_listing(place)
        if listing is not None:
            wrong = faults(place, listing)
            states |= {place / name: wrong.get(name, WHOLE) for name in listing.names()}
            ours |= {place / name for name in listing.files if name.endswith("/")}
            new = read_listing(place / REPLACEMENT)  # half-way in its place, if it is complete
            if not listing.finished or (new is not None and new.finished):
                unfinished.append(place.relative_to(folder).as_posix())
        elif (place / FILES).exists():
            states[place / FILES] = ALTERED
        if is_store(place):
            states |= _store_states(place)
        found = found or listing is not None or is_store(place)
    if not found:
        raise InputError(
            f"{folder} holds no {FILES} and no store; give a run's folder or a store (the command "
            "that made an older run lists its files when it is given again)"
        )
    foreign = [
        path for path in _all_files(folder) if path not in states and not _within(path, ours)
    ]
    return _verified(folder, states, foreign, unfinished)


def _store_elsewhere(folder: StorePath) -> Verified:
    """A store at a URL, where there is nothing else of ours."""
    if not is_store(folder):
        raise InputError(f"{folder} holds no store; give the URL of one")
    states = _read_states(folder, folder)
    foreign = [
        path
        for path in descendants(folder)
        if path not in states and path.name != LOCK and not path.name.startswith(PARTIAL)
    ]
    return _verified(folder, states, foreign, ())


def _verified(
    folder: StorePath,
    states: Mapping[StorePath, str],
    foreign: Sequence[StorePath],
    unfinished: Sequence[str],
) -> Verified:
    return Verified(
        folder,
        {path.relative_to(folder).as_posix(): states[path] for path in sorted(states)},
        tuple(path.relative_to(folder).as_posix() for path in foreign),
        tuple(unfinished),
    )


def _places(folder: Path) -> list[Path]:
    """The folder and those within, but for a run that is to replace it."""
    places = []
    for place, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != REPLACEMENT)
        places.append(Path(place))
    return places


def _store_states(place: Path) -> dict[Path, str]:
    beside = place
    inner, outer = store_files(place), store_files(place, place.parent)
    if sum(path.is_file() for path in outer) > sum(path.is_file() for path in inner):
        beside = place.parent
    return _read_states(place, beside)


def _read_states(place: StorePath, beside: StorePath) -> dict[StorePath, str]:
    """What became of each of a store's files, all of which are read."""
    files = {
        path: digest for path, digest in store_files(place, beside).items() if path.name != LOCK
    }
    listed = list(files.items())
    parts = ((listed[k : k + TOGETHER],) for k in range(0, len(listed), TOGETHER))
    states = dict(chain.from_iterable(run_tasks(_states, parts)))
    return states | dict.fromkeys(damaged_lists(place), ALTERED)


def _states(files: Sequence[tuple[StorePath, str]]) -> list[tuple[StorePath, str]]:
    return [(path, _state(path, digest)) for path, digest in files]


def _state(path: StorePath, digest: str) -> str:
    if not digest:
        return WHOLE if is_file(path) else MISSING
    there = digest_at(path)
    return WHOLE if there == digest else ALTERED if there else MISSING


def _all_files(folder: Path) -> list[Path]:
    return [
        path
        for place in _places(folder)
        for path in sorted(place.iterdir())
        if not path.is_dir()
        and not path.name.startswith(PARTIAL)
        and path.name not in (LOCK, FILES)
    ]


def _within(path: Path, folders: set[Path]) -> bool:
    return any(parent in folders for parent in path.parents)
