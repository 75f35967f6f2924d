"""Folders that work is left in: tried before any work, held by one process at a time, and JSON."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from property_cnn.common.checks import is_url
from property_cnn.common.errors import FileError, InputError
from property_cnn.common.files import PARTIAL, reading

_SHOWN = 60  # characters of a value that an error tells

LOCK = ".lock"
"""The file by which a process keeps others out of its folder."""


def writable_folder(path: str | os.PathLike) -> Path:
    """The folder, made if need be, after a trial file was written in it.

    Raises:
        InputError: nothing can be written there.
    """
    if is_url(path):
        raise InputError(f"{path} is a URL; name a folder (samples alone may lie at a URL)")
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, ValueError) as error:  # a NUL is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot write in {folder}: {reason}; choose another --out") from error


def inside(folder: Path, name: str) -> Path:
    """The path of a file in the folder.

    Raises:
        InputError: the name leads out of it.
    """
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or "\0" in name:
        raise InputError(f"{name!r} leads out of {folder}; nothing is written there")
    return folder / name


@contextmanager
def alone_in(folder: Path, option: str) -> Iterator[None]:
    """Keeps other processes out of the folder.

    Args:
        folder: one that is there.
        option: the option by which another folder can be chosen.

    Raises:
        InputError: another process works in it.
    """
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise InputError(
            f"another process works in {folder}; wait for it, or choose another {option}"
        ) from error


def clear_partial(folder: Path) -> None:
    """Removes half-written files right in the folder."""
    for name in os.listdir(folder) if folder.is_dir() else []:
        if name.startswith(PARTIAL):
            (folder / name).unlink()


def json_text(values: Mapping) -> str:
    """The values as readable JSON that ends in a newline."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def read_json(path: Path) -> dict:
    """The object in a JSON file.

    Raises:
        InputError: it holds none.
        FileError: the system refuses to read it.
    """
    try:
        with reading(path):
            values = json.loads(path.read_text(encoding="utf-8"))
    except FileError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not whole JSON; give --overwrite to replace it") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no JSON object; give --overwrite to replace it")
    return values


def begins_with(path: Path, text: str) -> bool:
    """Whether there is a file whose first bytes are these, e.g. a table's names of columns."""
    if not path.is_file():
        return False
    with reading(path), open(path, "rb") as file:
        return file.read(len(text.encode())) == text.encode()


def differences(there: Mapping, here: Mapping) -> list[str]:
    """What a file says otherwise than here, e.g. "n: 4000 there, 8000 here"."""
    old, new = flat(there), flat(json.loads(json.dumps(here)))
    return [
        f"{key}: {_short(old.get(key))} there, {_short(new.get(key))} here"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def flat(values: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested values under one level of names: {"a": {"b": 1}} is {"a.b": 1}."""
    level = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            level |= flat(value, f"{prefix}{key}.")
        else:
            level[prefix + key] = value
    return level
