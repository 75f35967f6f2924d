"""Pictures of hair masks over their images: what was found rightly, too much and too little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.plots.images import tile
from reports.plots.style import DPI, MUTED, new_figure, styled

TRUE_POSITIVE = (135, 206, 235)  # sky blue
FALSE_POSITIVE = (0, 160, 70)  # green
FALSE_NEGATIVE = (0, 0, 205)  # blue
COLOURS = (TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE)
LEGEND = ("hair in both", "found, but not hair", "hair, but not found")
"""What the three colours mean."""

_ROW_NAMES = 110  # pixels
_MARGIN_LEFT, _MARGIN_TOP, _MARGIN_BOTTOM, _GAP = 12, 40, 52, 4  # pixels around and between


def overlay(
    images: np.ndarray, found: np.ndarray, wanted: np.ndarray, strength: float = 0.6
) -> np.ndarray:
    """Images with their masks' agreement in colours.

    Args:
        images: (N, 3, H, W) in [-1, 1].
        found, wanted: (N, H, W) masks in [0, 1], or bool; both are cut at 0.5.
        strength: share of the colour, 0 to 1.

    Returns:
        (N, 3, H, W) float32 in [-1, 1]; pixels outside both masks as they were.

    Raises:
        ValueError: the shapes do not fit.
    """
    images = np.asarray(images, dtype=np.float32)
    shape = (len(images), *images.shape[-2:])
    if images.ndim != 4 or np.shape(found) != shape or np.shape(wanted) != shape:
        raise ValueError(
            f"masks {np.shape(found)} and {np.shape(wanted)} for images {images.shape}; "
            f"need {shape}"
        )
    hit, hair = np.asarray(found) >= 0.5, np.asarray(wanted) >= 0.5
    pictures = images.copy()
    for where, colour in zip((hit & hair, hit & ~hair, ~hit & hair), COLOURS, strict=True):
        tint = np.float32(colour)[:, None, None] / 127.5 - 1  # (3, 1, 1)
        pictures = np.where(where[:, None], (1 - strength) * images + strength * tint, pictures)
    return pictures.astype(np.float32)


@styled
def overlay_sheet(
    images: np.ndarray,
    found: np.ndarray,
    wanted: np.ndarray,
    headings: Sequence[str] = ("image", "wanted", "found", "compared"),
    title: str = "",
    rows: Sequence[str] = (),
    legend: Sequence[str] = LEGEND,
) -> Figure:
    """A row an image: the image, both masks in grey, and the overlay; with a legend.

    Args:
        images: (N, 3, H, W) in [-1, 1]; N at least 1.
        found, wanted: (N, H, W) masks in [0, 1].
        headings: of the four columns.
        title: a line at the left of the foot.
        rows: a name for each row, written at its left; () for none.
        legend: what is in both masks, only in those found, only in those wanted.
    """

    def grey(masks):
        return np.repeat(np.asarray(masks, np.float32)[:, None] * 2 - 1, 3, axis=1)

    columns = [np.asarray(images), grey(wanted), grey(found), overlay(images, found, wanted)]
    sheet = tile(np.stack(columns, axis=1), cell=160)
    height = sheet.shape[0] + _MARGIN_TOP + _MARGIN_BOTTOM
    left = _MARGIN_LEFT + (_ROW_NAMES if rows else 0)
    width = sheet.shape[1] + left + _MARGIN_LEFT
    figure = new_figure(width / DPI, height / DPI, layout=None)
    figure.figimage(sheet, xo=left, yo=_MARGIN_BOTTOM, origin="upper")
    tall = (sheet.shape[0] + _GAP) / len(images)
    for row, name in enumerate(rows):
        y = 1 - (_MARGIN_TOP + (row + 0.5) * tall - _GAP / 2) / height
        figure.text((left - 8) / width, y, name, ha="right", va="center", color=MUTED)
    step = (sheet.shape[1] + _GAP) / len(columns)
    for column, heading in enumerate(headings):
        x = left + (column + 0.5) * step - _GAP / 2
        place = (x / width, 1 - 0.5 * _MARGIN_TOP / height)
        figure.text(*place, heading, ha="center", va="center", color=MUTED)
    if title:
        figure.text(_MARGIN_LEFT / width, 12 / height, title, fontsize=7, color=MUTED)
    named = zip(COLOURS, legend, strict=True)
    patches = [Patch(color=np.array(colour) / 255, label=label) for colour, label in named]
    figure.legend(
        handles=patches,
        loc="lower right",
        ncols=3,
        bbox_to_anchor=(1.0, 14 / height if title else 0.0),
        columnspacing=1.2,
        handlelength=1.2,
    )
    return figure
