"""The list of a folder's files with their checksums: what is ours in it, and whether it is whole.

files.json
    finished     whether all of it is made
    made_from    names the settings that it is made from
    files        path -> SHA-256; "" of what is not checked; "cases/" of a folder for what is made
                 on the way
    checksum     of the three

A file is listed before it is written: whatever a kill leaves behind is known to be ours. What the
list does not name, others wrote: it is never changed or deleted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.common.files import PARTIAL, atomic_write, bytes_digest, reading, sha256_of
from property_cnn.common.folders import LOCK, inside, json_text, read_json

FILES = "files.json"

MISSING, ALTERED = "missing", "altered"

_VERSION = 1
_MADE_ON_THE_WAY = re.compile(r"(.*_)?[0-9a-f]{16,64}\.(npz|safetensors)")
"""Names of files that are named after what goes into them, which no one else gives."""


@dataclass
class Listing:
    """What `files.json` says.

    Attributes:
        made_from: names the settings that the files are made from; "" where it is not known.
        files: path within the folder -> SHA-256, or "" of what is not checked.
        finished: whether all is made.
    """

    made_from: str = ""
    files: dict[str, str] = field(default_factory=dict)
    finished: bool = False

    def names(self) -> list[str]:
        """The files, without the folders for what is made on the way."""
        return [name for name in self.files if not name.endswith("/")]

    def owns(self, name: str) -> bool:
        """Whether a file, a folder that it lies in, or anything in a folder is listed."""
        below = f"{name}/"
        return name in self.files or any(
            other.startswith(below) or (other.endswith("/") and name.startswith(other))
            for other in self.files
        )


def read_listing(folder: Path) -> Listing | None:
    """The folder's list; None where there is none, or a damaged one.

    Raises:
        FileError: it cannot be read.
    """
    path = folder / FILES
    if not path.is_file():
        return None
    with reading(path):
        path.open("rb").close()
    try:
        values = read_json(path)
        listing = Listing(values["made_from"], values["files"], values["finished"])
        if values["checksum"] != _checksum(listing) or values["version"] != _VERSION:
            return None
        for name in listing.files:
            inside(folder, name)
    except (InputError, KeyError, AttributeError, TypeError):
        return None
    return listing


def write_listing(folder: Path, listing: Listing) -> None:
    """Writes the list, atomically."""
    values = {"version": _VERSION, **_plain(listing), "checksum": _checksum(listing)}
    atomic_write(folder / FILES, json_text(values))


def faults(folder: Path, listing: Listing) -> dict[str, str]:
    """The listed files that are missing or altered, and which of the two."""
    found = {}
    for name in listing.names():
        fault = fault_of(folder / name, listing.files[name])
        if fault:
            found[name] = fault
    return found


def fault_of(path: Path, digest: str) -> str:
    """ "missing", "altered", or "" of a file that is as its SHA-256 says."""
    if not path.is_file():
        return ALTERED if os.path.lexists(path) else MISSING
    return ALTERED if digest and sha256_of(path) != digest else ""


def foreign_file(folder: Path, listing: Listing, patterns: Iterable[str]) -> Path | None:
    """The first file at a place that we would write to, which is not listed; None if none is."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if not listing.owns(path.relative_to(folder).as_posix()) and not _empty(path):
                return path
    return None


def remove_listed(folder: Path, listing: Listing, names: Iterable[str]) -> None:
    """Removes files of the list, and folders that become empty."""
    for name in sorted(names, reverse=True):
        path = folder / name
        if name.endswith("/"):
            remove_made_on_the_way(path)
        elif not path.is_dir():
            path.unlink(missing_ok=True)
        remove_empty(path if path.is_dir() else path.parent, folder)
        listing.files.pop(name, None)


def remove_made_on_the_way(folder: Path) -> None:
    """Removes what a fit or a test left in a folder while it ran, and folders that become empty."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            if _MADE_ON_THE_WAY.fullmatch(name) or name.startswith(PARTIAL):
                Path(place, name).unlink()
        remove_empty(Path(place), folder.parent)


def remove_empty(path: Path, above: Path) -> None:
    """Removes a folder and those that it lies in, below `above`, as far as they are empty."""
    while path != above and path.is_relative_to(above) and path.is_dir():
        if any(path.iterdir()):
            return
        path.rmdir()
        path = path.parent


def _empty(path: Path) -> bool:
    """Whether nothing is in a folder, but for a lock and folders of which that is true."""
    if not path.is_dir() or path.is_symlink():
        return False
    return all(inner.name == LOCK or _empty(inner) for inner in path.iterdir())


def _plain(listing: Listing) -> dict:
    return {
        "finished": listing.finished,
        "made_from": listing.made_from,
        "files": dict(sorted(listing.files.items())),
    }


def _checksum(listing: Listing) -> str:
    return bytes_digest(json.dumps(_plain(listing)).encode())
