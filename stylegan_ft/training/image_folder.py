"""Folders of labelled images: `labels.csv` with a `file` column and numbers, and the images."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from property_cnn.common.checks import shown
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import is_file, reading
from property_cnn.common.progress import size_text
from property_cnn.pictures import read_image

LABELS = "labels.csv"
FILE = "file"
"""First column: the path of an image, relative to the folder."""

_LARGEST = 2**30  # bytes of a table
_SHOWN = 20  # damaged images that an error names
_THREADS = min(4, os.cpu_count() or 1)  # PIL decodes outside Python's lock


def read_labels(folder: str | os.PathLike) -> pd.DataFrame:
    """The table of an image folder: `file`, then numbers; an empty cell is NaN.

    Raises:
        CheckpointError: there is no `labels.csv`, or it is no table.
        InputError: it names no files, one twice or one outside the folder, or a column holds text.
    """
    path = Path(folder) / LABELS
    if not is_file(path):
        raise CheckpointError(f"no file {path}; give a folder of images with a {LABELS}")
    _check_cells(path)
    try:
        table = pd.read_csv(path, dtype={FILE: str})
    except (ValueError, OverflowError) as error:  # pandas' and Unicode's own are ValueErrors
        raise CheckpointError(f"{path} is no table ({str(error)[:80]})") from error
    if not len(table.columns) or table.columns[0] != FILE or not len(table):
        raise InputError(f"{path}: the first column is {FILE!r}, with a row an image")
    files = table[FILE]
    if files.isna().any():
        raise InputError(f"{path}: row {int(files.isna().argmax()) + 2} names no file")
    if files.duplicated().any():
        raise InputError(f"{path} lists {shown(files[files.duplicated()].iloc[0])} twice")
    for name in files:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise InputError(f"{path}: {shown(name)} is outside the folder; give paths within it")
    for name in table.columns[1:]:
        if not pd.api.types.is_numeric_dtype(table[name]) or table[name].dtype == bool:
            cell = _first_odd(table[name])
            raise InputError(
                f"{path}: {shown(name)} holds {shown(cell)}; give numbers, or leave cells empty"
            )
    return table


def _first_odd(column: pd.Series) -> object:
    """The first cell of a column that is no number."""
    for cell in column.dropna():
        try:
            float(cell)
        except (ValueError, OverflowError):
            return cell
    return column.iloc[0]


def _check_cells(path: Path) -> None:
    """Raises InputError where a row has other cells than the header, or a column stands twice."""
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path} is larger than {size_text(_LARGEST)}; give a smaller table")
    try:
        with reading(path), open(path, newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            for row in lines:
                if row and len(row) != len(header):
                    raise InputError(
                        f"{path}: line {lines.line_num} has {len(row)} cells, the header "
                        f"{len(header)}; give each row as many"
                    )
    except (csv.Error, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is no table ({str(error)[:80]})") from error
    if len(set(header)) < len(header):
        raise InputError(f"{path}: a column stands twice in {shown(header)}; name each once")


def load_images(folder: str | os.PathLike, files: Sequence[str], size: int) -> Tensor:
    """(N, 3, size, size) uint8 RGB of image files, each resized by area to the size.

    Args:
        folder: what the files' paths are relative to.
        files: see `property_cnn.pictures.read_image`.
        size: side in pixels.

    Raises:
        InputError: images are missing or damaged; names each.
    """
    images = torch.empty((len(files), 3, size, size), dtype=torch.uint8)
    pixels = images.numpy()

    def fill(index: int) -> str:
        try:
            pixels[index] = _read(Path(folder) / files[index], size).transpose(2, 0, 1)
        except InputError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(_THREADS) as threads:
        problems = [text for text in threads.map(fill, range(len(files))) if text]
    if problems:
        listed = "; ".join(problems[:_SHOWN]) + ("; …" if len(problems) > _SHOWN else "")
        raise InputError(
            f"{len(problems)} of {len(files)} images could not be read: {listed}; mend them, or "
            f"take their rows out of {LABELS}"
        )
    return images


def _read(path: Path, size: int) -> np.ndarray:
    """(size, size, 3) uint8."""
    pixels = read_image(path)
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BOX))
