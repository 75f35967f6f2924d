"""Arrays of many pictures on disk: 8-bit .npy shards that a broken-off build goes on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_path, atomic_write

SHARD_ROWS = 256
"""Rows a shard; the last one of a set may hold fewer."""


class Shards:
    """The first n rows of a set; indexing by an array of row numbers gives uint8 rows (k, ...).

    Raises:
        CheckpointError: a shard is missing, damaged, or holds too few rows.
    """

    def __init__(self, folder: str | Path, kind: str, n: int):
        self._shards = []
        self._n = n
        for start in range(0, n, SHARD_ROWS):
            path = shard_path(folder, kind, start)
            shard = _open(path)
            if shard is None or len(shard) < min(SHARD_ROWS, n - start):
                raise CheckpointError(f"{path} is missing or damaged; build the data set again")
            self._shards.append(shard)

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < self._n:
            raise IndexError(f"rows outside 0 … {self._n - 1}")
        found = np.empty((len(rows), *self._shards[0].shape[1:]), np.uint8)
        for place, row in enumerate(rows):
            found[place] = self._shards[row // SHARD_ROWS][row % SHARD_ROWS]
        return found


def build_shards(
    folder: str | Path,
    kind: str,
    n: int,
    mark: str,
    make: Callable[[int, int], np.ndarray],
    advance: Callable[[int], None] | None = None,
) -> Shards:
    """Rows 0 … n - 1 of a set; shards that are there are kept, so a set can also grow.

    Args:
        folder: of the set; several kinds may share it.
        kind: name of the array, e.g. "images".
        n: number of rows.
        mark: text that names what the rows are made from; shards of another are removed.
        make: (start, count) -> uint8 rows (count, ...).
        advance: called with the number of rows after each shard.

    Raises:
        InputError: n is below 1, or `make` gave something else.
    """
    if n < 1:
        raise InputError(f"{n} rows of {kind} asked for; need at least 1")
    folder = Path(folder)
    _claim(folder, kind, mark)
    for start in range(0, n, SHARD_ROWS):
        count = min(SHARD_ROWS, n - start)
        path = shard_path(folder, kind, start)
        there = _open(path)
        if there is None or len(there) < count:
            rows = np.ascontiguousarray(make(start, count))
            if rows.dtype != np.uint8 or len(rows) != count:
                raise InputError(f"{kind}: got {rows.dtype} {rows.shape}; need {count} 8-bit rows")
            with atomic_path(path) as temporary, open(temporary, "wb") as file:
                np.save(file, rows, allow_pickle=False)
        if advance is not None:
            advance(count)
    return Shards(folder, kind, n)


def shard_path(folder: str | Path, kind: str, start: int) -> Path:
    """File of the shard whose first row is number `start`."""
    return Path(folder) / f"{kind}-{start // SHARD_ROWS:05d}.npy"


def _claim(folder: Path, kind: str, mark: str) -> None:
    manifest = folder / f"{kind}.json"
    text = json.dumps({"made_from": mark}, indent=2) + "\n"
    if manifest.is_file() and manifest.read_text("utf-8") == text:
        return
    for shard in folder.glob(f"{kind}-[0-9]*.npy"):
        shard.unlink()
    atomic_write(manifest, text)


def _open(path: Path) -> np.ndarray | None:
    """The shard, mapped into memory; None where there is none that can be read."""
    try:
        shard = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return shard if shard.dtype == np.uint8 and shard.ndim > 1 else None
