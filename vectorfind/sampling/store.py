"""A store of samples: shards in a folder, told whole by checksums, filled once and reused.

    manifest.json            which networks, seed and precision; the checksum of every file
    scores/00000.npy         (512, A) float32; likewise z/, label/ and one folder a layer
    groups_160000.npz        group of each of the first 160,000 samples, by their scores

A shard depends on the seed and its index alone, so a store can be filled in any order, by any
process, go on after a kill, and grow; the files are the same whichever way they came.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import write_npz
from property_cnn.common.files import atomic_path, file_digest
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import run_tasks
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models, check_readable
from vectorfind.runs.folder import locked, writable_folder
from vectorfind.sampling.groups import group_names
from vectorfind.sampling.manifest import (
    BASE,
    LABELS,
    LATENTS,
    SCORES,
    Manifest,
    array_name,
    open_manifest,
    shard_path,
)
from vectorfind.sampling.sampler import SHARD, make_shard, map_shard, shard_count


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """Samples in a folder; only their scores are held in memory.

    Attributes:
        folder: the store's.
        scores: (n, A) of the images; rows of NaN where one could not be read.
        properties: A names of the scores.
        readable: (n,) bool, False where the scores are NaN.
        layers: layer -> size of its vectors.
    """

    folder: Path
    scores: np.ndarray
    properties: tuple[str, ...]
    readable: np.ndarray
    layers: dict[str, int]

    def __len__(self) -> int:
        return len(self.scores)

    def vectors(self, layer: str, rows: np.ndarray) -> np.ndarray:
        """Vectors (len(rows), d) at a layer, of the given samples in their order."""
        rows = np.asarray(rows)
        found = np.empty((len(rows), self.layers[layer]), np.float32)
        order = np.argsort(rows, kind="stable")
        shards, starts = np.unique(rows[order] // SHARD, return_index=True)
        for index, places in zip(shards, np.split(order, starts[1:]), strict=True):
            # A map that is dropped here never adds up to more than one shard in memory.
            path = shard_path(self.folder, array_name(layer), index)
            array = np.load(path, "r", allow_pickle=False)
            found[places] = array[rows[places] - index * SHARD]
        return found

    def write_groups(self, group_by: Sequence[str], cuts: np.ndarray) -> None:
        """Leaves the samples' groups in the folder, with the cuts that they follow from."""
        columns = [self.properties.index(name) for name in group_by]
        arrays = {"group": group_names(self.scores[:, columns], cuts), "cuts": cuts}
        path = self.folder / f"groups_{len(self)}.npz"
        write_npz(path, "vectorfind groups", arrays, {"group_by": list(group_by)})

    def head(self, n: int) -> StoredSamples:
        """The first n of the samples.

        Raises:
            ScorerError: more than half of these are unreadable.
        """
        check_readable(self.readable[:n], "samples")
        return StoredSamples(
            self.folder, self.scores[:n], self.properties, self.readable[:n], self.layers
        )


def fill_store(
    folder: str | os.PathLike,
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
        folder: the store's; made if there is none.
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
    folder = writable_folder(folder)
    kept = tuple(models.generator.layers) if layers is None else tuple(layers)
    with locked(folder, "--store"):
        manifest = open_manifest(folder, models, seed, fresh)
        _fill(folder, manifest, models, seed, n, kept, batch_size, workers, quiet)
    shards = range(shard_count(n))
    scores = np.concatenate([_load(folder, SCORES, index) for index in shards])[:n]
    readable = ~np.isnan(scores).any(axis=1)
    check_readable(readable, "samples")
    sizes = {name: models.generator.layers[name] for name in kept}
    return StoredSamples(folder, scores, models.scored, readable, sizes)


def write_shard(
    folder: Path,
    models: Models,
    seed: int,
    index: int,
    layers: tuple[str, ...],
    images: bool,
    batch_size: int,
) -> dict[str, str]:
    """Makes and writes a shard, or only its vectors; the checksum of each file by array name."""
    if images:
        shard = make_shard(models, seed, index, layers, batch_size)
        arrays = {LATENTS: shard.z, LABELS: shard.label, SCORES: shard.scores}
        latents = shard.latents
    else:
        arrays, latents = {}, map_shard(models, seed, index, layers)[2]
    arrays |= {array_name(layer): vectors for layer, vectors in latents.items()}
    return {name: write_array(shard_path(folder, name, index), a) for name, a in arrays.items()}


def write_array(path: Path, array: np.ndarray) -> str:
    """Writes an .npy file atomically; returns its checksum."""
    with atomic_path(path) as temporary:
        with open(temporary, "wb") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
        return file_digest(temporary)


def _fill(
    folder: Path,
    manifest: Manifest,
    models: Models,
    seed: int,
    n: int,
    layers: tuple[str, ...],
    batch_size: int,
    workers: int | None,
    quiet: bool,
) -> None:
    """Makes every shard, or part of one, that is missing or not what its checksum says."""
    progress = Progress("sampling", n, "images", quiet)
    names = [*BASE, *map(array_name, layers)]
    lacking = manifest.lacking(names, range(shard_count(n)), workers)
    for name, index in lacking.damaged:
        progress.note(f"{shard_path(folder, name, index)} is damaged; making it again")
    whole = [index for index in range(shard_count(n)) if index not in lacking.names]
    progress.skip(sum(_used(index, n) for index in whole))
    tasks = []
    for index, missing in lacking.names.items():
        images = any(name in BASE for name in missing)
        made = layers if images else tuple(name for name in layers if array_name(name) in missing)
        tasks.append((folder, models, seed, index, made, images, batch_size))
    written = run_tasks(write_shard, tasks, workers, models)
    for index, digests in zip(lacking.names, written, strict=True):
        manifest.add(index, digests)
        progress.advance(_used(index, n))
    manifest.save()


def _used(index: int, n: int) -> int:
    return min(SHARD, n - index * SHARD)


def _load(folder: Path, name: str, index: int) -> np.ndarray:
    return np.load(shard_path(folder, name, index), allow_pickle=False)
