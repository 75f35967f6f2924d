"""Image folders made a part at a time: a kill loses one part, and the files come out the same.

settings.json        what the folder is made from
labels.csv           the kept images and their numbers; written last
images/000012.png    the kept images
parts/00000.npz      the numbers of 512 images each, kept or not
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from property_cnn.common.arrays import read_npz, write_npz
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.tasks import run_tasks
from stylegan_ft.training.image_folder import FILE, LABELS, write_images
from vectorfind.models.pair import Models
from vectorfind.runs.folder import differences, json_text, locked, read_json, writable_folder
from vectorfind.runs.record import versions
from vectorfind.sampling.sampler import SHARD

SETTINGS, IMAGES, PARTS = "settings.json", "images", "parts"
FILTERED = "filter.csv"
"""The numbers of all images, kept or not, where some are not."""
KINDS = ("filter", "faces")
"""What may have made the images; `kind` in the settings."""

_KIND = "images' numbers"
_ASIDE = ("command", "versions")  # what may differ when a folder is gone on with


@dataclass(frozen=True, eq=False)
class Part:
    """Consecutive images, of which some are kept.

    Attributes:
        values: (N, C) float32, a row an image.
        kept: (N,) bool.
        images: (K, 3, S, S) uint8, the kept ones alone.
    """

    values: np.ndarray
    kept: np.ndarray
    images: Tensor


Make = Callable[[int, int], Part]
"""Makes `count` images from number `start` on; start and count alone decide."""


@contextmanager
def claimed(
    out: str | os.PathLike, made_from: Mapping, command: str = "", overwrite: bool = False
) -> Iterator[Path]:
    """The folder, for this process alone, with what its images are made from in `settings.json`.

    Args:
        out: a new folder, or one that was begun with the same settings.
        made_from: plain values that decide all its images.
        command: kept beside them.
        overwrite: remove the images of other settings.

    Raises:
        InputError: it holds images of other settings or of another origin, or cannot be written.
    """
    folder = writable_folder(out)
    with locked(folder, "--out"):
        path = folder / SETTINGS
        used = any((folder / name).exists() for name in (SETTINGS, LABELS, IMAGES))
        if used and not _ours(folder):
            raise InputError(f"{folder} holds something else; choose another --out")
        if path.exists() and not overwrite:
            _check(folder, read_json(path), made_from)
        else:  # parts without settings are of unknown origin
            _clear(folder)
            record = {**made_from, "command": command, "versions": versions()}
            atomic_write(path, json_text(record))
        yield folder


def build_parts(
    folder: Path,
    n: int,
    make: Make,
    workers: int | None = None,
    models: Models | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Makes images 0 … n - 1, but for the parts that are there, and returns their numbers.

    Args:
        folder: one that is `claimed`.
        n: images, of which some may not be kept.
        make: makes a part.
        workers: parts at once, see `tasks.run_tasks`.
        models: the networks that `make` runs, if any.
        progress: called with the size of each finished part.

    Returns:
        (n, C) float32 and (n,) bool: the numbers, and which images are kept.
    """
    starts = range(0, n, SHARD)
    tasks = ((folder, start, min(SHARD, n - start), make) for start in starts)
    values, kept = [], []
    for rows, chosen in run_tasks(_part, tasks, workers, models):
        values.append(rows)
        kept.append(chosen)
        if progress is not None:
            progress(len(rows))
    return np.concatenate(values), np.concatenate(kept)


def write_labels(folder: Path, kept: np.ndarray, values: np.ndarray, columns: list[str]) -> None:
    """Writes `labels.csv`: the kept images' files and numbers, NaN as an empty cell."""
    numbers = np.flatnonzero(kept)
    table = pd.DataFrame(values[numbers], columns=columns)
    table.insert(0, FILE, [image_name(number) for number in numbers])
    write_table(folder / LABELS, table)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as CSV with six digits, atomically."""
    atomic_write(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def image_name(number: int) -> str:
    """Path of an image within its folder."""
    return f"{IMAGES}/{number:06d}.png"


def _part(folder: Path, start: int, count: int, make: Make) -> tuple[np.ndarray, np.ndarray]:
    path = folder / PARTS / f"{start // SHARD:05d}.npz"
    known = _stored(folder, path, start, count)
    if known is not None:
        return known
    part = make(start, count)
    (folder / IMAGES).mkdir(exist_ok=True)
    write_images(folder, _names(start, part.kept), part.images)
    write_npz(path, _KIND, {"values": part.values, "kept": part.kept}, {"start": start})
    return part.values, part.kept


def _stored(
    folder: Path, path: Path, start: int, count: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The numbers of a part that is whole, its images too; else None."""
    try:
        arrays, _ = read_npz(path, _KIND)
    except CheckpointError:
        return None
    values, kept = arrays["values"], arrays["kept"]
    if len(values) != count or len(kept) != count:
        return None
    if not all((folder / name).is_file() for name in _names(start, kept)):
        return None
    return values, kept


def _names(start: int, kept: np.ndarray) -> list[str]:
    return [image_name(start + row) for row in np.flatnonzero(kept)]


def _check(folder: Path, known: Mapping, made_from: Mapping) -> None:
    known = {key: value for key, value in known.items() if key not in _ASIDE}
    differing = differences(known, made_from)
    if differing:
        raise InputError(
            f"{folder} holds images of other settings ({'; '.join(differing)}); "
            "choose another --out, or give --overwrite"
        )


def _ours(folder: Path) -> bool:
    """Whether images were made in the folder, or begun to be."""
    path = folder / SETTINGS
    if (folder / PARTS).is_dir():
        return True
    return path.exists() and read_json(path).get("kind") in KINDS


def _clear(folder: Path) -> None:
    for pattern in (f"{PARTS}/*.npz", f"{IMAGES}/*.png", LABELS, FILTERED, SETTINGS):
        for old in folder.glob(pattern):
            old.unlink()
