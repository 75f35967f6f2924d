"""What a store says of itself: its manifest, and the checksums of each shard's files.

    manifest.json            what all of it is made from
    checksums/00000.json     the checksums of the first shard's files, written before they are

The checksums of a shard name the identity too: a manifest that cannot be read is written again,
and no shard is lost with it. Files that belong to all shards are listed under names of their own,
e.g. checksums/groups_600.json.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from property_cnn.common.errors import FileError
from property_cnn.common.files import bytes_digest
from property_cnn.common.folders import LOCK
from property_cnn.common.shards.places import children, is_file, read, read_all

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
    path = folder / MANIFEST
    try:
        manifest = json.loads(read(path)) if is_file(path) else {}
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
    beside, files, checksums = beside or folder, {}, all_checksums(folder)
    for stem, one in checksums.items():
        if stem.isdecimal():
            files |= {array_path(folder, k, int(stem)): v for k, v in one.arrays.items()}
        around = beside if stem.isdecimal() else folder
        files |= {around / name: digest for name, digest in one.files.items()}
    lists = [folder / MANIFEST, folder / LOCK, *_lists(folder)]
    return files | {path: "" for path in lists if is_file(path)}


def damaged_lists(folder: StorePath) -> list[StorePath]:
    """Lists of checksums in a store's folder that cannot be read as such."""
    whole = all_checksums(folder)
    return [path for path in _lists(folder) if path.stem not in whole]


def all_checksums(folder: StorePath) -> dict[str, Checksums]:
    """Those of every list that is whole, by its name without .json."""
    read = {path.stem: parsed(data) for path, data in read_all(_lists(folder)).items()}
    return {stem: checksums for stem, checksums in read.items() if checksums is not None}


def read_checksums(folder: StorePath, index: int) -> Checksums | None:
    """Those of a shard; None where there are none, or they are damaged."""
    try:
        return parsed(read(checksums_path(folder, index)))
    except FileError as error:
        if error.errno in (errno.ENOENT, errno.EISDIR):
            return None
        raise


def array_path(folder: StorePath, name: str, index: int) -> StorePath:
    """Where one array of one shard lies."""
    return folder / name / f"{index:05d}.npy"


def checksums_path(folder: StorePath, index: int) -> StorePath:
    """Where the checksums of a shard lie."""
    return folder / CHECKSUMS / f"{index:05d}.json"


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


def _lists(folder: StorePath) -> list[StorePath]:
    return children(folder / CHECKSUMS, "*.json")
