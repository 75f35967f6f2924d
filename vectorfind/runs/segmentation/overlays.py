"""What networks tell in a few test images, as pictures: their labels, and where these are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from property_cnn.pictures import to_tensor
from property_cnn.segmentation.labelled import LabelledImages, spread
from property_cnn.segmentation.networks.files import Segmenter
from reports.plots.labels import comparison_sheet, label_sheet
from reports.plots.style import Plot, both_widths, figure_png

SHOWN = 4
"""Images of one network's overlays."""


def labels_of(segmenter: Segmenter, picture: np.ndarray) -> np.ndarray:
    """(H, W) uint8 numbers of the likeliest classes in a picture (H, W, 3) uint8."""
    return segmenter.labels(to_tensor(picture[None]))[0].cpu().numpy().astype(np.uint8)


def network_overlays(segmenter: Segmenter, images: LabelledImages, rows: np.ndarray) -> bytes:
    """A PNG of what a network tells in some of the rows, evenly spread."""
    pictures, wanted = _read(images, spread(rows, SHOWN))
    found = [labels_of(segmenter, picture) for picture in pictures]
    classes = segmenter.classes
    return figure_png(label_sheet(pictures, wanted, found, classes.names, classes.palette))


def compared_overlays(
    segmenters: Mapping[str, Segmenter], images: LabelledImages, rows: np.ndarray, count: int
) -> Plot:
    """What networks tell in some of the rows; on narrow screens in the first of them alone.

    Args:
        segmenters: name -> network.
        images: with label maps.
        rows: to choose from, evenly spread.
        count: of the images, at least 1.
    """
    chosen = spread(rows, count)
    pictures, wanted = _read(images, chosen)
    names = [images.names[row] for row in chosen]
    found = {
        name: [labels_of(segmenter, picture) for picture in pictures]
        for name, segmenter in segmenters.items()
    }

    def draw(narrow: bool):
        last = 1 if narrow else None
        shown = dict(zip(names[:last], pictures[:last], strict=True))
        told = {name: maps[:last] for name, maps in found.items()}
        classes = images.classes
        return comparison_sheet(shown, wanted[:last], told, classes.names, classes.palette)

    return both_widths(draw)


def _read(
    images: LabelledImages, rows: Sequence[int] | np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures and their labels."""
    pairs = [images.read(row) for row in rows]
    return [picture for picture, _ in pairs], [labels for _, labels in pairs]
