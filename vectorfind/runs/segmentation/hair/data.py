"""Faces to distil on, kept in one folder: rendered, generated, photographs, with soft masks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import json_text
from property_cnn.common.progress import Progress, check_room
from property_cnn.common.shards.store import is_store
from property_cnn.common.streams import SAMPLES
from property_cnn.hair.data import (
    IMAGES,
    HairData,
    ImageKind,
    Rows,
    rendered_images,
    soft_masks,
    stored_rows,
)
from property_cnn.hair.photographs import load_photograph_teacher
from property_cnn.hair.settings import FaceCounts
from property_cnn.jobs.folder import Claim, open_folder
from property_cnn.pictures import to_bytes
from property_cnn.segmentation.teachers import Teacher
from vectorfind.models.protocols import Generator, device_of, digest_of, resolve_generator
from vectorfind.sampling.latents import BLOCK, latent_block

ABOUT = "data.json"

RENDERED, GENERATED, PHOTOGRAPHS = "rendered", "generated", "photographs"
"""Names of the kinds of faces."""

PHOTOGRAPHER, PHOTOGRAPH_SIDE = "mobilestylegan", 256
"""The generator of photographs, and their side."""

_BATCH = 32


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
        teacher: gives the soft masks of all but photographs.
        generator: of the generated faces.
        log: called with lines of text.
        device: where faces are generated.
    """
    claim = Claim("", {"kind": "hair data"}, written=(ABOUT,), ours=_holds_faces, option="--data")
    with open_folder(folder, claim) as work:
        work.begin_again()  # what the stores in it hold, they check themselves
        data = _data(Path(folder), counts, teacher, generator, log, device)
        atomic_write(work.folder / ABOUT, json_text(asdict(counts)))
        work.finish()
    return data


def _data(
    folder: Path,
    counts: FaceCounts,
    teacher: Teacher,
    generator: str | os.PathLike | Generator,
    log: Callable[[str], None] | None,
    device: str | torch.device | None,
) -> HairData:
    kinds = []
    row = 5 * counts.side**2  # image, true mask and soft mask
    missing = counts.rendered * (not (folder / RENDERED).is_dir())
    missing += counts.generated * (not (folder / GENERATED).is_dir())
    missing += counts.photographs * (not (folder / PHOTOGRAPHS).is_dir())
    check_room(folder, missing * row)
    if counts.rendered:
        place = folder / RENDERED
        _say(log, f"{counts.rendered:,} rendered faces in {place}")
        images, truth, mark = rendered_images(place, counts.rendered, counts.side, counts.seed)
        kinds.append(_kind(place, RENDERED, teacher, counts.side, (images, truth, mark), log))
    if counts.generated:
        place = folder / GENERATED
        _say(log, f"{counts.generated:,} generated faces in {place}")
        network = resolve_generator(generator, device)
        images, mark = generated_images(place, counts.generated, counts.seed, network)
        kinds.append(_kind(place, GENERATED, teacher, counts.side, (images, None, mark), log))
    if counts.photographs:
        place = folder / PHOTOGRAPHS
        _say(log, f"{counts.photographs:,} photographs in {place}")
        taught = load_photograph_teacher(device)
        network = resolve_generator(PHOTOGRAPHER, device, size=PHOTOGRAPH_SIDE)
        images, mark = generated_images(place, counts.photographs, counts.seed, network)
        kinds.append(_kind(place, PHOTOGRAPHS, taught, counts.side, (images, None, mark), log))
    return HairData(kinds)


def _holds_faces(folder: Path) -> bool:
    return any(is_store(folder / name / IMAGES) for name in (RENDERED, GENERATED, PHOTOGRAPHS))


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


def generated_images(folder: Path, n: int, seed: int, generator: Generator) -> tuple[Rows, str]:
    """n faces of a generator in a folder, those of a run's first samples, and what names them."""
    mark = f"generator {digest_of(generator)}, seed {seed}"
    layer = "w" if "w" in generator.layers else list(generator.layers)[-1]
    device = device_of(generator)

    @torch.inference_mode()
    def make(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        first, end, parts = start // BLOCK, start + count, []
        for block in range(first, -(-end // BLOCK)):  # mapped as a whole, like a run's samples
            z, label = latent_block(seed, SAMPLES, block, generator.z_dim, generator.label_dim)
            labels = torch.tensor(label, device=device) if generator.label_dim else None
            vectors = generator.map(torch.tensor(z, device=device), labels)[layer]
            used = vectors[max(0, start - block * BLOCK) : end - block * BLOCK]
            parts += [generator.synthesize(rows, layer).cpu() for rows in used.split(_BATCH)]
        return {IMAGES: to_bytes(torch.cat(parts).float()).numpy()}

    return stored_rows(folder / IMAGES, mark, n, (IMAGES,), make)[0], mark


def _kind(
    place: Path,
    name: str,
    teacher: Teacher,
    side: int,
    made: tuple[Rows, Rows | None, str],
    log: Callable[[str], None] | None,
) -> ImageKind:
    """Images, their true masks or None, and what names them, with the teacher's masks."""
    images, truth, mark = made
    progress = Progress("soft masks", len(images), "images", quiet=log is None)
    masks = soft_masks(teacher, images, place, mark, side, progress)
    return ImageKind(name, images, masks, truth, f"{mark}, teacher {teacher.digest}")


def _say(log: Callable[[str], None] | None, line: str) -> None:
    if log is not None:
        log(line)
