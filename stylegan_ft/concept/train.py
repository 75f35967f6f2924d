"""Training of the ensembles: stratified k-fold, one member a fold, each on its own.

Five-fold soft voting over CNNs is what the reference filtered its images with; the network and
its training are our own.
"""

from __future__ import annotations

import math
import threading

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.pictures import from_bytes
from stylegan_ft.concept.network import Member, as_input, folded
from stylegan_ft.concept.settings import CONCEPT, EnsembleSettings

_NEW_WEIGHTS = threading.Lock()


def fold_rows(labels: np.ndarray, settings: EnsembleSettings) -> list[tuple[np.ndarray, ...]]:
    """Rows to learn from and to validate on, a pair a fold; rows without a label are in none.

    Args:
        labels: (N,) of 1, 0 or NaN.

    Raises:
        InputError: a class has fewer images than there are folds.
    """
    known = np.flatnonzero(~np.isnan(labels))
    classes = labels[known].astype(np.int64)
    fewest = int(np.bincount(classes, minlength=2).min())
    if fewest < settings.folds:
        raise InputError(
            f"{fewest} images of a class for {settings.folds} folds; label at least one a fold"
        )
    splitter = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    return [(known[a], known[b]) for a, b in splitter.split(classes, classes)]


def check_labels(images: Tensor, labels: np.ndarray) -> None:
    """Raises InputError unless images are (N, 3, S, S) uint8 and labels (N, 4) of 1, 0 and NaN."""
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != torch.uint8:
        raise InputError(f"images are (N, 3, S, S) uint8, not {tuple(images.shape)} {images.dtype}")
    if labels.shape != (len(images), len(CONCEPT)):
        raise InputError(
            f"labels are (N, {len(CONCEPT)}) for {len(images)} images, not {labels.shape}"
        )
    for name, column in zip(CONCEPT, labels.T, strict=True):
        odd = column[~np.isnan(column) & (column != 0) & (column != 1)]
        if len(odd):
            raise InputError(f"{name} holds {odd[0]:g}; labels are 1, 0 or left empty")


def train_member(
    images: Tensor, labels: np.ndarray, attribute: str, fold: int, settings: EnsembleSettings
) -> tuple[Member, float]:
    """One member and its AUROC on the fold that it did not see.

    It depends on the arguments alone, so that members can be trained in any order; on the CPU
    the same thread count gives the same bits.

    Args:
        images: (N, 3, S, S) uint8.
        labels: (N, 4) of 1, 0 or NaN, columns `CONCEPT`.
        attribute: one of `CONCEPT`.
        fold: 0 … folds - 1.
        settings: how.

    Returns:
        The member, its normalisation folded in.

    Raises:
        InputError: shapes or labels are wrong, or a class has too few images.
    """
    check_labels(images, labels)
    column = CONCEPT.index(attribute)
    learned, unseen = fold_rows(labels[:, column], settings)[fold]
    truth = torch.from_numpy(labels[:, column].astype(np.float32))
    keys = np.random.SeedSequence([settings.seed, column, fold]).generate_state(2, np.uint32)
    rng = torch.Generator().manual_seed(int(keys[0]))
    with _NEW_WEIGHTS, torch.random.fork_rng(devices=[]):  # layers draw from the global generator
        torch.manual_seed(int(keys[1]))
        member = Member(settings.network)
    member.to(memory_format=torch.channels_last)
    _fit(member, images, truth, torch.from_numpy(learned), settings, rng)
    member = folded(member)
    scores = probabilities(member, images, torch.from_numpy(unseen))
    return member, float(roc_auc_score(labels[unseen, column], scores))


def _fit(
    member: Member,
    images: Tensor,
    truth: Tensor,
    rows: Tensor,
    settings: EnsembleSettings,
    rng: torch.Generator,
) -> None:
    size = min(settings.batch_size, len(rows))
    steps = settings.epochs * (len(rows) // size)  # of each epoch, the rest of a batch is left out
    optimizer = torch.optim.AdamW(
        member.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    member.train()
    step = 0
    for _ in range(settings.epochs):
        order = rows[torch.randperm(len(rows), generator=rng)]
        for chosen in order.split(size):
            if len(chosen) < size:
                continue
            batch = _mirrored(from_bytes(images[chosen]), rng)
            inputs = as_input(batch, settings.network.side)
            mask = torch.rand(size, member.linear.in_features, generator=rng) >= settings.dropout
            logits = member(inputs, mask / (1.0 - settings.dropout))
            loss = F.binary_cross_entropy_with_logits(logits, truth[chosen])
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1


def _mirrored(images: Tensor, rng: torch.Generator) -> Tensor:
    chosen = torch.rand(len(images), generator=rng) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


@torch.inference_mode()
def probabilities(member: Member, images: Tensor, rows: Tensor) -> np.ndarray:
    """(len(rows),) probabilities of some of the images (N, 3, S, S) uint8."""
    side = member.settings.side
    parts = [member(as_input(from_bytes(images[part]), side)).sigmoid() for part in rows.split(256)]
    return torch.cat(parts).numpy()
