"""The manifest of a store of samples: what it is made from, and the checksum of every file."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.tasks import run_tasks
from vectorfind.models.pair import Models
from vectorfind.models.protocols import digest_of
from vectorfind.runs.folder import differences, json_text, read_json
from vectorfind.sampling.sampler import SHARD

LATENTS, LABELS, SCORES = "z", "label", "scores"
BASE = (LATENTS, LABELS, SCORES)
MANIFEST = "manifest.json"
VERSION = 1
EVERY = 2.0
"""Seconds between two writings while a store is filled; a kill loses the shards since the last."""


@dataclass(frozen=True)
class Lacking:
    """What must be made: shard -> names of its arrays, and which of those were damaged."""

    names: Mapping[int, tuple[str, ...]]
    damaged: tuple[tuple[str, int], ...]


class Manifest:
    """The manifest of one folder, kept in memory and written from time to time.

    Args:
        folder: the store's.
        identity: what all its files are made from.
        shards: index as text -> array's name -> checksum of its file.
    """

    def __init__(self, folder: Path, identity: Mapping, shards: dict[str, dict[str, str]]):
        self.folder, self.identity, self.shards = folder, identity, shards
        self._written = 0.0

    def lacking(self, names: Iterable[str], indices: Iterable[int], workers: int | None) -> Lacking:
        """Which arrays of which shards are missing, or are not what their checksums say."""
        files = [(name, index) for index in indices for name in names]
        known = [(name, index) for name, index in files if self._digest(name, index)]
        tasks = [(shard_path(self.folder, name, index),) for name, index in known]
        digests = dict(zip(known, run_tasks(digest_if_there, tasks, workers), strict=True))
        wanted = {key: self._digest(*key) for key in known}
        damaged = tuple(key for key in known if digests[key] != wanted[key])
        missing: dict[int, list[str]] = {}
        for key in files:
            if key in damaged or key not in wanted:
                missing.setdefault(key[1], []).append(key[0])
        return Lacking({index: tuple(which) for index, which in missing.items()}, damaged)

    def add(self, index: int, digests: Mapping[str, str]) -> None:
        """Notes the files of a shard; what is noted is on disk within two seconds' work."""
        key = f"{index:05d}"
        self.shards[key] = {**self.shards.get(key, {}), **digests}
        if time.monotonic() - self._written > EVERY:
            self.save()

    def save(self) -> None:
        """Writes the manifest."""
        order = {key: dict(sorted(self.shards[key].items())) for key in sorted(self.shards)}
        atomic_write(self.folder / MANIFEST, json_text({**self.identity, "shards": order}))
        self._written = time.monotonic()

    def _digest(self, name: str, index: int) -> str | None:
        return self.shards.get(f"{index:05d}", {}).get(name)


def open_manifest(folder: Path, models: Models, seed: int, fresh: bool = False) -> Manifest:
    """The folder's manifest, or a new one; a manifest that cannot be read counts as none.

    Args:
        folder: the store's.
        models, seed: what its samples must be made from.
        fresh: drop what it holds.

    Raises:
        InputError: it holds samples of other networks, or of another seed or precision, or the
            networks have no digest to tell.
    """
    identity = _identity(models, seed)
    own = [array_name(layer) for layer in identity["layers"]]
    path = folder / MANIFEST
    try:
        there = read_json(path) if path.exists() and not fresh else {}
    except InputError:
        there = {}
    shards = there.pop("shards", {})
    if there:
        if not (identity["generator"] and identity["scorer"]):
            raise InputError(
                f"{folder} holds samples, and networks without a digest cannot be told from those "
                "that made them; give them a digest, or choose another --store"
            )
        # Other layers may be on offer from one time to the next; those there were, it keeps.
        known, now = dict(there.get("layers", {})), identity["layers"]
        identity["layers"] = known | now
        differing = differences(there | {"layers": now | known}, identity)
        if differing:
            raise InputError(
                f"{folder} holds other samples ({'; '.join(differing)}); choose another --store"
            )
    else:
        for name in (*BASE, *own):
            shutil.rmtree(folder / name, ignore_errors=True)
        path.unlink(missing_ok=True)
    return Manifest(folder, identity, shards if isinstance(shards, dict) else {})


def array_name(layer: str) -> str:
    """Under which a layer's vectors are kept, apart from latents, labels and scores."""
    return f"layer_{layer}" if layer in BASE else layer


def shard_path(folder: Path, name: str, index: int) -> Path:
    """Where one array of one shard lies."""
    return folder / name / f"{index:05d}.npy"


def digest_if_there(path: Path) -> str:
    """The file's checksum; "" where there is none."""
    return file_digest(path) if path.is_file() else ""


def _identity(models: Models, seed: int) -> dict:
    generator = models.generator
    return {
        "format": "vectorfind samples",
        "version": VERSION,
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
