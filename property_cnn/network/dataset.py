"""Rendered faces with their attributes and raw scores, kept in shards on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from property_cnn import face_scores as scores_of_maps
from property_cnn import faces as renderer
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write, load_tensors, save_tensors
from property_cnn.face_scores import MAP_SIZE, parsing_scores

SHARD_FACES = 1024
"""Faces in a shard; the last one of a set may hold fewer."""

_BATCH = 64  # faces rendered at once

MANIFEST = "manifest.json"


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


def to_bytes(images: Tensor) -> Tensor:
    """uint8 images of images in [-1, 1], rounded to the nearest of 256 levels."""
    return images.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)


def from_bytes(images: Tensor) -> Tensor:
    """float32 images in [-1, 1] of uint8 ones."""
    return images.float().div(127.5).sub(1)


def build_faces(
    n: int,
    size: int,
    seed: int,
    out: str | Path,
    device: str | torch.device = "cpu",
    advance: Callable[[int], None] | None = None,
) -> Path:
    """Renders and scores faces 0 … n - 1 of a seed's population into shards of 1024.

    Shards that are already there are kept, so that an interrupted build goes on and a set can be
    made larger. A folder of another seed, size or version of the renderer is emptied of its
    shards first.

    Args:
        n: number of faces.
        size: side of the images in pixels; parsing maps are always 224 × 224.
        seed: of the population; different seeds share no face.
        out: folder of the shards and of `manifest.json`.
        device: where to render; results are stored as CPU tensors.
        advance: called with the number of faces after each shard, e.g. `Progress.advance`.

    Returns:
        The folder.

    Raises:
        InputError: n is less than 1.
    """
    if n < 1:
        raise InputError(f"{n} faces asked for; need at least 1")
    out = Path(out)
    _claim(out, {"seed": seed, "size": size, **versions()})
    for start in range(0, n, SHARD_FACES):
        count = min(SHARD_FACES, n - start)
        path = shard_path(out, start)
        if _rows(path) < count:
            save_tensors(path, _render(count, size, seed, start, device))
        if advance is not None:
            advance(count)
    return out


def versions() -> dict[str, str]:
    """Versions of the renderer and of the score definitions, which rendered faces depend on."""
    return {"renderer": str(renderer.VERSION), "scores": str(scores_of_maps.VERSION)}


def load_faces(folder: str | Path, n: int) -> Faces:
    """The first n faces of a folder that `build_faces` made.

    Raises:
        CheckpointError: a shard is missing, damaged, or holds too few faces.
    """
    if n < 1:
        raise InputError(f"{n} faces asked for; need at least 1")
    tensors: dict[str, Tensor] = {}
    for start in range(0, n, SHARD_FACES):
        path = shard_path(folder, start)
        shard, _ = load_tensors(path)
        count = min(SHARD_FACES, n - start)
        if set(shard) != {"images", "attributes", "scores"} or len(shard["images"]) < count:
            raise CheckpointError(f"{path} is no shard of {count} faces; build the faces again")
        for name, rows in shard.items():
            if name not in tensors:
                tensors[name] = rows.new_empty((n, *rows.shape[1:]))
            tensors[name][start : start + count] = rows[:count]
    return Faces(**tensors)


def shard_path(folder: str | Path, start: int) -> Path:
    """File of the shard whose first face is number `start`."""
    return Path(folder) / f"faces-{start // SHARD_FACES:05d}.safetensors"


def _claim(out: Path, wanted: dict) -> None:
    """Makes `out` a folder of the wanted set: shards of any other are removed."""
    manifest = out / MANIFEST
    text = json.dumps(wanted, indent=2) + "\n"
    if manifest.is_file() and manifest.read_text("utf-8") == text:
        return
    for shard in out.glob("faces-*.safetensors"):
        shard.unlink()
    atomic_write(manifest, text)


def _rows(path: Path) -> int:
    """Faces in a shard; 0 where there is none that can be read."""
    try:
        return len(load_tensors(path)[0].get("scores", ()))
    except CheckpointError:
        return 0


@torch.inference_mode()
def _render(
    count: int, size: int, seed: int, start: int, device: str | torch.device
) -> dict[str, Tensor]:
    attributes = renderer.sample_attributes(count, seed, start)
    images, scores = [], []
    for rows in attributes.split(_BATCH):
        drawn = to_bytes(renderer.render_faces(rows.to(device), size))
        maps = renderer.render_parsing(rows.to(device), MAP_SIZE)
        images.append(drawn.cpu())
        scores.append(parsing_scores(from_bytes(drawn), maps).cpu())
    return {
        "images": torch.cat(images),
        "attributes": attributes,
        "scores": torch.cat(scores),
    }
