"""Pictures of hair masks over their images: what was found rightly, too much and too little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.images import tile
from reports.style import DPI, MUTED, new_figure, styled

TRUE_POSITIVE = (135, 206, 235)  # sky blue
FALSE_POSITIVE = (0, 160, 70)  # green
FALSE_NEGATIVE = (0, 0, 205)  # blue
LEGEND = (
    (TRUE_POSITIVE, "hair in both"),
    (FALSE_POSITIVE, "found, but not hair"),
    (FALSE_NEGATIVE, "hair, but not found"),
)

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
    cases = (
        (hit & hair, TRUE_POSITIVE),
        (hit & ~hair, FALSE_POSITIVE),
        (~hit & hair, FALSE_NEGATIVE),
    )
    for where, colour in cases:
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
) -> Figure:
    """A row an image: the image, both masks in grey, and the overlay; with a legend.

    Args:
        images: (N, 3, H, W) in [-1, 1]; N at least 1.
        found, wanted: (N, H, W) masks in [0, 1].
        headings: of the four columns.
        title: a line at the left of the foot.
    """

    def grey(masks):
        return np.repeat(np.asarray(masks, np.float32)[:, None] * 2 - 1, 3, axis=1)

    columns = [np.asarray(images), grey(wanted), grey(found), overlay(images, found, wanted)]
    sheet = tile(np.stack(columns, axis=1), cell=160)
    height = sheet.shape[0] + _MARGIN_TOP + _MARGIN_BOTTOM
    width = sheet.shape[1] + 2 * _MARGIN_LEFT
    figure = new_figure(width / DPI, height / DPI, layout=None)
    figure.figimage(sheet, xo=_MARGIN_LEFT, yo=_MARGIN_BOTTOM, origin="upper")
    step = (sheet.shape[1] + _GAP) / len(columns)
    for column, heading in enumerate(headings):
        x = _MARGIN_LEFT + (column + 0.5) * step - _GAP / 2
        place = (x / width, 1 - 0.5 * _MARGIN_TOP / height)
        figure.text(*place, heading, ha="center", va="center", color=MUTED)
    if title:
        figure.text(_MARGIN_LEFT / width, 12 / height, title, fontsize=7, color=MUTED)
    patches = [Patch(color=np.array(colour) / 255, label=label) for colour, label in LEGEND]
    figure.legend(
        handles=patches,
        loc="lower right",
        ncols=3,
        bbox_to_anchor=(1.0, 14 / height if title else 0.0),
        columnspacing=1.2,
        handlelength=1.2,
    )
    return figure
