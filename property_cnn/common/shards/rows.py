"""The rows of one array of a store, whichever shards they are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.arrays import Blocks, map_npy
from property_cnn.common.shards.lists import array_path, listed_shards
from property_cnn.common.shards.places import local_copy

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath


@dataclass(frozen=True)
class Rows:
    """The first n rows of one array of a store; indexing by row numbers gives them (k, ...).

    Attributes:
        folder: the store's.
        name: the array's.
        n: rows.
        shard_rows: rows a shard.
    """

    folder: StorePath
    name: str
    n: int
    shard_rows: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.n:
            raise IndexError(f"rows outside 0 … {self.n - 1}")
        taken = np.empty((len(rows), *self._shard(0).shape[1:]), self._shard(0).dtype)
        if not rows.size:
            return taken
        order = np.argsort(rows, kind="stable")
        shards, starts = np.unique(rows[order] // self.shard_rows, return_index=True)
        for index, places in zip(shards, np.split(order, starts[1:]), strict=True):
            # A map that is dropped here never adds up to more than one shard in memory.
            taken[places] = self._shard(int(index))[rows[places] - index * self.shard_rows]
        return taken

    def blocks(self) -> Blocks:
        """All rows, to be written shard by shard."""
        first = self._shard(0)

        def pieces() -> Iterator[np.ndarray]:
            for index in range(-(-self.n // self.shard_rows)):
                yield self._shard(index)[: self.n - index * self.shard_rows]

        return Blocks((self.n, *first.shape[1:]), first.dtype, pieces)

    def whole(self) -> np.ndarray:
        """All rows, in memory."""
        shards = range(-(-self.n // self.shard_rows))
        return np.concatenate([self._shard(index) for index in shards])[: self.n]

    def _shard(self, index: int) -> np.ndarray:
        path = array_path(self.folder, self.name, index)
        if not isinstance(path, Path):
            path = local_copy(path, self._digests.get(index, ""))
        return map_npy(path)

    @cached_property
    def _digests(self) -> dict[int, str]:
        """By shard, of a store at a URL; read once."""
        listed = listed_shards(self.folder)
        return {index: one.arrays.get(self.name, "") for index, one in listed.items()}
