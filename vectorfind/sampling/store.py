"""A store of samples: shards in a folder, checked by checksums, filled once and reused.

    manifest.json            which networks, seed and precision
    checksums/00000.json     the checksum of each file of the first 512 samples
    scores/00000.npy         (512, A) float32; likewise z/, label/ and one folder a layer
    groups_160000.npz        group of each of the first 160,000 samples, by their scores

It is a `property_cnn.common.shards.store`: filled in any order, by any process, gone on with after
a kill, grown in samples and layers; the files are the same whichever way they came.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.arrays import npz_bytes
from property_cnn.common.errors import FileError, InputError
from property_cnn.common.progress import Progress
from property_cnn.common.shards.lists import CHECKSUMS, MANIFEST
from property_cnn.common.shards.rows import Rows
from property_cnn.common.shards.store import ShardStore, made_from_same, open_store, write_shared
from property_cnn.common.tasks import run_tasks
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models, check_readable
from vectorfind.models.protocols import digest_of
from vectorfind.sampling.groups import group_names
from vectorfind.sampling.sampler import SHARD, make_shard, map_shard
from vectorfind.sampling.store_files import BASE, FORMAT, GROWN, LABELS, LATENTS, SCORES

if TYPE_CHECKING:
    from property_cnn.common.shards.places import StorePath


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples in a folder or at a URL; only their scores are held in memory.

    Attributes:
        folder: the store's.
        scores: (n, A) of the images; rows of NaN where one could not be read.
        properties: A names of the scores.
        readable: (n,) bool, False where the scores are NaN.
        layers: layer -> size of its vectors.
    """

    folder: StorePath
    scores: np.ndarray
    properties: tuple[str, ...]
    readable: np.ndarray
    layers: dict[str, int]
    _rows: dict[str, Rows] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.scores)

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """Vectors (len(rows), d) at a layer, of the given samples in their order."""
        return self.rows(array_name(layer))[rows]

    def rows(self, name: str) -> Rows:
        """The samples' rows of an array of the store: `z`, `label`, or `array_name` of a layer."""
        if name not in self._rows:
            self._rows[name] = Rows(self.folder, name, len(self), SHARD)
        return self._rows[name]

    def write_groups(self, group_by: Sequence[str], cuts: np.ndarray) -> None:
        """Leaves the samples' groups in the folder, with the cuts that they follow from."""
        columns = [self.properties.index(name) for name in group_by]
        arrays = {"group": group_names(self.scores[:, columns], cuts), "cuts": cuts}
        data = npz_bytes("vectorfind groups", arrays, {"group_by": list(group_by)})
        try:
            write_shared(self.folder, f"groups_{len(self)}.npz", data)
        except FileError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise  # else a store that can be read only: they follow from its scores

    def head(self, n: int) -> StoredSamples:
        """The first n of the samples.

        Raises:
            ScorerError: more than half of these are unreadable.
        """
        check_readable(self.readable[:n], "samples")
        return StoredSamples(
            self.folder, self.scores[:n], self.properties, self.readable[:n], self.layers
        )


def fill_store(  # noqa: PLR0913, its keywords are the interface
    folder: str | os.PathLike | StorePath,
    models: Models,
    n: int,
    seed: int = 0,
    layers: tuple[str, ...] | None = None,
    batch_size: int = FindSettings.batch_size,
    workers: int | None = None,
    quiet: bool = True,
    fresh: bool = False,
) -> StoredSamples:
    """The first n samples from a store, after what it lacks was made.

    Every file that is used again is first checked against its checksum.

    Args:
        folder: the store's, or a URL such as s3://bucket/samples; made if there is none.
        models: generator and scorer, which must be those of the store.
        n: number of samples; whole shards of 512 are made of them.
        seed: the latents are fixed by it.
        layers: the layers to keep vectors of; None for all.
        batch_size: images a batch; it changes nothing but rounding.
        workers: shards at once, see `tasks.run_tasks`.
        quiet: tell no progress.
        fresh: drop what the store holds (needed for networks without a digest).

    Raises:
        InputError: the store is of other networks or of another seed or precision, in use by
            another process, or nothing can be written there.
        ScorerError: wrong shape, infinities, or more than half of the images unreadable.
    """
    kept = tuple(models.generator.layers) if layers is None else tuple(layers)
    identity = _identity(models, seed)
    nameless = not (identity["generator"] and identity["scorer"])
    existing = "drop" if fresh else "keep"
    with open_store(folder, identity, SHARD, existing, GROWN, option="--store") as store:
        if nameless and store.shards:
            raise InputError(
                f"{folder} holds samples, and networks without a digest cannot be told from those "
                "that made them; give them a digest, or choose another --store"
            )
        progress = Progress("sampling", n, "images", quiet)
        run = partial(run_tasks, workers=workers, models=models)
        make = partial(_make, models, seed, kept, batch_size)
        progress.foresee(*_missing(store, models, n, kept), store.place.folder)
        store.fill(n, [*BASE, *map(array_name, kept)], make, run, progress, whole=True)
        scores = store.rows(SCORES, n).whole()
    readable = ~np.isnan(scores).any(axis=1)
    check_readable(readable, "samples")
    sizes = {name: models.generator.layers[name] for name in kept}
    return StoredSamples(store.place.folder, scores, models.scored, readable, sizes)


def holds_samples(folder: StorePath, models: Models, seed: int) -> bool:
    """Whether a store there is one of these networks and seed, which `fill_store` goes on with."""
    identity = _identity(models, seed)
    named = bool(identity["generator"] and identity["scorer"])
    return named and made_from_same(folder, identity, GROWN)


def array_name(layer: str) -> str:
    """Under which a layer's vectors are kept, apart from what else lies in a store."""
    return f"layer_{layer}" if layer in (*BASE, CHECKSUMS, MANIFEST) else layer


def _missing(store: ShardStore, models: Models, n: int, layers: Sequence[str]) -> tuple[int, int]:
    """How many of the first n images the store lacks, and the bytes of all that it lacks."""
    generator, rows = models.generator, range(0, n, SHARD)
    widths = {LATENTS: generator.z_dim, LABELS: generator.label_dim, SCORES: len(models.scored)}
    widths |= {array_name(layer): generator.layers[layer] for layer in layers}
    held = [getattr(store.shards.get(index), "arrays", {}) for index in range(len(rows))]
    size = sum(SHARD * 4 * widths[name] for arrays in held for name in widths.keys() - arrays)
    return sum(min(SHARD, n - s) for s, arrays in zip(rows, held, strict=True) if not arrays), size


def _make(
    models: Models,
    seed: int,
    layers: tuple[str, ...],
    batch_size: int,
    start: int,
    count: int,
    names: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """A shard by the names of its arrays, or only its vectors, without images."""
    index = start // SHARD
    if set(BASE) & set(names):
        shard = make_shard(models, seed, index, layers, batch_size)
        arrays = {LATENTS: shard.z, LABELS: shard.label, SCORES: shard.scores}
        latents = shard.latents
    else:
        wanted = tuple(layer for layer in layers if array_name(layer) in names)
        arrays, latents = {}, map_shard(models, seed, index, wanted)[2]
    return arrays | {array_name(layer): vectors for layer, vectors in latents.items()}


def _identity(models: Models, seed: int) -> dict:
    generator = models.generator
    return {
        "format": FORMAT,
        "generator": digest_of(generator),
        "scorer": digest_of(models.scorer),
        "seed": seed,
        "precision": models.dtype,
        "dtype": "float32",
        "shard_rows": SHARD,
        "z_dim": generator.z_dim,
        "label_dim": generator.label_dim,
        "layers": dict(generator.layers),
        "properties": list(models.scored),
    }
