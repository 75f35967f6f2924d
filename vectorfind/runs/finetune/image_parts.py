"""Image folders made a part at a time: a kill loses one part, and the files come out the same.

settings.json        what the folder is made from
labels.csv           the kept images and their numbers; written last
images/000012.png    the kept images
numbers/             the numbers of 512 images a shard, kept or not, and all files' checksums
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.progress import Progress
from property_cnn.common.shards.lists import CHECKSUMS, store_files
from property_cnn.common.shards.store import Made, open_store
from property_cnn.common.tasks import run_tasks
from property_cnn.jobs.folder import Claim, open_folder
from property_cnn.pictures import encoded
from stylegan_ft.training.image_folder import FILE, LABELS
from vectorfind.models.pair import Models
from vectorfind.runs.describe import versions
from vectorfind.sampling.sampler import SHARD

SETTINGS, IMAGES, NUMBERS = "settings.json", "images", "numbers"
FILTERED = "filter.csv"
"""The numbers of all images, kept or not, where some are not."""
VALUES, CHOSEN = "values", "kept"
"""Names of the arrays: the numbers, and which images are kept."""

_PNG_SHARE = 0.5  # bytes of a PNG of a face, of those of its pixels

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
    """The folder to write in, for this process alone, with what its images are made from in
    `settings.json`.

    Args:
        out: a new folder, or one that was begun with the same settings.
        made_from: plain values that decide all its images.
        command: kept beside them.
        overwrite: replace what is there, when all is made.

    Raises:
        InputError: it holds images of other settings or of another origin, or cannot be written.
    """
    record = {**made_from, "command": command, "versions": versions()}
    claim = Claim(SETTINGS, record, _decides, (LABELS, FILTERED), (NUMBERS,))
    with open_folder(out, claim, overwrite) as work:
        listed = store_files(Path(out) / NUMBERS, Path(out))
        for path in sorted((Path(out) / IMAGES).glob("[0-9]*.png")):
            if path not in listed:
                raise InputError(f"{path} is not of this job; move it, or choose another --out")
        yield work.folder
        work.finish()


def build_parts(
    folder: Path,
    made_from: Mapping,
    n: int,
    make: Make,
    progress: Progress,
    workers: int | None = None,
    models: Models | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Makes images 0 … n - 1, but for the parts that are there, and returns their numbers.

    Args:
        folder: one that is `claimed`.
        made_from: what it was claimed for.
        n: images, of which some may not be kept.
        make: makes a part.
        progress: told of finished images.
        workers: parts at once, see `tasks.run_tasks`.
        models: the networks that `make` runs, if any.

    Returns:
        (n, C) float32 and (n,) bool: the numbers, and which images are kept.
    """
    identity = {"format": "numbers of images", **made_from}
    run = partial(run_tasks, workers=workers, models=models)
    with open_store(folder / NUMBERS, identity, SHARD, "replace", beside=folder) as store:
        store.fill(n, (VALUES, CHOSEN), partial(_shard, make), run, progress)
        return store.rows(VALUES, n).whole(), store.rows(CHOSEN, n).whole()


def images_missing(folder: Path, n: int, side: int) -> tuple[int, int]:
    """How many of n images are to be made yet, and the bytes that as many pictures take about."""
    parts = (folder / NUMBERS / CHECKSUMS).glob("*.json")
    missing = max(n - SHARD * sum(1 for _ in parts), 0)
    return missing, int(missing * 3 * side**2 * _PNG_SHARE)


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


def _shard(make: Make, start: int, count: int, names: tuple[str, ...]) -> Made:
    """A part's arrays and its images' files."""
    part = make(start, count)
    files = [image_name(start + row) for row in np.flatnonzero(part.kept)]
    pixels = part.images.permute(0, 2, 3, 1).cpu().numpy()
    images = {
        name: encoded(picture, quick=True) for name, picture in zip(files, pixels, strict=True)
    }
    return {VALUES: part.values, CHOSEN: part.kept, **images}


def _decides(settings: Mapping) -> dict:
    return {key: value for key, value in settings.items() if key not in _ASIDE}
