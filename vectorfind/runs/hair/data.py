"""Faces to distil on, kept in one folder: rendered and generated, with the teacher's masks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.shards import Shards, build_shards
from property_cnn.common.streams import SAMPLES
from property_cnn.network.dataset import to_bytes
from property_cnn.segmentation.data import HairData, ImageKind, rendered_images, soft_masks
from property_cnn.segmentation.teachers import Teacher
from vectorfind.models.protocols import Generator, device_of, digest_of, resolve_generator
from vectorfind.sampling.latents import BLOCK, latent_block

ABOUT = "data.json"

RENDERED, GENERATED = "rendered", "generated"
"""Names of the two kinds of faces."""

_BATCH = 32


@dataclass(frozen=True)
class FaceCounts:
    """Which faces a data set holds.

    Attributes:
        rendered: faces of the renderer, whose true masks are known.
        generated: faces of the generator.
        seed: of both; faces of other seeds are others.
        side: of rendered images and of all soft masks, in pixels.
    """

    rendered: int = 2000
    generated: int = 3000
    seed: int = 0
    side: int = 224

    def __post_init__(self):
        if min(self.rendered, self.generated) < 0 or self.rendered + self.generated < 10:
            raise InputError(
                f"{self.rendered} rendered and {self.generated} generated faces; need at least 10"
            )
        if self.side < 32:
            raise InputError(f"side {self.side}; need at least 32 pixels")


def hair_data(
    folder: str | os.PathLike,
    counts: FaceCounts,
    teacher: Teacher,
    generator: str | os.PathLike | Generator = "default",
    log: Callable[[str], None] | None = None,
    device: str | torch.device | None = None,
) -> HairData:
    """The data set in a folder; what is missing is made, what is there is kept.

    Args:
        folder: of images and masks, about 200 kB a rendered face of 224 pixels.
        counts: which faces.
        teacher: gives the soft masks.
        generator: of the generated faces.
        log: called with lines of text.
        device: where faces are generated.
    """
    folder, say = Path(folder), log or (lambda line: None)
    kinds = []
    if counts.rendered:
        say(f"{counts.rendered:,} rendered faces in {folder / RENDERED}")
        place = folder / RENDERED
        images, truth, mark = rendered_images(place, counts.rendered, counts.side, counts.seed)
        masks = soft_masks(teacher, images, place, mark, counts.side, _advance(say, len(images)))
        mark = f"{mark}, teacher {teacher.digest}"
        kinds.append(ImageKind(RENDERED, images, masks, truth, mark))
    if counts.generated:
        say(f"{counts.generated:,} generated faces in {folder / GENERATED}")
        place = folder / GENERATED
        network = resolve_generator(generator, device)
        images, mark = generated_images(place, counts.generated, counts.seed, network)
        masks = soft_masks(teacher, images, place, mark, counts.side, _advance(say, len(images)))
        mark = f"{mark}, teacher {teacher.digest}"
        kinds.append(ImageKind(GENERATED, images, masks, None, mark))
    atomic_write(folder / ABOUT, json.dumps(asdict(counts), indent=2) + "\n")
    return HairData(kinds)


def stored_counts(folder: str | os.PathLike) -> FaceCounts:
    """Which faces the data set in a folder holds.

    Raises:
        CheckpointError: there is none.
    """
    path = Path(folder) / ABOUT
    try:
        return FaceCounts(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"no data set in {folder}; give the --data of a finished hair distill"
        ) from error


def generated_images(
    folder: str | os.PathLike, n: int, seed: int, generator: Generator
) -> tuple[Shards, str]:
    """n faces of a generator in a folder, those of a run's first samples, and what names them."""
    mark = f"generator {digest_of(generator)}, seed {seed}"
    layer = "w" if "w" in generator.layers else list(generator.layers)[-1]
    device = device_of(generator)

    @torch.inference_mode()
    def make(start: int, count: int) -> np.ndarray:
        first, end, parts = start // BLOCK, start + count, []
        for block in range(first, -(-end // BLOCK)):  # mapped as a whole, like a run's samples
            z, label = latent_block(seed, SAMPLES, block, generator.z_dim, generator.label_dim)
            labels = torch.tensor(label, device=device) if generator.label_dim else None
            vectors = generator.map(torch.tensor(z, device=device), labels)[layer]
            used = vectors[max(0, start - block * BLOCK) : end - block * BLOCK]
            parts += [generator.synthesize(rows, layer).cpu() for rows in used.split(_BATCH)]
        return to_bytes(torch.cat(parts).float()).numpy()

    return build_shards(folder, "images", n, mark, make), mark


def _advance(say: Callable[[str], None], total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        say(f"soft masks: {done:,}/{total:,}")

    return advance
