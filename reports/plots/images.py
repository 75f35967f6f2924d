"""Pictures of edits: strips over one property, and the whole grid of a case, both labelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from reports.plots.style import DPI, INK, MUTED, new_figure, styled
from reports.text import signed

_GAP = 4  # pixels between two images
_ROW_LABELS, _HEAD, _FOOT = 84, 84, 8  # pixels around a strip
_SIDE, _BELOW = 86, 66  # pixels for the grid's axis labels
_MOVE = "{low} ← {name} → {high}"


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Images (..., 3, H, W) in [-1, 1] as 8-bit RGB (..., H, W, 3); values outside are clipped."""
    levels = (np.clip(np.asarray(images, dtype=np.float32), -1, 1) + 1) * 127.5
    return np.moveaxis(np.rint(levels).astype(np.uint8), -3, -1)


def tile(images: np.ndarray, cell: int | None = None) -> np.ndarray:
    """Images (rows, columns, 3, H, W) in [-1, 1] on one white sheet (height, width, 3), 8-bit.

    Each becomes `cell` pixels wide (by default at least 128 and at most 256), resized by Lanczos.
    """
    pixels = to_pixels(images)
    rows, columns, height, width, _ = pixels.shape
    cell = cell or min(max(width, 128), 256)
    tall = round(cell * height / width)
    sheet = np.full(
        (rows * (tall + _GAP) - _GAP, columns * (cell + _GAP) - _GAP, 3), 255, dtype=np.uint8
    )
    for row, column in np.ndindex(rows, columns):
        image = Image.fromarray(pixels[row, column])
        if image.size != (cell, tall):
            image = image.resize((cell, tall), Image.Resampling.LANCZOS)
        top, left = row * (tall + _GAP), column * (cell + _GAP)
        sheet[top : top + tall, left : left + cell] = np.asarray(image)
    return sheet


@styled
def image_strip(
    images: np.ndarray,
    strengths: Sequence[float],
    name: str,
    ends: tuple[str, str] = ("less", "more"),
    rows: Sequence[str] | None = None,
) -> Figure:
    """A few cases while one property's strength rises from left to right.

    Args:
        images: (rows, columns, 3, H, W) in [-1, 1].
        strengths: one a column.
        name: the property.
        ends: words for what little and much of it look like, e.g. ("closed", "open").
        rows: a label a row; "case 0", "case 1", … if not given.
    """
    sheet = tile(images)
    count, columns = images.shape[:2]
    rows = rows if rows is not None else [f"case {row}" for row in range(count)]
    figure, (left, top) = _framed(sheet, _ROW_LABELS, _HEAD, 0, _FOOT)
    _text(figure, left, 26, f"{name}: {ends[0]} ← → {ends[1]}", 17, ha="left", weight="bold")
    step = (sheet.shape[1] + _GAP) / columns
    for column, strength in enumerate(strengths):
        x = left + (column + 0.5) * step - _GAP / 2
        plain = abs(strength) < 1e-9
        label = "unedited" if plain else _number(strength)
        _text(figure, x, top - 17, label, 13, color=INK if plain else MUTED)
    step = (sheet.shape[0] + _GAP) / count
    for row, label in enumerate(rows):
        _text(figure, left - 10, top + (row + 0.5) * step, label, 11.5, ha="right", color=MUTED)
    return figure


@styled
def labelled_row(images: np.ndarray, labels: Sequence[str]) -> Figure:
    """Some images beside each other, each under its label.

    Args:
        images: (N, 3, H, W) in [-1, 1].
        labels: N.
    """
    sheet = tile(np.asarray(images)[None])
    figure, (left, top) = _framed(sheet, 0, _HEAD // 2, 0, 0)
    step = (sheet.shape[1] + _GAP) / len(labels)
    for column, label in enumerate(labels):
        x = left + (column + 0.5) * step - _GAP / 2
        _text(figure, x, top / 2, label, 13, color=INK)
    return figure


@styled
def extremes_sheet(
    images: np.ndarray,
    properties: Sequence[str],
    ends: Sequence[tuple[str, str]],
    rows: Sequence[str] = (),
) -> Figure:
    """A few faces unedited, and beside them with less and with more of each property.

    Args:
        images: (rows, 1 + 2 P, 3, H, W) in [-1, 1]: unedited, then two of each property.
        properties: the P names.
        ends: for each, words for little and much of it.
        rows: a label a row, if given.

    Raises:
        ValueError: there are not 1 + 2 P columns.
    """
    columns = 1 + 2 * len(properties)
    if images.shape[1] != columns:
        raise ValueError(f"{images.shape[1]} columns; {len(properties)} properties have {columns}")
    sheet = tile(images)
    figure, (left, top) = _framed(sheet, _ROW_LABELS if rows else 0, _HEAD, 0, 0)
    tall = (sheet.shape[0] + _GAP) / len(images)
    for row, label in enumerate(rows):
        _text(figure, left - 10, top + (row + 0.5) * tall, label, 11.5, ha="right", color=MUTED)
    step = (sheet.shape[1] + _GAP) / columns
    labels = ["unedited", *(word for both in ends for word in both)]
    for column, label in enumerate(labels):
        x = left + (column + 0.5) * step - _GAP / 2
        _text(figure, x, top - 17, label, 14, color=MUTED if column else INK)
    for place, name in enumerate(properties):
        x = left + (2 * place + 2) * step - _GAP / 2
        _text(figure, x, 26, name, 17, weight="bold")
    return figure


@styled
def case_grid(
    images: np.ndarray,
    strengths: np.ndarray,
    properties: Sequence[str],
    ends: Sequence[tuple[str, str]],
    stacked: bool = False,
) -> Figure:
    """All images of one case: a block for each strength of the first of three properties, the
    second down a block's side, the third along its bottom (2 × 5 × 5 in the standard grid).

    Args:
        images: (S, 3, H, W) in [-1, 1].
        strengths: (S, 3), the full grid over three properties in any order.
        properties: the three names.
        ends: for each, words for little and much of it.
        stacked: blocks below each other, for narrow screens.

    Raises:
        ValueError: the strengths are not a full grid over three properties.
    """
    levels = [np.unique(column) for column in np.asarray(strengths).T]
    shape = tuple(len(level) for level in levels)
    if len(levels) != 3 or np.prod(shape) != len(images):
        raise ValueError(f"{len(images)} images are not a full grid of {shape}; give all of them")
    cube = images[np.lexsort(np.asarray(strengths).T[::-1])].reshape(*shape, *images.shape[1:])
    sheets = [tile(block, cell=112) for block in cube]
    tall, wide = sheets[0].shape[:2]
    block_wide, block_tall = wide + _SIDE + 14, tall + _HEAD - 24 + _BELOW
    across, down = (1, shape[0]) if stacked else (shape[0], 1)
    page = np.full((block_tall * down, block_wide * across, 3), 255, dtype=np.uint8)
    corners = []
    for index, sheet in enumerate(sheets):
        row, column = divmod(index, across)
        top, left = row * block_tall + _HEAD - 24, column * block_wide + _SIDE
        page[top : top + tall, left : left + wide] = sheet
        corners.append((left, top))
    figure, _ = _framed(page, 0, 0, 0, 0)
    along = _MOVE.format(low=ends[2][0], name=properties[2], high=ends[2][1])
    up = _MOVE.format(low=ends[1][1], name=properties[1], high=ends[1][0])  # read from below
    for index, (left, top) in enumerate(corners):
        strength = _number(levels[0][index])
        words = {0: f" ({ends[0][0]})", shape[0] - 1: f" ({ends[0][1]})"}.get(index, "")
        heading = f"{properties[0]} {strength}{words}"
        _text(figure, left, top - 24, heading, 13, ha="left", weight="bold")
        for row, level in enumerate(levels[1]):
            y = top + (row + 0.5) * (tall + _GAP) / shape[1] - _GAP / 2
            _text(figure, left - 9, y, _number(level), 10, ha="right", color=MUTED)
        for column, level in enumerate(levels[2]):
            x = left + (column + 0.5) * (wide + _GAP) / shape[2] - _GAP / 2
            _text(figure, x, top + tall + 15, _number(level), 10, color=MUTED)
        _text(figure, left - _SIDE + 20, top + tall / 2, up, 11, rotation=90)
        _text(figure, left + wide / 2, top + tall + 42, along, 11)
    return figure


def _framed(
    sheet: np.ndarray, left: int, top: int, right: int, bottom: int
) -> tuple[Figure, tuple[int, int]]:
    """A figure that shows the sheet pixel by pixel inside margins, and its upper left corner."""
    height, width = sheet.shape[0] + top + bottom, sheet.shape[1] + left + right
    figure = new_figure(width / DPI, height / DPI, layout=None)
    figure.figimage(sheet, xo=left, yo=bottom, origin="upper")
    return figure, (left, top)


def _text(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    size: float,
    **look: Any,
) -> None:
    """Text at pixels counted from the upper left corner; `size` in points at 120 dpi."""
    width, height = figure.get_size_inches() * DPI
    look = {"ha": "center", "color": INK} | look
    figure.text(x / width, 1 - y / height, text, va="center", fontsize=size * 120 / DPI, **look)


def _number(strength: float) -> str:
    return signed(strength, 1, plus=True) if abs(strength) > 1e-9 else "0"
