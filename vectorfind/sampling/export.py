"""A store's samples as files that other tools read: memory maps of NumPy, or a Parquet data set.

    layout.json                       what they are made from; shape, type and file of each array
    z.npy, label.npy, scores.npy …    numpy: an array a file, a row a sample
    samples.parquet/part-00000.parquet …    parquet: a row a sample, a column a score or vector

Written shard by shard, so that memory does not grow with n; a stopped export goes on with the files
that are whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from property_cnn.common.arrays import write_npy
from property_cnn.common.checks import check_names, choose
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_path
from property_cnn.common.progress import Progress, check_room
from property_cnn.common.prompt import extra_module
from property_cnn.common.shards.rows import Rows
from property_cnn.common.shards.store import Place, faults
from property_cnn.common.tasks import run_tasks
from property_cnn.jobs.folder import Claim, Work, open_folder
from vectorfind.sampling.store_files import SCORES, ArrayFacts, StoreFacts, store_facts

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath

NUMPY, PARQUET = "numpy", "parquet"
FORMATS = (NUMPY, PARQUET)

LAYOUT = "layout.json"
VERSION = 1

DATA_SET = "samples.parquet"
"""The folder that is the Parquet data set."""

PART = 64
"""Shards in a file of the Parquet data set; each shard is a row group of it."""

INDEX = "sample"
"""The column of a sample's number in the store."""

PLAIN = {"compression": "none", "use_dictionary": False, "write_statistics": [INDEX]}
"""How pyarrow writes: numbers this random do not shrink, and trying takes most of the time."""

SCORE = "score_"
"""Beginning of the names of scores' columns."""


@dataclass(frozen=True)
class Export:
    """What is written of a store.

    Attributes:
        store: whose samples they are.
        n: the first n of them.
        arrays: name -> its facts; those of no width are left out.
        form: one of `FORMATS`.
    """

    store: StoreFacts
    n: int
    arrays: Mapping[str, ArrayFacts]
    form: str

    def rows(self, name: str) -> Rows:
        """The rows (n, width) of an array."""
        return Rows(self.store.folder, name, self.n, self.store.shard_rows)

    def layout(self) -> dict[str, Any]:
        """What `layout.json` says."""
        if self.form == NUMPY:
            files: dict[str, Any] = {name: f"{name}.npy" for name in self.arrays}
        else:
            files = dict.fromkeys(self.arrays, f"{DATA_SET}/part-*.parquet")
        return {
            "kind": "store export",
            "version": VERSION,
            "format": self.form,
            "n": self.n,
            "made_from": dict(self.store.identity),
            "properties": list(self.store.identity["properties"]),
            "arrays": {
                name: {"file": files[name], "shape": [self.n, facts.width],
                       "dtype": str(facts.dtype)}
                for name, facts in self.arrays.items()
            },
        }  # fmt: skip


def export_store(
    folder: str | os.PathLike | StorePath,
    out: str | os.PathLike,
    form: str = NUMPY,
    n: int | None = None,
    arrays: Sequence[str] | None = None,
    quiet: bool = True,
) -> Export:
    """Writes a store's samples for other tools; every file is first checked against its checksum.

    Args:
        folder: the store's, or its URL.
        out: a folder; made if there is none.
        form: "numpy" or "parquet", which needs pyarrow.
        n: the first n samples; None for all before the first shard that is missing.
        arrays: names of what is written; None for all that every shard has.
        quiet: show no progress.

    Raises:
        InputError: there is no store, it has fewer samples or no such array, a file of it is
            damaged, or `out` holds something else.
        MissingError: pyarrow is not installed.
        FileError: the disk has no room.
    """
    choose("format", form, FORMATS)
    if form == PARQUET:
        extra_module("pyarrow", PARQUET)
    export = _chosen(store_facts(folder), form, n, arrays)
    written = ("*.npy",) if form == NUMPY else (f"{DATA_SET}/*.parquet",)
    with open_folder(out, Claim(LAYOUT, export.layout(), written=written)) as work:
        if work.finished and not work.faults:
            return export
        width = sum(facts.width * facts.dtype.itemsize for facts in export.arrays.values())
        check_room(out, export.n * width)
        _check_whole(export)
        if form == NUMPY:
            _write_numpy(export, work, quiet)
        else:
            _write_parquet(export, work, quiet)
        work.finish()
    return export


def _chosen(store: StoreFacts, form: str, n: int | None, arrays: Sequence[str] | None) -> Export:
    """What is to be written, checked against what is there."""
    leading = next((k for k in range(len(store.shards) + 1) if not store.has(k)), 0)
    most = leading * store.shard_rows
    n = most if n is None else n
    if not 1 <= n <= most:
        gap = f", and shard {leading} is missing" if store.missing else ""
        raise InputError(f"n {n}: {store.folder} has {most:,} samples in a row{gap}")
    shards = range(-(-n // store.shard_rows))
    whole = [
        name
        for name, facts in store.arrays.items()
        if facts.width and all(name in store.shards[index].arrays for index in shards)
    ]
    if arrays is not None:
        check_names("array", tuple(arrays), tuple(whole))
    kept = whole if arrays is None else [name for name in whole if name in arrays]
    return Export(store, n, {name: store.arrays[name] for name in kept}, form)


def _check_whole(export: Export) -> None:
    """Raises InputError where a file that is to be read is not what its checksum says."""
    store, names = export.store, tuple(export.arrays)
    place = Place(store.folder, "", store.shard_rows, store.folder)
    tasks = [
        (place, index, store.shards[index], names, 0)
        for index in range(-(-export.n // store.shard_rows))
    ]
    damaged = [path for _, paths in run_tasks(faults, tasks) for path in paths]
    if damaged:
        raise InputError(
            f"{', '.join(map(str, damaged[:3]))}: missing or altered; vectorfind sample with "
            f"--store {store.folder} makes it again"
        )


def _write_numpy(export: Export, work: Work, quiet: bool) -> None:
    progress = Progress("exporting", len(export.arrays), "arrays", quiet)
    for name in export.arrays:
        if not work.whole(f"{name}.npy"):
            write_npy(work.folder / f"{name}.npy", export.rows(name).blocks())
        progress.advance()


def _write_parquet(export: Export, work: Work, quiet: bool) -> None:
    rows = PART * export.store.shard_rows
    progress = Progress("exporting", export.n, "samples", quiet)
    for part, start in enumerate(range(0, export.n, rows)):
        name, stop = f"{DATA_SET}/part-{part:05d}.parquet", min(start + rows, export.n)
        if not work.whole(name):
            with atomic_path(work.folder / name) as temporary:
                _write_part(export, temporary, start, stop)
        progress.advance(stop - start)


def _write_part(export: Export, path: Path, start: int, stop: int) -> None:
    """The samples from `start` to `stop` as one Parquet file."""
    from pyarrow import parquet

    writer = None
    try:
        for table in _tables(export, start, stop):
            if writer is None:
                writer = parquet.ParquetWriter(path, table.schema, **PLAIN)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _tables(export: Export, start: int, stop: int) -> Iterator[Any]:
    """A table a shard, of pyarrow."""
    import pyarrow as pa

    for first in range(start, stop, export.store.shard_rows):
        places = np.arange(first, min(first + export.store.shard_rows, stop))
        columns: dict[str, Any] = {INDEX: pa.array(places)}
        for name, facts in export.arrays.items():
            block = export.rows(name)[places].reshape(len(places), facts.width)
            columns |= dict(_columns(export, name, block))
        yield pa.table(columns)


def _columns(export: Export, name: str, block: np.ndarray) -> Iterable[tuple[str, Any]]:
    """The columns of an array (k, width): one a score, and one of lists for vectors."""
    import pyarrow as pa

    if name == SCORES:
        names = export.store.identity["properties"]
        return [(SCORE + each, pa.array(block[:, k])) for k, each in enumerate(names)]
    values = pa.array(np.ascontiguousarray(block).reshape(-1))
    return [(name, pa.FixedSizeListArray.from_arrays(values, block.shape[1]))]
