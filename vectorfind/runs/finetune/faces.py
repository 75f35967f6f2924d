"""What concept classifiers learn from, and their making: rendered faces or a user's own images."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from property_cnn.common.checks import Whole
from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread, run_tasks
from property_cnn.face_scores import MAP_SIZE, parsing_scores
from property_cnn.faces import VERSION, render_faces, render_parsing, sample_attributes
from property_cnn.jobs.folder import Claim, open_folder
from property_cnn.network.scorer import load_scorer
from property_cnn.pictures import from_bytes, to_bytes
from property_cnn.properties import PROPERTIES
from stylegan_ft.concept import CONCEPT
from stylegan_ft.concept.make import (
    CARD,
    MEMBERS,
    TABLE,
    WEIGHTS,
    is_member,
    make_classifiers,
    rendered_faces,
)
from stylegan_ft.concept.rendered import rendered_labels
from stylegan_ft.concept.settings import FACES, EnsembleSettings
from stylegan_ft.training.image_folder import FILE, LABELS, load_images, read_labels
from vectorfind.runs.finetune.image_parts import (
    Part,
    build_parts,
    claimed,
    images_missing,
    write_labels,
)
from vectorfind.runs.finetune.settings import FaceSettings

_BATCH = 64  # faces drawn at once


@one_thread()
def write_faces(
    out: str | os.PathLike,
    settings: FaceSettings | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    command: str = "",
) -> Path:
    """Renders faces into an image folder, with what is known of them; resumes.

    `labels.csv` has the eight scores, computed from the faces' parsing maps and z-normalised as
    the shipped scorer's answers are, and the four attributes as 1, 0 or, where doubtful, empty.

    Args:
        out: the folder.
        settings: which faces; those of `FaceSettings` if not given.
        workers: parts of 512 faces at once; None for one a core.
        overwrite: replace faces of other settings.
        quiet: show no progress.
        command: kept in `settings.json`.

    Returns:
        The folder.

    Raises:
        InputError: the folder holds something else.
    """
    settings = settings or FaceSettings()
    scorer = load_scorer(device="cpu")
    made_from = {"kind": "faces", **asdict(settings), "renderer": VERSION, "scorer": scorer.digest}

    def make(start: int, count: int) -> Part:
        attributes = sample_attributes(count, settings.seed, start)
        images, raw = [], []
        for rows in attributes.split(_BATCH):
            images.append(to_bytes(render_faces(rows, settings.size)))
            maps = render_parsing(rows, MAP_SIZE)
            raw.append(parsing_scores(from_bytes(images[-1]), maps))
        scores = scorer.network.normalise(torch.cat(raw))
        values = torch.cat([scores, rendered_labels(attributes)], dim=1)
        return Part(values.numpy(), np.ones(count, bool), torch.cat(images))

    with claimed(out, made_from, command, overwrite) as folder:
        progress = Progress("rendering", settings.n, "faces", quiet)
        progress.foresee(*images_missing(folder, settings.n, settings.size), folder)
        values, kept = build_parts(folder, made_from, settings.n, make, progress, workers)
        write_labels(folder, kept, values, [*PROPERTIES, *CONCEPT])
    return Path(out)


@one_thread()
def train_concept(
    out: str | os.PathLike,
    images: str | os.PathLike | None = None,
    faces: int = FACES,
    settings: EnsembleSettings | None = None,
    workers: int | None = None,
    quiet: bool = False,
    command: str = "",
) -> pd.DataFrame:
    """Trains the classifiers and writes them with their table and card; resumes.

    Args:
        out: folder; see `stylegan_ft.concept.make.make_classifiers`.
        images: an image folder with all four attributes in its `labels.csv`, 1, 0 or empty;
            None for rendered faces.
        faces: how many of those, of the settings' seed.
        settings: of the training.
        workers: members at once; None for one a core.
        quiet: print nothing.
        command: named on the card.

    Returns:
        AUROC of every fold; see `stylegan_ft.concept.make.COLUMNS`.

    Raises:
        InputError: a column is missing, holds something else, or has too few images of a class.
        CheckpointError: the image folder has no labels.
    """
    settings = settings or EnsembleSettings()
    Whole(1, 1_000_000).check("faces", faces)  # they are held in memory
    made = (WEIGHTS, TABLE, CARD)
    claim = Claim("", {"kind": "concept"}, written=made, ours=_holds_members)
    with open_folder(out, claim) as work:
        work.begin_again()  # whether they are up to date, the members say themselves
        if images is None:
            progress = Progress("rendering", faces, "faces", quiet)
            data = rendered_faces(faces, settings.seed, settings.network.side, progress.advance)
            source = f"{faces:,} rendered faces of seed {settings.seed}, renderer version "
            source += f"{VERSION}; doubtful ones are left out of an attribute"
        else:
            data = labelled_images(images, settings.network.side)
            source = f"{len(data[0]):,} labelled images"
        about = {"Images": source} | ({"Command": f"`{command}`"} if command else {})
        say = (lambda line: None) if quiet else print
        run = partial(run_tasks, workers=workers)
        table = make_classifiers(*data, work.folder, run, settings, about, say)
        for path in sorted((work.folder / MEMBERS).glob("*.safetensors")):
            work.append(path)  # other processes may have written them
        work.finish()
    return table


def _holds_members(folder: Path) -> bool:
    return any(is_member(path) for path in (folder / MEMBERS).glob("*.safetensors"))


def labelled_images(folder: str | os.PathLike, size: int) -> tuple[torch.Tensor, np.ndarray]:
    """Images (N, 3, size, size) uint8 and labels (N, 4), columns `CONCEPT`, of an image folder.

    Raises:
        InputError: an attribute has no column, or an image cannot be read.
        CheckpointError: there are no labels.
    """
    table = read_labels(folder)
    missing = [name for name in CONCEPT if name not in table]
    if missing:
        raise InputError(
            f"{Path(folder) / LABELS} has no column {', '.join(missing)}; it needs "
            f"{', '.join(CONCEPT)}, as 1, 0 or an empty cell where it is not known"
        )
    labels = table[list(CONCEPT)].to_numpy(np.float32)
    return load_images(folder, list(table[FILE]), size), labels
