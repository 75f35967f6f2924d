"""What a store says of itself: its manifest, and the checksums of each shard's files.

    manifest.json            what all of it is made from
    checksums/00000.json     the checksums of the first shard's files, written before they are

The checksums of a shard name the identity too: a manifest that cannot be read is written again,
and no shard is lost with it. Files that belong to all shards are listed under names of their own,
e.g. checksums/groups_600.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from property_cnn.common.files import bytes_digest
from property_cnn.common.folders import LOCK
from property_cnn.common.shards.places import children, is_file, read_all, read_if_there

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath

MANIFEST = "manifest.json"
CHECKSUMS = "checksums"


@dataclass(frozen=True)
class Checksums:
    """The digests of a shard's files.

    Attributes:
        made_from: the mark of what it is made from.
        arrays: by name.
        files: of further files, by their path.
    """

    made_from: str
    arrays: dict[str, str]
    files: dict[str, str]

    def text(self) -> str:
        """As a list holds them."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"


def mark_of(identity: Mapping[str, Any], grown: str = "") -> str:
    """16 hexadecimal digits that name what shards are made from."""
    fixed = {key: value for key, value in identity.items() if key != grown}
    return bytes_digest(json.dumps(fixed, sort_keys=True).encode())


def read_manifest(folder: StorePath) -> dict[str, Any]:
    """What a store is made from; {} where that is missing or damaged.

    Raises:
        FileError: it cannot be read.
    """
    data = read_if_there(folder / MANIFEST)
    try:
        manifest = {} if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def listed_shards(folder: StorePath) -> dict[int, Checksums]:
    """The checksums of all shards, by index."""
    return {int(stem): one for stem, one in all_checksums(folder).items() if stem.isdecimal()}


def listed_together(folder: StorePath) -> dict[str, Checksums]:
    """The checksums of what belongs to all shards, by name."""
    return {stem: one for stem, one in all_checksums(folder).items() if not stem.isdecimal()}


def store_files(folder: StorePath, beside: StorePath | None = None) -> dict[StorePath, str]:
    """Path -> digest of every file that a store lists, "" of its own lists and lock."""
    lists, files = _read_lists(folder), {}
    for path, one in lists.items():
        if one is None:
            continue
        around = folder
        if path.stem.isdecimal():
            around = beside or folder
            files |= {array_path(folder, k, int(path.stem)): v for k, v in one.arrays.items()}
        files |= {around / name: digest for name, digest in one.files.items()}
    own = [path for path in (folder / MANIFEST, folder / LOCK) if is_file(path)]
    return files | dict.fromkeys([*own, *lists], "")


def damaged_lists(folder: StorePath) -> list[StorePath]:
    """Lists of checksums in a store's folder that cannot be read as such."""
    whole = all_checksums(folder)
    return [path for path in _lists(folder) if path.stem not in whole]


def all_checksums(folder: StorePath) -> dict[str, Checksums]:
    """Those of every list that is whole, by its name without .json."""
    return {path.stem: one for path, one in _read_lists(folder).items() if one is not None}


def read_checksums(folder: StorePath, name: int | str) -> Checksums | None:
    """Those of a shard, or under a name of their own; None where none are, or damaged ones."""
    data = read_if_there(checksums_path(folder, name))
    return None if data is None else parsed(data)


def array_path(folder: StorePath, name: str, index: int) -> StorePath:
    """Where one array of one shard lies."""
    return folder / name / f"{index:05d}.npy"


def checksums_path(folder: StorePath, name: int | str) -> StorePath:
    """Where the checksums of a shard lie, or those under a name of their own."""
    stem = f"{name:05d}" if isinstance(name, int) else name
    return folder / CHECKSUMS / f"{stem}.json"


def parsed(data: bytes | str) -> Checksums | None:
    """Checksums of a list; None where it holds none, or names a file elsewhere."""
    try:
        checksums = Checksums(**json.loads(data))
        named = {**checksums.arrays, **checksums.files, checksums.made_from: ""}
        paths = [PurePosixPath(name) for name in named]
    except (TypeError, ValueError, RecursionError):
        return None
    texts = all(isinstance(digest, str) for digest in named.values())
    inside = all(not path.is_absolute() and ".." not in path.parts for path in paths)
    return checksums if texts and inside else None


def _read_lists(folder: StorePath) -> dict[StorePath, Checksums | None]:
    """Path -> what each list holds; None of a damaged one."""
    return {path: parsed(data) for path, data in read_all(_lists(folder)).items()}


def _lists(folder: StorePath) -> list[StorePath]:
    return children(folder / CHECKSUMS, "*.json")
