"""Images with soft hair masks to distil on: rendered and other faces, with a teacher's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from property_cnn.common.shards.store import Make, open_store
from property_cnn.faces import VERSION, render_both, sample_attributes
from property_cnn.faces.classes import Part
from property_cnn.pictures import from_bytes, to_bytes
from property_cnn.segmentation.settings import SIDE
from property_cnn.segmentation.teachers import Teacher, hair_probability

IMAGES, TRUTH, SOFT = "images", "truth", "soft"
"""Names of the arrays: 8-bit RGB images, true masks, the teacher's masks."""

SHARD_ROWS = 256
"""Images a shard."""

_BATCH = 16  # images that the teacher answers at once


class Rows(Protocol):
    """An array, in memory or on disk, whose rows are taken by an array of their numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class ImageKind:
    """Images of one kind; arrays are 8-bit.

    Attributes:
        name: of the kind, e.g. "rendered".
        images: (N, 3, S, S) RGB.
        masks: (N, M, M) soft masks, 255 for hair.
        truth: (N, T, T) true masks, 0 or 255; None where unknown.
        digest: names the contents.
    """

    name: str
    images: Rows
    masks: Rows
    truth: Rows | None = None
    digest: str = ""

    def __post_init__(self):
        counts = [len(rows) for rows in (self.images, self.masks, self.truth) if rows is not None]
        if len(set(counts)) != 1 or counts[0] < 1:
            raise InputError(f"{self.name}: {counts} images and masks; need as many of each")


class HairData:
    """Images of one or several kinds with soft masks, as one data set.

    Attributes:
        parts: the kinds, in order; rows count through them.
        kinds: (N,) number of the part of each row.
    """

    def __init__(self, parts: Sequence[ImageKind]):
        if not parts:
            raise InputError("no images to learn from; give at least one kind")
        self.parts = tuple(parts)
        sizes = [len(part.images) for part in parts]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        self.kinds = np.repeat(np.arange(len(sizes)), sizes)
        self.digest = " ".join(
            f"{part.name}:{size}:{part.digest}" for part, size in zip(parts, sizes, strict=True)
        )

    def __len__(self) -> int:
        return int(self._starts[-1])

    def batch(self, rows: np.ndarray, side: int) -> tuple[Tensor, Tensor]:
        """Images (B, 3, side, side) in [-1, 1] and soft masks (B, 1, side, side)."""
        images, masks = torch.empty(len(rows), 3, side, side), torch.empty(len(rows), 1, side, side)
        for number, part in enumerate(self.parts):
            chosen, local = self._local(rows, number)
            if len(chosen):
                images[chosen] = _resized(from_bytes(torch.from_numpy(part.images[local])), side)
                soft = torch.from_numpy(part.masks[local])[:, None].float() / 255
                masks[chosen] = _resized(soft, side)
        return images, masks

    def truth(self, rows: np.ndarray, side: int) -> Tensor:
        """(B, side, side) bool true masks of rows whose kind has them."""
        masks = torch.empty(len(rows), 1, side, side)
        for number, part in enumerate(self.parts):
            chosen, local = self._local(rows, number)
            if len(chosen):
                if part.truth is None:
                    raise InputError(f"{part.name} images have no true masks")
                masks[chosen] = _resized(
                    torch.from_numpy(part.truth[local])[:, None].float() / 255, side
                )
        return masks[:, 0] >= 0.5

    def _local(self, rows: np.ndarray, number: int) -> tuple[Tensor, np.ndarray]:
        chosen = np.flatnonzero(self.kinds[rows] == number)
        return torch.from_numpy(chosen), np.asarray(rows)[chosen] - self._starts[number]


def rendered_images(
    folder: Path, n: int, side: int = SIDE, seed: int = 0
) -> tuple[Rows, Rows, str]:
    """Rendered faces and their true hair masks in a folder, and the text that names them."""
    mark = f"renderer {VERSION}, seed {seed}, side {side}"

    def make(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        images, maps = render_both(sample_attributes(count, seed, start), side)
        truth = (maps == Part.HAIR).to(torch.uint8).mul(255)
        return {IMAGES: to_bytes(images).numpy(), TRUTH: truth.numpy()}

    images, truth = stored_rows(folder / IMAGES, mark, n, (IMAGES, TRUTH), make)
    return images, truth, mark


def soft_masks(
    teacher: Teacher,
    images: Rows,
    folder: Path,
    mark: str,
    side: int = SIDE,
    progress: Progress | None = None,
) -> Rows:
    """The teacher's hair probabilities of all images, answered once and kept as 8-bit masks.

    Args:
        teacher: answers the probabilities.
        images: (N, 3, S, S) 8-bit rows.
        folder: where the masks lie; those of another teacher or other images are replaced.
        mark: text that names the images.
        side: of the images that the teacher sees and of the masks.
        progress: told of finished images.
    """

    def make(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        masks = []
        for first in range(start, start + count, _BATCH):
            rows = np.arange(first, min(first + _BATCH, start + count))
            batch = _resized(from_bytes(torch.from_numpy(images[rows])), side)
            masks.append(hair_probability(teacher, batch)[:, 0].mul(255).round().cpu())
        return {SOFT: torch.cat(masks).to(torch.uint8).numpy()}

    made_from = f"{mark}, teacher {teacher.digest}, side {side}"
    return stored_rows(folder / SOFT, made_from, len(images), (SOFT,), make, progress)[0]


def stored_rows(
    folder: Path,
    made_from: str,
    n: int,
    names: tuple[str, ...],
    make: Make,
    progress: Progress | None = None,
) -> list[Rows]:
    """The first n rows of arrays in a folder, after what it lacks was made.

    Args:
        folder: a `property_cnn.common.shards.store`; rows that are made from something else are
            replaced.
        made_from: text that names what the rows are made from.
        n: number of rows.
        names: of the arrays.
        make: makes a shard of them.
        progress: told of finished rows.
    """
    identity = {"format": "hair images", "made_from": made_from}
    with open_store(folder, identity, SHARD_ROWS, "replace") as store:
        store.fill(n, names, make, progress=progress)
        return [store.rows(name, n) for name in names]


def _resized(maps: Tensor, side: int) -> Tensor:
    if maps.shape[-2:] == (side, side):
        return maps
    smaller = min(maps.shape[-2:]) > side
    return F.interpolate(
        maps, (side, side), mode="bilinear", align_corners=False, antialias=smaller
    ).clamp_(-1, 1)
