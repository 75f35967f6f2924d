"""Stores of samples as files: what one holds, whether it is whole, several made one.

Neither the networks that made them nor PyTorch is needed. How a store is laid out says
`property_cnn.common.shards.store`.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from property_cnn.common.arrays import map_npy, npy_header
from property_cnn.common.errors import CheckpointError, FileError, InputError
from property_cnn.common.folders import differences
from property_cnn.common.progress import Progress, size_text
from property_cnn.common.shards.lists import (
    Checksums,
    array_path,
    listed_shards,
    read_manifest,
    store_files,
)
from property_cnn.common.shards.places import (
    is_folder,
    is_whole,
    local_copy,
    place_of,
    sizes_in,
)
from property_cnn.common.shards.store import Place, check_places, faults, open_store, write_shard
from property_cnn.common.tasks import run_tasks
from property_cnn.jobs.verify import Verified, verify

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath

FORMAT = "vectorfind samples"
GROWN = "layers"
"""Entry of a store's identity in which stores of the same samples may differ."""

LATENTS, LABELS, SCORES = "z", "label", "scores"
BASE = (LATENTS, LABELS, SCORES)


@dataclass(frozen=True)
class ArrayFacts:
    """One array of a store.

    Attributes:
        shards: how many shards have it.
        width: numbers a sample.
        dtype: of the numbers.
    """

    shards: int
    width: int
    dtype: np.dtype


@dataclass(frozen=True)
class StoreFacts:
    """What a store holds.

    Attributes:
        folder: where it is.
        identity: what its samples are made from: digests of the networks, seed, precision.
        shards: index -> checksums of its files.
        shard_rows: samples a shard.
        arrays: name -> what is there of it.
        files: their number.
        size: their bytes.
    """

    folder: StorePath
    identity: Mapping[str, Any]
    shards: Mapping[int, Checksums]
    shard_rows: int
    arrays: Mapping[str, ArrayFacts]
    files: int
    size: int

    @property
    def samples(self) -> int:
        """Samples in all shards."""
        return len(self.shards) * self.shard_rows

    @property
    def missing(self) -> tuple[int, ...]:
        """Shards that are not there, before the last that is."""
        return tuple(index for index in range(max(self.shards, default=0)) if not self.has(index))

    def has(self, index: int) -> bool:
        """Whether a shard is listed."""
        return index in self.shards

    def values(self) -> dict[str, str]:
        """Names and values to print."""
        said = self.identity
        shown = {
            "generator": said["generator"] or "without a digest",
            "scorer": said["scorer"] or "without a digest",
            "seed": said["seed"],
            "precision": said["precision"],
            "samples": f"{self.samples:,} in {len(self.shards):,} shards of {self.shard_rows}",
            "missing shards": ", ".join(map(str, self.missing)),
            "properties": ", ".join(said["properties"]),
            "arrays": ", ".join(self._array(name) for name in self.arrays),
            "size": f"{size_text(self.size)} in {self.files:,} files",
        }
        return {name: str(value) for name, value in shown.items() if value != ""}

    def _array(self, name: str) -> str:
        facts = self.arrays[name]
        partly = "" if facts.shards == len(self.shards) else f" of {facts.shards:,} shards"
        return f"{name} ({facts.width}){partly}"


@dataclass(frozen=True)
class StoreCheck:
    """Whether a store is whole.

    Attributes:
        verified: what became of each of its files.
        facts: of the store.
        seconds: that reading took.
    """

    verified: Verified
    facts: StoreFacts
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether every file is as it was written, and no shard is missing between others."""
        return self.verified.whole and not self.facts.missing

    def values(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        about = {"missing_shards": list(self.facts.missing), "seconds": round(self.seconds, 3)}
        return {**self.verified.values(), "whole": self.whole, **about}

    def lines(self) -> list[str]:
        """What is wrong, a line each, and how much was read how quickly."""
        gaps = [f"shard {index}: missing" for index in self.facts.missing]
        rate = self.facts.size / 1e6 / max(self.seconds, 1e-9)
        read = f"{size_text(self.facts.size)} read in {self.seconds:.1f} s, {rate:,.0f} MB/s"
        return [*gaps, *self.verified.lines(), read]


def store_facts(folder: str | os.PathLike | StorePath) -> StoreFacts:
    """What a store holds, from its lists and the heads of its arrays.

    Raises:
        InputError: there is no store of samples, or its manifest is damaged.
    """
    folder = place_of(folder)
    identity = read_manifest(folder) if is_folder(folder) else {}
    if identity.get("format") != FORMAT:
        hint = "its manifest is damaged: give the command that made it again"
        known = is_folder(folder) and listed_shards(folder)
        raise InputError(f"{folder} holds no store of samples" + (f"; {hint}" if known else ""))
    shards = listed_shards(folder)
    names = [name for name in BASE if any(name in one.arrays for one in shards.values())]
    names += sorted({name for one in shards.values() for name in one.arrays} - set(BASE))
    there = sizes_in(folder)
    sizes = [there[path] for path in store_files(folder) if path in there]
    return StoreFacts(
        folder,
        identity,
        shards,
        identity["shard_rows"],
        {name: _array_facts(folder, name, shards) for name in names},
        len(sizes),
        sum(sizes),
    )


def verify_store(folder: str | os.PathLike | StorePath) -> StoreCheck:
    """Reads every file of a store, on all cores, and compares it with its checksum.

    Raises:
        InputError: there is no store of samples.
        FileError: a file cannot be read.
    """
    facts, started = store_facts(folder), time.perf_counter()
    verified = verify(folder)
    return StoreCheck(verified, facts, time.perf_counter() - started)


def merge_stores(
    folders: Sequence[str | os.PathLike | StorePath],
    out: str | os.PathLike | StorePath,
    quiet: bool = True,
) -> StoreFacts:
    """Copies the shards of several stores of the same samples into one.

    What `out` holds already stays. Where several have a file, the first that is whole counts: those
    of other processors may differ by rounding. Groups, which follow from the scores, are left out.

    Args:
        folders: the stores, in folders or at URLs; of the same networks, seed and precision.
        out: folder of the one; made if there is none.
        quiet: show no progress.

    Raises:
        InputError: they are not all of the same samples, `out` holds something else, or all copies
            of a file are damaged.
        FileError: the disk has no room.
    """
    stores = [store_facts(folder) for folder in folders]
    _check_same(stores)
    identity = dict(stores[0].identity)
    for store in stores:
        identity[GROWN] = {**store.identity[GROWN], **identity[GROWN]}
    rows = stores[0].shard_rows
    with open_store(out, identity, rows, "keep", GROWN) as target:
        wanted: dict[int, dict[str, None]] = {}
        for store in stores:
            for index, one in store.shards.items():
                wanted.setdefault(index, {}).update(dict.fromkeys(one.arrays))
        progress = Progress("merging", len(wanted), "shards", quiet)
        progress.foresee(None, sum(store.size for store in stores), target.place.folder)
        tasks = [
            (target.place, tuple(stores), index, tuple(names), target.shards.get(index))
            for index, names in sorted(wanted.items())
        ]
        for _ in run_tasks(_merge_shard, tasks):
            progress.advance()
    return store_facts(out)


def _merge_shard(
    place: Place,
    stores: tuple[StoreFacts, ...],
    index: int,
    names: tuple[str, ...],
    known: Checksums | None,
) -> None:
    """Makes what one shard of a store lacks, by copies from others."""
    if known is not None:
        names = faults(place, index, known, names, place.shard_rows)[0]
    if names:
        check_places(place, index, names)
        write_shard(place, partial(_copied, stores, index), index, place.shard_rows, names)


def _copied(
    stores: tuple[StoreFacts, ...], index: int, start: int, count: int, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """The arrays of a shard, from the first store that has each of them whole."""
    return {name: _copy(stores, index, name) for name in names}


def _copy(stores: tuple[StoreFacts, ...], index: int, name: str) -> np.ndarray:
    damaged = []
    for store in stores:
        digest = store.shards[index].arrays.get(name) if store.has(index) else None
        path = array_path(store.folder, name, index)
        if digest is None:
            continue
        if is_whole(path, digest):
            return map_npy(local_copy(path, digest))
        damaged.append(str(path))
    raise InputError(
        f"{', '.join(damaged)}: missing or altered; vectorfind sample with that --store makes it "
        "again"
    )


def _check_same(stores: Sequence[StoreFacts]) -> None:
    """Raises InputError unless all stores are of the same samples."""
    if not stores:
        raise InputError("no store to merge; give one or more")
    first = {key: value for key, value in stores[0].identity.items() if key != GROWN}
    if not (first["generator"] and first["scorer"]):
        raise InputError(f"{stores[0].folder} is of networks without a digest; make it in one go")
    for store in stores[1:]:
        given = {key: value for key, value in store.identity.items() if key != GROWN}
        said = differences(first, given)
        if said:
            raise InputError(
                f"{store.folder} holds other samples than {stores[0].folder} ({'; '.join(said)}); "
                "only stores of the same networks, seed and precision are merged"
            )


def _array_facts(folder: StorePath, name: str, shards: Mapping[int, Checksums]) -> ArrayFacts:
    held = [index for index, one in shards.items() if name in one.arrays]
    for index in held:
        path = array_path(folder, name, index)
        try:
            shape, dtype, _ = npy_header(local_copy(path, shards[index].arrays[name]))
        except (CheckpointError, FileError):  # the next one tells as much
            continue
        return ArrayFacts(len(held), math.prod(shape[1:]), dtype)
    return ArrayFacts(len(held), 0, np.dtype(np.float32))
