"""Rendered faces with their attributes and raw scores, kept in shards on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from property_cnn import face_scores as scores_of_maps
from property_cnn import faces as renderer
from property_cnn.common.progress import Progress
from property_cnn.common.shards.store import open_store
from property_cnn.face_scores import MAP_SIZE, parsing_scores
from property_cnn.pictures import from_bytes, to_bytes

SHARD_FACES = 1024
"""Faces in a shard; the last one of a set may hold fewer."""

_BATCH = 64  # faces rendered at once

_ARRAYS = ("images", "attributes", "scores")


@dataclass(frozen=True)
class Faces:
    """A set of rendered faces, row i of every tensor being face i.

    Attributes:
        images: (N, 3, S, S) uint8 RGB.
        attributes: (N, A) float32, what the renderer drew them from.
        scores: (N, 8) float32 raw scores in the order of `PROPERTIES`.
    """

    images: Tensor
    attributes: Tensor
    scores: Tensor

    def __len__(self) -> int:
        return len(self.images)


def stored_faces(
    n: int,
    size: int,
    seed: int,
    folder: str | Path,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> Faces:
    """Faces 0 … n - 1 of a seed's population, rendered and scored in shards of 1024 in a folder.

    Shards that are already there are used, so that an interrupted build goes on and a set can be
    made larger. Those of another seed, size or version of the renderer are removed.

    Args:
        n: number of faces.
        size: side of the images in pixels; parsing maps are always 224 × 224.
        seed: of the population; different seeds share no face.
        folder: a `property_cnn.common.shards.store`.
        device: where to render.
        progress: told of finished faces.

    Raises:
        InputError: n is less than 1, or the folder holds something else.
    """

    def make(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        return _render(count, size, seed, start, device)

    identity = {"format": "rendered faces", "seed": seed, "size": size, **versions()}
    with open_store(folder, identity, SHARD_FACES, "replace") as store:
        store.fill(n, _ARRAYS, make, progress=progress)
        return Faces(*(torch.from_numpy(store.rows(name, n).whole()) for name in _ARRAYS))


def versions() -> dict[str, str]:
    """Versions of the renderer and of the score definitions, which rendered faces depend on."""
    return {"renderer": str(renderer.VERSION), "scores": str(scores_of_maps.VERSION)}


@torch.inference_mode()
def _render(
    count: int, size: int, seed: int, start: int, device: str | torch.device
) -> dict[str, np.ndarray]:
    attributes = renderer.sample_attributes(count, seed, start)
    images, scores = [], []
    for rows in attributes.split(_BATCH):
        drawn = to_bytes(renderer.render_faces(rows.to(device), size))
        maps = renderer.render_parsing(rows.to(device), MAP_SIZE)
        images.append(drawn.cpu())
        scores.append(parsing_scores(from_bytes(drawn), maps).cpu())
    arrays = (torch.cat(images), attributes, torch.cat(scores))
    return {name: array.numpy() for name, array in zip(_ARRAYS, arrays, strict=True)}
