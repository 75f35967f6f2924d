"""Images that a scorer learns from: made once, read once by its teacher, kept in shards on disk.

    manifest.json            which generator, teacher, seed and side
    images/00000.npy         (512, 3, S, S) uint8, the first 512 images
    scores/00000.npy         (512, P) float32, what the teacher read off them before they were kept
    points/00000.npy         (512, K, 2) float32, where it saw its points, in sides of the images

The images are of latents of their own: none is a sample that directions are found from, whatever
the seed. A `property_cnn.common.shards.store`, as `sampling.store`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.progress import Progress
from property_cnn.common.shards.rows import Rows
from property_cnn.common.shards.store import Existing, open_store
from property_cnn.common.streams import LESSONS
from property_cnn.common.tasks import run_tasks
from property_cnn.network.dataset import to_bytes
from vectorfind.config import FindSettings
from vectorfind.models.pair import Models, check_scores
from vectorfind.models.protocols import digest_of
from vectorfind.sampling.latents import BLOCK, mapped_latents

SHARD = 2 * BLOCK
"""Images a shard."""

IMAGES, SCORES, POINTS = "images", "scores", "points"


class PointsScorer(Protocol):
    """A scorer that also tells where it looks.

    Attributes:
        read_from: property -> indices of the points that it is read from; those that are missing
            are read from the whole image.
    """

    properties: tuple[str, ...]
    read_from: Mapping[str, tuple[int, ...]]

    def scores_and_points(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, R, R) -> scores (N, P); points (N, K, 2) x, y in sides of the images."""
        ...


class Unscored:
    """Stands for the scorer where images alone are wanted."""

    properties: tuple[str, ...] = ()
    digest, thread_safe = "none", True

    def __call__(self, images: Tensor) -> np.ndarray:
        """(N, 0): no scores."""
        return np.empty((len(images), 0), np.float32)


@dataclass(frozen=True, eq=False)
class Lessons:
    """Images with what a teacher reads off them.

    Attributes:
        images: (n, 3, S, S) uint8, on disk.
        scores: (n, P) float32; rows of NaN where an image could not be read.
        points: (n, K, 2) float32 x, y in sides of the images; None of a teacher without points.
    """

    images: Rows
    scores: np.ndarray
    points: np.ndarray | None


def fill_lessons(  # noqa: PLR0913, its keywords are the interface
    folder: str | os.PathLike,
    models: Models,
    n: int,
    side: int,
    seed: int = 0,
    batch_size: int = FindSettings.batch_size,
    workers: int | None = None,
    quiet: bool = True,
    existing: Existing = "keep",
) -> Lessons:
    """The first n images of a seed with their scores, after what the folder lacks was made.

    Args:
        folder: the store's, or a URL; made if there is none.
        models: the generator, and the teacher as its scorer.
        n: number of images; whole shards of 512 are made of them.
        side: largest side in pixels that images are kept at; the teacher sees them as they are.
        seed: of their latents.
        batch_size: images a batch; it changes nothing but rounding.
        workers: shards at once, see `tasks.run_tasks`.
        quiet: tell no progress.
        existing: what becomes of images that are there, see `shards.store.open_store`.

    Raises:
        InputError: the folder holds something else, or nothing can be written there.
        ScorerError: the teacher's answer has another shape, or infinities.
    """
    names = (IMAGES, SCORES, *([POINTS] if has_points(models.scorer) else []))
    with open_store(folder, _identity(models, seed, side), SHARD, existing) as store:
        progress = Progress("images for the scorer", n, "images", quiet)
        missing = [i for i in range(-(-n // SHARD)) if i not in store.shards]
        size = len(missing) * SHARD * 3 * side**2
        progress.foresee(min(n, len(missing) * SHARD), size, store.place.folder)
        run = partial(run_tasks, workers=workers, models=models)
        make = partial(_make, models, seed, side, batch_size)
        store.fill(n, names, make, run, progress, whole=True)
        points = store.rows(POINTS, n).whole() if POINTS in names else None
        return Lessons(store.rows(IMAGES, n), store.rows(SCORES, n).whole(), points)


def has_points(scorer: object) -> bool:
    """Whether a scorer tells where it looks, as `PointsScorer` says."""
    return hasattr(scorer, "scores_and_points") and hasattr(scorer, "read_from")


def kept(images: Tensor, side: int) -> Tensor:
    """uint8 images (N, 3, S, S) of ones (N, 3, H, W) in [-1, 1]: those larger than `side` shrunk.

    Each pixel is then the mean of its area.
    """
    if max(images.shape[-2:]) > side:
        images = F.interpolate(images, (side, side), mode="area")
    return to_bytes(images)


def lesson_images(
    models: Models, seed: int, start: int, count: int, batch_size: int
) -> Iterator[Tensor]:
    """Batches of the images (N, 3, H, W) in [-1, 1] from `start`, a multiple of 256, on."""
    layer = models.last_layer
    _, _, latents = mapped_latents(models, seed, LESSONS, count, (layer,), start // BLOCK)
    for first in range(0, count, batch_size):
        yield models.synthesize(latents[layer][first : first + batch_size], layer)


def _make(
    models: Models,
    seed: int,
    side: int,
    batch_size: int,
    start: int,
    count: int,
    names: tuple[str, ...],
) -> dict[str, np.ndarray]:
    """A shard; images, scores and points are of the same pass."""
    made = [
        _read(models, images, side)
        for images in lesson_images(models, seed, start, count, batch_size)
    ]
    columns = zip(*made, strict=True)
    return dict(zip((IMAGES, SCORES, POINTS), map(np.concatenate, columns), strict=False))


def _read(models: Models, images: Tensor, side: int) -> tuple[np.ndarray, ...]:
    small = kept(images, side).cpu().numpy()
    if not has_points(models.scorer):
        return small, models.score(images)
    with torch.inference_mode():
        scores, points = models.scorer.scores_and_points(images)
    scores = check_scores(scores, len(images), models.scored)
    return small, scores, points.float().cpu().numpy()


def _identity(models: Models, seed: int, side: int) -> dict:
    return {
        "format": "vectorfind images",
        "generator": digest_of(models.generator),
        "teacher": digest_of(models.scorer),
        "seed": seed,
        "side": side,
        "precision": models.dtype,
        "shard_rows": SHARD,
        "properties": list(models.scored),
    }
