"""Label maps over their images in the classes' colours, with a legend.

Labels beyond the classes are of pixels that do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.plots.style import DPI, MUTED, new_figure, styled

_GREY, _WRONG, _RIGHT = (128, 128, 128), (214, 40, 40), (235, 235, 235)
_GAP, _TOP, _LEGEND = 6, 30, 26  # pixels
_LEGEND_COLUMNS, _LEGEND_WIDTH = 6, 130  # at most; pixels of one
_LETTER = 12  # pixels of a letter, about
_TINT = 0.75  # of the labels' colours in a picture
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
        [picture, blended(picture, right, palette, _TINT), *_found(picture, right, own, palette)]
        for picture, right, own in zip(pictures, wanted, found, strict=True)
    ]
    headings = dict(enumerate(("image", "labels", "found", "wrong in red")))
    return _laid_out(rows, headings, dict(zip(names, palette, strict=True)))


def comparison_sheet(
    pictures: Mapping[str, np.ndarray],
    wanted: Sequence[np.ndarray],
    found: Mapping[str, Sequence[np.ndarray]],
    names: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> Figure:
    """A row a network: what it found in each image, and where that is wrong, in red.

    The first row has the images and their labels.

    Args:
        pictures: name -> (H, W, 3) uint8, of any sizes.
        wanted: (H, W) labels of each.
        found: name of a network -> (H, W) labels of each.
        names, palette: of the classes.
    """
    pairs = list(zip(pictures.values(), wanted, strict=True))
    rows = [[cell for picture, right in pairs
             for cell in (picture, blended(picture, right, palette, _TINT))]]  # fmt: skip
    for maps in found.values():
        rows.append(
            [cell for (picture, right), own in zip(pairs, maps, strict=True)
             for cell in _found(picture, right, own, palette)]
        )  # fmt: skip
    headings = {2 * place + 0.5: name for place, name in enumerate(pictures)}
    sides = ["image, labels", *found]
    return _laid_out(rows, headings, dict(zip(names, palette, strict=True)), sides)


def _found(
    picture: np.ndarray, wanted: np.ndarray, found: np.ndarray, palette: Sequence[Sequence[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """The picture in the colours of what was found, and where that is wrong."""
    return blended(picture, found, palette, _TINT), _compared(wanted, found, len(palette))


@styled
def _laid_out(
    rows: Sequence[Sequence[np.ndarray]],
    headings: Mapping[float, str],
    colours: Mapping[str, Sequence[int]],
    sides: Sequence[str] = (),
) -> Figure:
    """Pictures (H, W, 3) uint8 in rows of as many, enlarged alike, with a legend below.

    Args:
        rows: of pictures.
        headings: place, in columns, -> what stands above it.
        colours: class -> (r, g, b), 0 … 255.
        sides: what stands left of each row; nothing if not given.
    """
    times = -(-_NARROWEST // max(cell.shape[1] for row in rows for cell in row))
    rows = [[cell.repeat(times, axis=0).repeat(times, axis=1) for cell in row] for row in rows]
    width = max(cell.shape[1] for row in rows for cell in row)
    heights = [max(cell.shape[0] for cell in row) for row in rows]
    left = _GAP + max(map(len, sides), default=0) * _LETTER
    wide = left + len(rows[0]) * (width + _GAP)
    columns = min(_LEGEND_COLUMNS, max(1, wide // _LEGEND_WIDTH))
    foot = _LEGEND * -(-len(colours) // columns) + 14
    tall = sum(heights) + _GAP * len(rows) + _TOP + foot
    figure = new_figure(wide / DPI, tall / DPI, layout=None)
    y = tall - _TOP
    for row, height, side in zip_longest(rows, heights, sides, fillvalue=""):
        for column, cell in enumerate(row):
            top = y - cell.shape[0]
            figure.figimage(cell, xo=left + column * (width + _GAP), yo=top, origin="upper")
        figure.text((left - _GAP) / wide, (y - height / 2) / tall, side, ha="right", va="center")
        y -= height + _GAP
    for column, heading in headings.items():
        x = left + column * (width + _GAP) + width / 2
        place = (x / wide, 1 - 0.5 * _TOP / tall)
        figure.text(*place, heading, ha="center", va="center", color=MUTED)
    patches = [Patch(color=np.array(colour) / 255, label=name) for name, colour in colours.items()]
    figure.legend(
        handles=patches, loc="lower center", ncols=columns, fontsize=7.5,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip
    return figure


def _compared(wanted: np.ndarray, found: np.ndarray, classes: int) -> np.ndarray:
    """Where labels differ, in red; pixels that do not count are grey."""
    colours = np.where((wanted == found)[..., None], np.uint8(_RIGHT), np.uint8(_WRONG))
    return np.where((wanted >= classes)[..., None], np.uint8(_GREY), colours).astype(np.uint8)
