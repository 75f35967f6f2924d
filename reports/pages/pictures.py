"""Pictures of a page: a run's PNGs, packed as WebP so that a page can be mailed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from reports.plots.images import to_pixels
from reports.plots.style import Plot

_PLOT_COLOURS = 64
"""Colours that a plot keeps: a few lines with their soft edges need no more."""

_PHOTO_QUALITY = 88

_THUMBNAIL = 208
"""Most pixels of a thumbnail's width: twice as many as notebooks show it at."""


@dataclass(frozen=True)
class Picture:
    """A PNG with the words that replace it.

    Attributes:
        png: the file's bytes.
        alt: what is seen, for those who do not see it.
        caption: words below or beside it.
        narrow: the version for narrow screens.
        photo: whether it shows faces, whose colours stay as they are on a dark page.
    """

    png: bytes
    alt: str
    caption: str = ""
    narrow: bytes | None = None
    photo: bool = False


def picture_of(plot: Plot, alt: str, caption: str = "", photo: bool = False) -> Picture:
    """A plot in both its versions, with its words."""
    return Picture(plot.wide, alt, caption, plot.narrow, photo)


def webp(png: bytes, photo: bool) -> bytes:
    """The picture as WebP: faces with some loss, plots without any but the number of colours.

    Args:
        png: a PNG's bytes.
        photo: whether it shows faces.
    """
    with Image.open(BytesIO(png)) as opened:
        image = opened.convert("RGB")
    packed = BytesIO()
    if photo:
        image.save(packed, "WEBP", quality=_PHOTO_QUALITY, method=4)
    else:
        few = image.quantize(_PLOT_COLOURS, dither=Image.Dither.NONE).convert("RGB")
        few.save(packed, "WEBP", lossless=True, method=4)
    return packed.getvalue()


def data_url(png: bytes, photo: bool) -> str:
    """The picture as the address of itself, as WebP."""
    return _address(webp(png, photo))


def thumbnail_url(image: np.ndarray) -> str:
    """A face (3, H, W) in [-1, 1] as the address of itself, at most 208 pixels wide, as WebP."""
    picture, packed = Image.fromarray(to_pixels(image)), BytesIO()
    picture.thumbnail((_THUMBNAIL, 4 * _THUMBNAIL), Image.Resampling.LANCZOS)
    picture.save(packed, "WEBP", quality=_PHOTO_QUALITY, method=4)
    return _address(packed.getvalue())


def _address(packed: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(packed).decode("ascii")
