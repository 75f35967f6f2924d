"""The scores of all edits of all cases: in blocks, run together, kept in a folder if one is given.

A block's file is named after all that goes into it, so that no block of another test is ever
taken for one of this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError
from property_cnn.common.tasks import run_tasks
from vectorfind.directions.edits import grid_scores
from vectorfind.models.pair import Models
from vectorfind.models.protocols import digest_of

CASE_BLOCK = 16
"""Cases a block."""

KIND = "vectorfind case scores"

_ARRAY = "values"


def case_scores(
    models: Models,
    latents: np.ndarray,
    vectors: np.ndarray,
    grid: np.ndarray,
    layer: str,
    batch_size: int,
    workers: int | None = None,
    folder: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Scores (C, S, A) of every case moved by every row of a grid.

    Args:
        models: generator and scorer.
        latents: (C, d) vectors of the cases at `layer`.
        vectors: (C, P, d) directions of each.
        grid: (S, P) strengths.
        layer: where the edited vectors re-enter.
        batch_size: images a batch, rounded to whole cases.
        workers: blocks at once, see `tasks.run_tasks`.
        folder: where finished blocks are kept and looked for; None for nowhere. Networks
            without a digest are never looked for.
        progress: called with the number of images done since the last call.
    """
    blocks = [slice(start, start + CASE_BLOCK) for start in range(0, len(latents), CASE_BLOCK)]
    known = all(digest_of(net) for net in (models.generator, models.scorer))
    tasks = [
        (models, latents[rows], vectors[rows], grid, layer, batch_size, folder if known else None)
        for rows in blocks
    ]
    scores = np.empty((len(latents), len(grid), len(models.scored)), np.float32)
    results = run_tasks(block_scores, tasks, workers, models)
    for rows, result in zip(blocks, results, strict=True):
        scores[rows] = result
        if progress is not None:
            progress(result.shape[0] * result.shape[1])
    return scores


def block_scores(
    models: Models,
    latents: np.ndarray,
    vectors: np.ndarray,
    grid: np.ndarray,
    layer: str,
    batch_size: int,
    folder: Path | None = None,
) -> np.ndarray:
    """The scores of one block: from its file, or made and written there."""

    def make() -> np.ndarray:
        return grid_scores(models, latents, vectors, grid, layer, batch_size)

    digests = (digest_of(models.generator), digest_of(models.scorer), models.dtype)
    return kept_block(folder, KIND, (*digests, latents, vectors, grid, layer, batch_size), make)


def kept_block(
    folder: Path | None, kind: str, inputs: Sequence[object], make: Callable[[], np.ndarray]
) -> np.ndarray:
    """The array that `make` gives for these inputs: from its file in the folder, or made anew.

    Args:
        folder: where it is kept; None for nowhere.
        kind: of the file.
        inputs: all that the array depends on, arrays and plain values.
        make: called where no sound file is there.
    """
    if folder is None:
        return make()
    path = folder / f"{_key(kind, *inputs)}.npz"
    if path.exists():
        try:
            return read_npz(path, kind)[0][_ARRAY]
        except (CheckpointError, KeyError):
            pass  # damaged: made again
    values = make()
    write_npz(path, kind, {_ARRAY: values}, {})
    return values


def _key(*inputs: object) -> str:
    digest = hashlib.sha256()
    for value in inputs:
        is_array = isinstance(value, np.ndarray)
        digest.update(f"|{value.shape}".encode() if is_array else f"|{value}".encode())
        digest.update(np.ascontiguousarray(value).data if is_array else b"")
    return digest.hexdigest()[:24]
