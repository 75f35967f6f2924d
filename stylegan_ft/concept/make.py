"""Makes a file of concept classifiers from labelled images, with its table and its card."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import atomic_write, load_tensors, save_tensors
from property_cnn.common.training_state import fingerprint
from property_cnn.faces import VERSION, render_faces, sample_attributes
from property_cnn.pictures import to_bytes
from stylegan_ft.concept.card import card_text
from stylegan_ft.concept.classifiers import KEY, save_classifiers
from stylegan_ft.concept.network import Member
from stylegan_ft.concept.rendered import rendered_labels
from stylegan_ft.concept.settings import CONCEPT, EnsembleSettings
from stylegan_ft.concept.train import check_labels, fold_rows, train_member

WEIGHTS, TABLE, CARD, MEMBERS = "concept.safetensors", "concept.csv", "concept.md", "members"
COLUMNS = ("attribute", "fold", "images", "positive", "auroc")
"""Columns of the table, a row a member: the images of its fold, and how many are positive."""

_BATCH = 64  # faces rendered at once

Run = Callable[[Callable[..., Any], Iterable[tuple]], Iterable[Any]]
"""Results of function(*task) in the order of the tasks, e.g. `itertools.starmap`."""


def rendered_faces(
    n: int, seed: int, size: int = 64, advance: Callable[[int], None] | None = None
) -> tuple[Tensor, np.ndarray]:
    """Faces of a seed's population: images (n, 3, size, size) uint8, labels (n, 4) as `CONCEPT`.

    Labels are 1, 0 or, where they are doubtful, NaN.

    Args:
        advance: called with the number of faces after each batch.
    """
    if n < 1:
        raise InputError(f"{n} faces asked for; need at least 1")
    images, labels = [], []
    for start in range(0, n, _BATCH):
        attributes = sample_attributes(min(_BATCH, n - start), seed, start)
        images.append(to_bytes(render_faces(attributes, size)))
        labels.append(rendered_labels(attributes))
        if advance is not None:
            advance(len(attributes))
    return torch.cat(images), torch.cat(labels).numpy()


def make_classifiers(
    images: Tensor,
    labels: np.ndarray,
    out: str | os.PathLike,
    run: Run,
    settings: EnsembleSettings | None = None,
    made: Mapping[str, str] | None = None,
    log: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Trains all members, or those that the folder lacks, and writes weights, table and card.

    A member is kept in OUT/members as soon as it is trained, under the name of its settings and
    data, and not trained again.

    Args:
        images: (N, 3, S, S) uint8.
        labels: (N, 4) of 1, 0 or NaN for not known, columns `CONCEPT`.
        out: folder of `concept.safetensors`, `concept.csv`, `concept.md` and the members.
        run: runs the members' training.
        settings: how they are trained.
        made: what to say of the making on the card: what -> how.
        log: called with a line of text a member.

    Returns:
        The table, columns `COLUMNS`.

    Raises:
        InputError: shapes or labels are wrong, or a class has too few images.
    """
    settings, out, made = settings or EnsembleSettings(), Path(out), dict(made or {})
    check_labels(images, labels)
    folds = {name: _folds(name, labels, settings) for name in CONCEPT}
    marks = fingerprint(settings=asdict(settings), data=data_digest(images, labels))
    wanted = [(name, fold) for name in CONCEPT for fold in range(settings.folds)]
    paths = [out / MEMBERS / f"{name}-{fold}.safetensors" for name, fold in wanted]
    tasks = [
        (path, marks, images, labels, name, fold, settings)
        for path, (name, fold) in zip(paths, wanted, strict=True)
    ]
    members, rows = {name: [] for name in CONCEPT}, []
    for (name, fold), (member, auroc) in zip(wanted, run(_kept_member, tasks), strict=True):
        truth = labels[folds[name][fold][1], CONCEPT.index(name)]
        rows.append((name, fold, len(truth), int(truth.sum()), auroc))
        members[name].append(member)
        log(f"{name}, fold {fold + 1} of {settings.folds}: AUROC {auroc:.4f}")
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    recipe = {"settings": asdict(settings), "made": made, "renderer": VERSION}
    save_classifiers(out / WEIGHTS, members, recipe)
    atomic_write(out / TABLE, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
    atomic_write(out / CARD, card_text(table, settings, out / WEIGHTS, made))
    return table


def is_member(path: Path) -> bool:
    """Whether a file is a whole one that `make_classifiers` keeps of a member."""
    try:
        return "member" in load_tensors(path)[1]
    except CheckpointError:
        return False


def made_like(path: str | os.PathLike, settings: EnsembleSettings) -> bool:
    """Whether the file holds classifiers made with these settings and this renderer."""
    try:
        card = json.loads(load_tensors(path)[1][KEY])
    except (CheckpointError, KeyError, ValueError):
        return False
    wanted = json.loads(json.dumps(asdict(settings)))
    return card.get("settings") == wanted and card.get("renderer") == VERSION


def data_digest(images: Tensor, labels: np.ndarray) -> str:
    """16 hexadecimal digits that name images and labels."""
    digest = hashlib.sha256(str((tuple(images.shape), labels.shape)).encode())
    digest.update(images.contiguous().numpy().tobytes())
    digest.update(np.ascontiguousarray(labels, np.float32).tobytes())
    return digest.hexdigest()[:16]


def _folds(name: str, labels: np.ndarray, settings: EnsembleSettings) -> list[tuple]:
    try:
        return fold_rows(labels[:, CONCEPT.index(name)], settings)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _kept_member(
    path: Path,
    marks: str,
    images: Tensor,
    labels: np.ndarray,
    name: str,
    fold: int,
    settings: EnsembleSettings,
) -> tuple[Member, float]:
    """The member in the file if it fits, else a newly trained one, which is kept there."""
    known = _stored(path, marks, settings)
    if known is not None:
        return known
    member, auroc = train_member(images, labels, name, fold, settings)
    text = json.dumps({"marks": marks, "auroc": auroc})
    save_tensors(path, member.state_dict(), {"member": text})
    return member, auroc


def _stored(path: Path, marks: str, settings: EnsembleSettings) -> tuple[Member, float] | None:
    if not path.is_file():
        return None
    try:
        tensors, metadata = load_tensors(path)
        about = json.loads(metadata["member"])
        if about["marks"] != marks:
            return None
        member = Member(settings.network, folded=True).eval().requires_grad_(False)
        member.load_state_dict(tensors)
        return member, float(about["auroc"])
    except (CheckpointError, KeyError, TypeError, ValueError, RuntimeError):
        return None
