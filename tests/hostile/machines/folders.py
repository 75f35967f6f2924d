"""What happens to folders: kills at a write, damage, files that others put there."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from property_cnn.common.files import PARTIAL
from property_cnn.common.folders import LOCK
from tests.hostile.strategies.damage import WAYS

HARMS = ("damage", "cut", "empty", "delete")


class Killed(BaseException):
    """The process is killed here: nothing takes it, and nothing is put in its place any more."""


@contextmanager
def killed(after: int | None, done: bool = False) -> Iterator[None]:
    """Ends what runs inside at a write, as a kill would: what was half-written stays.

    Args:
        after: writes that are done before; None for no kill.
        done: whether the file of the last one is in its place.
    """
    if after is None:
        yield
        return
    real, count = os.replace, 0

    def replace(source: str | os.PathLike, target: str | os.PathLike) -> None:
        nonlocal count
        count += 1
        if count <= after or (done and count == after + 1):
            real(source, target)
        if count > after:
            left = Path(target).parent / f"{PARTIAL}left{Path(target).suffix}"
            if Path(source).is_file():
                shutil.copyfile(source, left)
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", replace)
        yield


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it, but for locks; links are read as what they say."""
    found = {}
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*names, *links]:
            path = Path(place, name)
            if name != LOCK:
                data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
                found[path.relative_to(folder).as_posix()] = data
    return found


def harm(path: Path, way: str, seed: int) -> None:
    """Damages, cuts, empties or deletes a file."""
    if way == "delete":
        path.unlink()
        return
    data, rng = path.read_bytes(), random.Random(seed)
    if way == "damage" and data:
        new = bytes(rng.choice(WAYS)(bytearray(data), rng))
    else:
        new = data[: len(data) // 2] if way == "cut" else b""
    path.write_bytes(new if new != data else new + b"\0")


def put(path: Path, kind: str) -> dict[Path, bytes]:
    """A file, a folder with a file, or a link of others; what must stay as it is.

    Returns:
        Nothing where something is there already, or a file stands where a folder must be.
    """
    parent = path.parent
    while not os.path.lexists(parent):
        parent = parent.parent
    if os.path.lexists(path) or not parent.is_dir():
        return {}
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        path.symlink_to("nowhere")
        return {path: b"nowhere"}
    if kind == "folder":
        path.mkdir()
        path /= "mine.txt"
    path.write_bytes(b"mine")
    return {path: b"mine"}


def check_foreign(foreign: dict[Path, bytes]) -> None:
    """AssertionError where a file of others was changed or is gone."""
    for path, data in foreign.items():
        assert os.path.lexists(path), f"{path.name} of others is gone: {path}"
        there = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        assert there == data, f"{path.name} of others was changed: {path}"
