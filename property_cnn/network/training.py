"""Training of the property CNN on images with known raw scores."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.checks import Count, Factor, Number, Positive, Seed, Settings, Whole
from property_cnn.common.errors import InputError
from property_cnn.common.training_state import load_state, parts_state, restore_parts, save_state
from property_cnn.network.cnn import NetworkSettings, PropertyCNN
from property_cnn.network.dataset import from_bytes
from property_cnn.properties import PROPERTIES

_POSE = PROPERTIES.index("pose")
_CHECKPOINT = "property_cnn training checkpoint 1"


@dataclass(frozen=True)
class ScorerSettings(Settings):
    """How a property CNN is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        lr: highest learning rate of AdamW; it rises over the first 2 % of the steps and falls
            along a half cosine to 0.
        weight_decay: of AdamW.
        flip: mirror half of the images, with the sign of their pose.
        validation: share of the images, the last ones, that are held out of training.
        seed: of the first weights, the order of the images and the mirroring.
        network: size of the network.
    """

    epochs: Count = 14
    batch_size: Annotated[int, Whole(2, 65_536)] = 64
    lr: Positive = 2e-3
    weight_decay: Factor = 1e-2
    flip: bool = True
    validation: Annotated[float, Number(0, 1, above=True, below=True)] = 0.1
    seed: Seed = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)


def train_scorer(
    images: Tensor,
    targets: Tensor,
    settings: ScorerSettings | None = None,
    checkpoint: str | Path | None = None,
    log: Callable[[str], None] | None = None,
    device: str | torch.device = "cpu",
) -> tuple[PropertyCNN, dict[str, float]]:
    """Trains a property CNN by least squares on z-normalised scores.

    Args:
        images: (N, 3, S, S), uint8 or floats in [-1, 1].
        targets: (N, 8) raw scores in the order of `PROPERTIES`.
        settings: how; the defaults if not given.
        checkpoint: file that the state is kept in after every epoch. Training goes on from one
            of the same settings, images and targets, to the same weights as without the break;
            one of other settings or data is replaced.
        log: called with a line of text after every epoch.
        device: where to train; the images are held there as they are given.

    Returns:
        The network in evaluation mode, and the held-out R² of each property.

    Raises:
        InputError: the shapes are wrong, or there are too few images to split.
        CheckpointError: the checkpoint is a file of another kind, or damaged.
    """
    settings = settings or ScorerSettings()
    _check(images, targets, settings)
    held_out = max(1, round(settings.validation * len(images)))
    train = len(images) - held_out
    network = _new_network(settings, targets[:train]).to(device)
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    parts = {"network": network, "optimizer": optimizer}
    marks, first = _fingerprint(images, targets, settings), 0
    state = load_state(checkpoint, _CHECKPOINT, marks, {**parts_state(parts), "epoch": 0})
    if state is not None:
        restore_parts(parts, state)
        first = state["epoch"]
    images, targets = images.to(device), targets.float().to(device)
    validation = {}
    for epoch in range(first, settings.epochs):
        loss = _train_epoch(network, optimizer, images[:train], targets[:train], settings, epoch)
        if checkpoint is not None:
            state = {**parts_state(parts), "epoch": epoch + 1}
            save_state(checkpoint, _CHECKPOINT, marks, state)
        if log is not None:
            validation = r_squared(predict_raw(network, images[train:]), targets[train:])
            listed = " ".join(f"{name} {value:.3f}" for name, value in validation.items())
            log(f"epoch {epoch + 1}/{settings.epochs}, loss {loss:.4f}, held-out R²: {listed}")
    network.eval()
    return network, validation or r_squared(predict_raw(network, images[train:]), targets[train:])


@torch.inference_mode()
def predict_raw(network: PropertyCNN, images: Tensor, batch_size: int = 256) -> Tensor:
    """(N, 8) raw scores of images (N, 3, H, W), uint8 or in [-1, 1]; leaves the mode as it was."""
    training = network.training
    network.eval()
    scores = [
        network.denormalise(network(_as_input(batch, network)))
        for batch in images.split(batch_size)
    ]
    network.train(training)
    return torch.cat(scores)


def r_squared(predicted: Tensor, wanted: Tensor) -> dict[str, float]:
    """Share of each property's variance that (N, 8) predictions explain; 0 where it is constant."""
    predicted, wanted = predicted.double(), wanted.double()
    error = (predicted - wanted).square().sum(dim=0)
    total = (wanted - wanted.mean(dim=0)).square().sum(dim=0)
    values = torch.where(total > 0, 1 - error / total, 0.0)
    return dict(zip(PROPERTIES, values.tolist(), strict=True))


def _check(images: Tensor, targets: Tensor, settings: ScorerSettings) -> None:
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"images are (N, 3, S, S), not {tuple(images.shape)}")
    if targets.shape != (len(images), len(PROPERTIES)):
        raise InputError(
            f"targets are (N, {len(PROPERTIES)}) for {len(images)} images, "
            f"not {tuple(targets.shape)}"
        )
    if len(images) * (1 - settings.validation) < settings.batch_size + 1:
        raise InputError(
            f"{len(images)} images are too few to train in batches of {settings.batch_size} "
            f"with {settings.validation:.0%} held out"
        )


def _new_network(settings: ScorerSettings, targets: Tensor) -> PropertyCNN:
    with torch.random.fork_rng(devices=[]):  # layers draw their weights from the global generator
        torch.manual_seed(settings.seed)
        network = PropertyCNN(settings.network)
    network.score_mean.copy_(targets.double().mean(dim=0))
    std = targets.double().std(dim=0, correction=0)
    network.score_std.copy_(torch.where(std > 0, std, 1.0))
    return network


def _train_epoch(
    network: PropertyCNN,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    targets: Tensor,
    settings: ScorerSettings,
    epoch: int,
) -> float:
    """One pass over the images in an order of its own; the mean loss."""
    network.train()
    generator = torch.Generator().manual_seed((settings.seed << 20) + epoch)
    order = torch.randperm(len(images), generator=generator).to(images.device)
    mirrored = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    steps = len(images) // settings.batch_size  # the rest, shorter than a batch, is left out
    total = 0.0
    for step in range(steps):
        rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
        batch, wanted = _as_input(images[rows], network), targets[rows]
        if settings.flip:
            batch, wanted = _mirror(batch, wanted, mirrored[rows])
        loss = F.mse_loss(network(batch), network.normalise(wanted))
        _set_rate(optimizer, settings, epoch * steps + step, settings.epochs * steps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / steps


def _as_input(images: Tensor, network: PropertyCNN) -> Tensor:
    images = images.to(network.score_mean.device)
    images = from_bytes(images) if images.dtype == torch.uint8 else images.float()
    return images.contiguous(memory_format=torch.channels_last)


def _mirror(images: Tensor, raw: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """Left and right exchanged where `which` (N,) says: every score stays but pose, which turns."""
    images = torch.where(which[:, None, None, None], images.flip(3), images)
    sign = torch.where(which, -1.0, 1.0)
    raw = raw.clone()
    raw[:, _POSE] *= sign
    return images.contiguous(memory_format=torch.channels_last), raw


def _set_rate(optimizer: torch.optim.Optimizer, settings: ScorerSettings, step: int, steps: int):
    warm = max(1, round(0.02 * steps))
    rate = settings.lr * min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * step / steps)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate


def _fingerprint(images: Tensor, targets: Tensor, settings: ScorerSettings) -> str:
    """Names the settings and the data, so that no checkpoint goes on with others."""
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    digest.update(str((tuple(images.shape), images.dtype)).encode())
    digest.update(images[:: max(1, len(images) // 64)].cpu().contiguous().numpy().tobytes())
    digest.update(targets.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
