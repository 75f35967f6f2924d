"""From images with scores to a trained scorer: what is learned of them, by which network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.network.layout import NetworkSettings, layout_of
from property_cnn.network.training import ScorerSettings, held_out
from property_cnn.properties import EXCHANGED, IRIS_PROPERTIES, LANDMARK_PROPERTIES, PROPERTIES
from vectorfind.models.training.crops import boxes_of, made_of
from vectorfind.models.training.settings import GRID, HELD_OUT, LEAST, ScorerTraining

KNOWN = {*PROPERTIES, *LANDMARK_PROPERTIES, *IRIS_PROPERTIES}
"""Properties of which it is known how they change in a mirrored image."""

SHIFT = 0.02
"""Most that images are moved in training, in their sides, where the scores are read from points:
then they do not change with the place."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What can be learned of images with scores.

    Attributes:
        rows: (m,) indices of the images that could be read.
        properties: the scores that differ among them.
        scores: (m, P) float32 of these.
        unreadable: images without scores.
        flat: the scores that are the same on all of them.
    """

    rows: np.ndarray
    properties: tuple[str, ...]
    scores: np.ndarray
    unreadable: int
    flat: tuple[str, ...]


def learnable(scores: np.ndarray, properties: tuple[str, ...], least: int = LEAST) -> Learned:
    """What can be learned of (n, P) scores.

    Raises:
        InputError: too few images have scores, or no score differs among them.
    """
    rows = np.flatnonzero(~np.isnan(scores).any(axis=1))
    if len(rows) < least:
        raise InputError(
            f"{len(rows)} of {len(scores)} images have scores; a scorer needs {least}: does the "
            "teacher fit this generator's images?"
        )
    read = scores[rows]
    spread = read.std(axis=0, dtype=np.float64) > 1e-6 * np.abs(read).max(axis=0)
    if not spread.any():
        raise InputError(f"no score differs among the images: {', '.join(properties)}")
    named = tuple(name for name, some in zip(properties, spread, strict=True) if some)
    flat = tuple(name for name, some in zip(properties, spread, strict=True) if not some)
    return Learned(rows, named, read[:, spread], len(scores) - len(rows), flat)


def mirrors(properties: tuple[str, ...], asked: bool | None) -> bool:
    """Whether images are mirrored: as asked, or where it is known how all scores then change."""
    pairs = all(EXCHANGED.get(name, name) in properties for name in properties)
    return asked if asked is not None else pairs and KNOWN.issuperset(properties)


def training_settings(
    training: ScorerTraining,
    learned: Learned,
    side: int,
    points: np.ndarray | None = None,
    read_from: Mapping[str, tuple[int, ...]] | None = None,
) -> ScorerSettings:
    """The settings of the network and its training.

    Args:
        training: the user's.
        learned: what is to be learned.
        side: of the images that are kept.
        points: (m, K, 2) where the teacher saw its points in these, in sides of the images.
        read_from: property -> its points.
    """
    flip = mirrors(learned.properties, training.mirror)
    resolution = max(GRID, side // GRID * GRID)
    boxes, parts = {}, {}
    if points is not None:
        own = {name: read_from[name] for name in learned.properties if name in read_from}
        boxes = boxes_of(points[: -held_out(len(points), HELD_OUT)], own, flip)
        parts = made_of(own)
    branches, heads = layout_of(learned.properties, boxes, resolution, parts)
    network = NetworkSettings(resolution, training.width, training.features, branches, heads)
    return ScorerSettings(
        epochs=training.epochs,
        batch_size=training.step_images,
        lr=training.lr,
        flip=flip,
        shift=0.0 if points is None else SHIFT,
        validation=HELD_OUT,
        seed=training.seed,
        network=network,
    )
