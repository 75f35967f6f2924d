"""The folder that a run leaves behind: tried before any work, claimed by one run's settings."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from property_cnn.common.errors import InputError
from property_cnn.common.files import PARTIAL, atomic_write

CONFIG = "config.json"
DIRECTIONS = "directions.npz"
LATENTS = "latents.npz"
REPORT = "report.html"
TIMINGS = "timings.json"
FIGURES = "figures"
SCORES = "scores.npz"
SAMPLES = "samples"
CASES = "cases"
TRAINING = "training"
LOCK = ".lock"

_CLAIMED = ("kind", "find", "evaluate", "curve", "models", "directions")  # what must agree to go on


def writable_folder(path: str | os.PathLike) -> Path:
    """The folder, made if need be, after a trial file was written in it.

    Raises:
        InputError: nothing can be written there.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"cannot write in {folder}: {reason}; choose another --out") from error


@contextmanager
def locked(folder: Path, option: str) -> Iterator[None]:
    """Keeps other processes out of the folder, and clears it of files that one left half-written.

    Args:
        folder: a store's or a run's.
        option: the option by which another folder can be chosen.

    Raises:
        InputError: another process works in it.
    """
    try:
        with FileLock(folder / LOCK, timeout=0):
            for rest in folder.rglob(f"{PARTIAL}*"):
                rest.unlink()
            yield
    except Timeout as error:
        raise InputError(
            f"another process works in {folder}; wait for it, or choose another {option}"
        ) from error


def claim(folder: Path, config: Mapping, replaced: Iterable[str] = ()) -> bool:
    """Writes the run's settings into the folder, or checks that they are those already there.

    Args:
        folder: the run's.
        config: the run's settings, under keys of which some must agree.
        replaced: patterns of an older run's files to remove, whatever its settings; () to go
            on from them if its settings are the same.

    Returns:
        Whether the folder was this run's before, so that what is finished there can be used.

    Raises:
        InputError: the folder holds a run with other settings.
    """
    path = folder / CONFIG
    for pattern in replaced:
        for old in folder.glob(pattern):
            old.unlink()
    known = path.exists() and not replaced
    if known:
        claims = ({key: run.get(key) for key in _CLAIMED} for run in (read_json(path), config))
        differing = differences(*claims)
        if differing:
            raise InputError(
                f"{folder} holds a run with other settings ({'; '.join(differing)}); "
                "choose another --out, or give --overwrite"
            )
    atomic_write(path, json_text(config))
    return known


def json_text(values: Mapping) -> str:
    """The values as readable JSON that ends in a newline."""
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def add_timing(folder: Path, stage: str, seconds: float) -> None:
    """Notes in `timings.json` how long a stage took."""
    timings = read_timings(folder) | {stage: round(seconds, 3)}
    atomic_write(folder / TIMINGS, json_text(timings))


def read_timings(folder: Path) -> dict[str, float]:
    """Seconds a stage, as far as the run has got."""
    path = folder / TIMINGS
    return read_json(path) if path.exists() else {}


def read_json(path: Path) -> dict:
    """The object in a JSON file; InputError where it is none."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is not whole JSON; give --overwrite to replace it") from error
    return values if isinstance(values, dict) else {}


def differences(there: Mapping, here: Mapping) -> list[str]:
    """What a file says otherwise than here, e.g. "n: 4000 there, 8000 here"."""
    old, new = flat(there), flat(json.loads(json.dumps(here)))
    return [
        f"{key}: {old.get(key)} there, {new.get(key)} here"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]


def flat(values: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested values under one level of names: {"a": {"b": 1}} is {"a.b": 1}."""
    level = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            level |= flat(value, f"{prefix}{key}.")
        else:
            level[prefix + key] = value
    return level
