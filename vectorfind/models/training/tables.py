"""Scores that someone else gave a generator's images: a CSV, a row an image.

The first column, `image`, has the names of the files of `vectorfind scorer images` (000012.png), or
their numbers; each of the others is a property. An empty cell, or NaN, is an image that could not
be read. Rows may be missing, and stand in any order.
"""

from __future__ import annotations

import csv
import math
import os
import re
from pathlib import Path

import numpy as np

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError
from property_cnn.common.files import reading

NAME = "image"
"""Of the first column."""


def image_name(index: int) -> str:
    """The file of an image, by its number."""
    return f"{index:06d}.png"


def read_scores(
    path: str | os.PathLike, n: int | None = None
) -> tuple[tuple[str, ...], np.ndarray]:
    """The properties of a table, and (n, P) float32 scores; NaN where it has none.

    Args:
        path: of the CSV.
        n: number of images; None for as many as the table names.

    Raises:
        InputError: it is no such table; names the line.
        FileError: it cannot be read.
    """
    path = Path(path)
    with reading(path), open(path, encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(csv.reader(file))
        except (csv.Error, UnicodeDecodeError) as error:
            raise InputError(f"{path} is no CSV ({error})") from error
    head = [cell.strip() for cell in rows[0]] if rows else []
    if len(head) < 2 or head[0] != NAME:
        raise InputError(
            f"{path} begins with {','.join(head)[:80] or 'nothing'}; its first line must be "
            f"{NAME},PROPERTY,… (see vectorfind scorer images)"
        )
    properties = tuple(head[1:])
    check_names(f"column of {path}", properties, [name for name in properties if name])
    found: dict[int, list[float]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if row:
            index, scores = _row(row, properties, f"{path}, line {line}")
            if index in found:
                raise InputError(f"{path}, line {line}: image {index} stands twice; give it once")
            found[index] = scores
    if not found:
        raise InputError(f"{path} has no scores; give a row an image")
    largest = max(found)
    if n is not None and largest >= n:
        raise InputError(
            f"{path} names image {largest}, and there are {n} from 0 to {n - 1}; "
            f"give -n {largest + 1}"
        )
    table = np.full((largest + 1 if n is None else n, len(properties)), np.nan, np.float32)
    table[list(found)] = list(found.values())
    table[np.isnan(table).any(axis=1)] = np.nan
    return properties, table


def _row(row: list[str], properties: tuple[str, ...], where: str) -> tuple[int, list[float]]:
    match = re.fullmatch(r"(?:.*[/\\])?(\d{1,9})(?:\.\w+)?", row[0].strip(), re.ASCII)
    if match is None:
        raise InputError(f"{where}: {row[0][:40]!r} is no image; give {image_name(12)} or 12")
    if len(row) != len(properties) + 1:
        raise InputError(f"{where}: {len(row) - 1} scores; need {len(properties)}")
    scores = []
    for name, cell in zip(properties, row[1:], strict=True):
        try:
            value = float(cell) if cell.strip() else math.nan
        except ValueError:
            value = math.inf
        if math.isinf(value):
            raise InputError(f"{where}: {name} is {cell[:40]!r}; give a finite number, or nothing")
        scores.append(value)
    return int(match[1]), scores
