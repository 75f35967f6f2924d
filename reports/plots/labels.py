"""Label maps over their images in the classes' colours, with a legend.

Labels beyond the classes are of pixels that do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.plots.style import DPI, MUTED, new_figure, styled

_GREY, _WRONG, _RIGHT = (128, 128, 128), (214, 40, 40), (235, 235, 235)
_GAP, _TOP, _LEGEND = 6, 30, 26  # pixels
_LEGEND_COLUMNS = 6
_NARROWEST = 192  # pixels of a column; smaller images are enlarged, for the headings' sake


def coloured(labels: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Label maps (..., H, W) as colours (..., H, W, 3) uint8; labels beyond the palette are grey.

    Args:
        labels: class numbers.
        palette: (r, g, b) of each class, 0 … 255.
    """
    table = np.full((256, 3), _GREY, np.uint8)
    table[: len(palette)] = np.asarray(palette, np.uint8)
    return table[np.asarray(labels, np.uint8)]


def blended(
    picture: np.ndarray, labels: np.ndarray, palette: Sequence[Sequence[int]], strength: float = 0.5
) -> np.ndarray:
    """A picture (H, W, 3) uint8 tinted by its labels (H, W); unlabelled pixels stay as they are."""
    tint = coloured(labels, palette)
    mixed = (1 - strength) * picture.astype(np.float32) + strength * tint
    known = (np.asarray(labels) < len(palette))[..., None]
    return np.where(known, mixed.round(), picture).astype(np.uint8)


@styled
def label_sheet(
    pictures: Sequence[np.ndarray],
    wanted: Sequence[np.ndarray],
    found: Sequence[np.ndarray],
    names: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> Figure:
    """A row an image: the image, its labels, what was found, and where these differ, in red.

    Args:
        pictures: (H, W, 3) uint8 each, of any sizes.
        wanted, found: (H, W) labels of each.
        names, palette: of the classes.
    """
    rows = [
        [picture, blended(picture, right, palette, 0.75), blended(picture, own, palette, 0.75),
         _compared(right, own, len(names))]
        for picture, right, own in zip(pictures, wanted, found, strict=True)
    ]  # fmt: skip
    times = -(-_NARROWEST // max(row[0].shape[1] for row in rows))
    rows = [[cell.repeat(times, axis=0).repeat(times, axis=1) for cell in row] for row in rows]
    width = max(max(cell.shape[1] for cell in row) for row in rows)
    heights = [row[0].shape[0] for row in rows]
    lines = -(-len(names) // _LEGEND_COLUMNS)
    foot = _LEGEND * lines + 14
    tall, wide = sum(heights) + _GAP * len(rows) + _TOP + foot, 4 * width + 5 * _GAP
    figure = new_figure(wide / DPI, tall / DPI, layout=None)
    y = tall - _TOP
    for row, height in zip(rows, heights, strict=True):
        y -= height
        for column, cell in enumerate(row):
            figure.figimage(cell, xo=_GAP + column * (width + _GAP), yo=y, origin="upper")
        y -= _GAP
    for column, heading in enumerate(("image", "labels", "found", "wrong in red")):
        x = _GAP + column * (width + _GAP) + width / 2
        place = (x / wide, 1 - 0.5 * _TOP / tall)
        figure.text(*place, heading, ha="center", va="center", color=MUTED)
    patches = [
        Patch(color=np.array(colour) / 255, label=name)
        for name, colour in zip(names, palette, strict=True)
    ]
    figure.legend(
        handles=patches, loc="lower center", ncols=_LEGEND_COLUMNS, fontsize=7.5,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
    return figure


def _compared(wanted: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """Where labels differ, in red; pixels that do not count are grey."""
    colours = np.where((wanted == found)[..., None], np.uint8(_RIGHT), np.uint8(_WRONG))
    return np.where((wanted >= classes)[..., None], np.uint8(_GREY), colours).astype(np.uint8)
