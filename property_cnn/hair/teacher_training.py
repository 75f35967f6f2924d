"""Training of the SegFormer teacher on rendered faces, none of which it sees twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.devices import autocast
from property_cnn.common.training_state import (
    fingerprint,
    own_state,
    parts_state,
    restore_parts,
    save_state,
)
from property_cnn.faces import VERSION, render_both, sample_attributes
from property_cnn.faces.classes import Part
from property_cnn.hair.teacher import SegformerTeacher
from property_cnn.segmentation.degrade import degrade
from property_cnn.segmentation.metrics import MaskScores
from property_cnn.segmentation.networks.segformer import CLASSES, new_segformer
from property_cnn.segmentation.settings import TeacherSettings
from property_cnn.segmentation.teachers import hair_probability

TEST_SEED_STEP = 1_000_003
"""Test faces come from the population of the seed plus this one."""

_CHECKPOINT = "hair teacher training checkpoint 1"
_TEST_BATCH = 16


def train_teacher(
    settings: TeacherSettings | None = None,
    checkpoint: str | Path | None = None,
    log: Callable[[str], None] | None = None,
    device: str | torch.device = "cpu",
) -> tuple[SegformerTeacher, dict[str, float]]:
    """Trains a SegFormer by cross-entropy on all classes of the rendered faces' parsing maps.

    Args:
        settings: how; the defaults if not given.
        checkpoint: file that the state is kept in. Training goes on from one of the same
            settings, to the same weights as without the break; another is replaced.
        log: called with a line of text at every checkpoint.
        device: where to train and render.

    Returns:
        The teacher, and its scores on test faces: those of `metrics.MaskScores` for hair.

    Raises:
        CheckpointError: the checkpoint is a file of another kind, or damaged.
    """
    settings = settings or TeacherSettings()
    network = new_segformer(settings.network, seed=settings.seed).to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    marks = fingerprint(settings=asdict(settings), renderer=VERSION)
    parts, first = {"network": network, "optimizer": optimizer}, 0
    state = own_state(checkpoint, _CHECKPOINT, marks, {**parts_state(parts), "step": 0})
    if state is not None:
        restore_parts(parts, state)
        first = state["step"]
    steps = settings.faces // settings.batch_size
    network.train()
    for step in range(first, steps):
        _set_rate(optimizer, settings.lr, step, steps)
        loss = _train_step(network, optimizer, settings, step, device)
        done = step + 1
        if done % settings.save_every == 0 or done == steps:
            if checkpoint is not None:
                state = {**parts_state(parts), "step": done}
                save_state(checkpoint, _CHECKPOINT, marks, state)
            if log is not None:
                log(f"teacher: step {done}/{steps}, loss {loss:.4f}")
    teacher = SegformerTeacher(network, CLASSES, settings.network.side, device=device)
    return teacher, measure_teacher(teacher, settings, device)


def measure_teacher(
    teacher: SegformerTeacher, settings: TeacherSettings, device: str | torch.device = "cpu"
) -> dict[str, float]:
    """Scores of its hair masks against the true ones, on rendered faces of another population."""
    scores = MaskScores()
    for start in range(0, settings.test_faces, _TEST_BATCH):
        count = min(_TEST_BATCH, settings.test_faces - start)
        images, maps = _faces(settings, count, settings.seed + TEST_SEED_STEP, start, device)
        scores.add(hair_probability(teacher, images)[:, 0], maps == Part.HAIR)
    return scores.result()


def _train_step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    settings: TeacherSettings,
    step: int,
    device: str | torch.device,
) -> float:
    images, maps = _faces(
        settings, settings.batch_size, settings.seed, step * settings.batch_size, device
    )
    images = degrade(images, torch.Generator().manual_seed(settings.seed * 2**32 + step))
    with autocast(device, settings.dtype):
        logits = network(images).logits.float()
    logits = F.interpolate(logits, maps.shape[-2:], mode="bilinear", align_corners=False)
    loss = F.cross_entropy(logits, maps.long())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def _faces(
    settings: TeacherSettings, count: int, seed: int, start: int, device: str | torch.device
) -> tuple[Tensor, Tensor]:
    """Images (N, 3, S, S) and parsing maps (N, S, S) of the faces `start` … of a population."""
    attributes = sample_attributes(count, seed, start).to(device)
    images, maps = render_both(attributes, settings.network.side)
    return images.clone(), maps.clone()  # those of inference mode cannot be trained on


def _set_rate(optimizer: torch.optim.Optimizer, highest: float, step: int, steps: int) -> None:
    warm = max(1, round(0.05 * steps))
    rate = highest * min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * step / steps)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate
