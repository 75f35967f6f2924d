"""Where the parts of a face are, told by the points that a teacher reads them from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from property_cnn.network.layout import Crop
from property_cnn.properties import EXCHANGED

RARE = 0.01
"""Share of the images whose points may lie beyond a box, at each of its borders."""

MARGIN = 0.1
"""Added to a box at each border, as a share of its side."""


def boxes_of(
    points: np.ndarray, read_from: Mapping[str, tuple[int, ...]], mirrored: bool = False
) -> dict[str, Crop]:
    """Property -> the box that its points lie in, in almost all images, with a margin.

    Args:
        points: (n, K, 2) x, y in sides of the images.
        read_from: property -> indices of its points.
        mirrored: the images are mirrored too; a box then fits both ways.
    """
    boxes = {name: _box(points[:, list(which)]) for name, which in read_from.items()}
    if not mirrored:
        return boxes
    other = {name: boxes[EXCHANGED.get(name, name)] for name in boxes}
    return {name: _both(boxes[name], _mirror(other[name])) for name in boxes}


def made_of(read_from: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, ...]]:
    """Property -> those whose points together are its own, of two or more."""
    sets = {name: frozenset(which) for name, which in read_from.items()}
    parts = {
        name: tuple(other for other, points in sets.items() if points < own)
        for name, own in sets.items()
    }
    whole = {name: frozenset().union(*(sets[part] for part in parts[name])) for name in sets}
    return {name: parts[name] for name in sets if parts[name] and whole[name] == sets[name]}


def _box(points: np.ndarray) -> Crop:
    """Of (n, k, 2) points."""
    first = np.quantile(points.min(axis=1), RARE, axis=0)
    last = np.quantile(points.max(axis=1), 1 - RARE, axis=0)
    margin = MARGIN * (last - first)
    (left, top), (right, bottom) = np.clip(first - margin, 0, 1), np.clip(last + margin, 0, 1)
    return Crop(float(top), float(bottom), float(left), float(right))


def _mirror(box: Crop) -> Crop:
    return Crop(box.top, box.bottom, 1 - box.right, 1 - box.left)


def _both(one: Crop, other: Crop) -> Crop:
    return Crop(
        min(one.top, other.top),
        max(one.bottom, other.bottom),
        min(one.left, other.left),
        max(one.right, other.right),
    )
