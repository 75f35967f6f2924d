"""Training of the property CNN on images with known raw scores."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.checks import Count, Factor, Number, Positive, Seed, Settings, Whole
from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from property_cnn.common.training_state import load_state, parts_state, restore_parts, save_state
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.pictures import from_bytes
from property_cnn.properties import EXCHANGED, PROPERTIES, TURNED

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
        flip: mirror half of the images, see `mirrored_scores`.
        shift: most that an image is moved up, down and sideways, in sides of the image.
        validation: share of the images, the last ones, that are held out of training.
        seed: of the first weights, the order of the images and the mirroring.
        network: size and layout of the network.
    """

    epochs: Count = 14
    batch_size: Annotated[int, Whole(2, 65_536)] = 64
    lr: Positive = 2e-3
    weight_decay: Factor = 1e-2
    flip: bool = True
    shift: Annotated[float, Number(0, 0.25)] = 0.0
    validation: Annotated[float, Number(0, 1, above=True, below=True)] = 0.1
    seed: Seed = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def plain(self) -> dict[str, Any]:
        """As JSON holds them; without a shift of 0, which older files do not name."""
        values = {**asdict(self), "network": self.network.plain()}
        return values if self.shift else {k: v for k, v in values.items() if k != "shift"}


class Mirrored(NamedTuple):
    """What a mirrored image's scores are: `scores[:, columns] * signs`."""

    columns: list[int]
    signs: list[float]


def mirrored_scores(properties: Sequence[str]) -> Mirrored:
    """How scores change in a mirrored image: as `TURNED` and `EXCHANGED` say, others not at all.

    Raises:
        InputError: one has its score from another, which is missing.
    """
    lacking = [name for name in properties if EXCHANGED.get(name, name) not in properties]
    if lacking:
        raise InputError(
            f"mirrored, {lacking[0]} is the {EXCHANGED[lacking[0]]}, which is not learned; "
            "learn both, or do not mirror"
        )
    columns = [list(properties).index(EXCHANGED.get(name, name)) for name in properties]
    return Mirrored(columns, [-1.0 if name in TURNED else 1.0 for name in properties])


def train_scorer(
    images: Tensor,
    targets: Tensor,
    settings: ScorerSettings | None = None,
    checkpoint: str | Path | None = None,
    log: Callable[[str], None] | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> tuple[PropertyCNN, dict[str, float]]:
    """Trains a property CNN by least squares on z-normalised scores.

    Args:
        images: (N, 3, S, S), uint8 or floats in [-1, 1].
        targets: (N, P) raw scores, columns as the network's properties.
        settings: how; the defaults if not given.
        checkpoint: file that the state is kept in after every epoch. Training goes on from one
            of the same settings, images and targets, to the same weights as without the break;
            one of other settings or data is replaced.
        log: called with a line of text after every epoch.
        device: where to train; the images are held there as they are given.
        progress: told of the images of all epochs.

    Returns:
        The network in evaluation mode, and the held-out R² of each property.

    Raises:
        InputError: the shapes are wrong, there are too few images to split, or a score that a
            mirrored image needs is not among them.
        CheckpointError: the checkpoint is a file of another kind, or damaged.
    """
    settings = settings or ScorerSettings()
    _check(images, targets, settings)
    train = len(images) - held_out(len(images), settings.validation)
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
    progress = progress or Progress("", 0, quiet=True)
    progress.skip(first * _steps(train, settings) * settings.batch_size)
    images, targets = images.to(device), targets.float().to(device)
    validation = {}
    for epoch in range(first, settings.epochs):
        lesson = Lesson(images[:train], targets[:train], settings, epoch)
        loss = _train_epoch(network, optimizer, lesson, progress)
        if checkpoint is not None:
            state = {**parts_state(parts), "epoch": epoch + 1}
            save_state(checkpoint, _CHECKPOINT, marks, state)
        if log is not None:
            validation = _held_out(network, images[train:], targets[train:])
            listed = " ".join(f"{name} {value:.3f}" for name, value in validation.items())
            log(f"epoch {epoch + 1}/{settings.epochs}, loss {loss:.4f}, held-out R²: {listed}")
    network.eval()
    return network, validation or _held_out(network, images[train:], targets[train:])


def held_out(n: int, share: float) -> int:
    """How many of n images, the last ones, nothing is learned from."""
    return max(1, round(share * n))


@torch.inference_mode()
def predict_raw(network: PropertyCNN, images: Tensor, batch_size: int = 256) -> Tensor:
    """(N, P) raw scores of images (N, 3, H, W), uint8 or in [-1, 1]; leaves the mode as it was."""
    training = network.training
    network.eval()
    scores = [
        network.denormalise(network(_as_input(batch, network)))
        for batch in images.split(batch_size)
    ]
    network.train(training)
    return torch.cat(scores)


def r_squared(
    predicted: Tensor, wanted: Tensor, properties: Sequence[str] = PROPERTIES
) -> dict[str, float]:
    """Share of each property's variance that (N, P) predictions explain; 0 where it is constant."""
    predicted, wanted = predicted.double(), wanted.double()
    error = (predicted - wanted).square().sum(dim=0)
    total = (wanted - wanted.mean(dim=0)).square().sum(dim=0)
    values = torch.where(total > 0, 1 - error / total, 0.0)
    return dict(zip(properties, values.tolist(), strict=True))


def _check(images: Tensor, targets: Tensor, settings: ScorerSettings) -> None:
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(f"images are (N, 3, S, S), not {tuple(images.shape)}")
    properties = settings.network.properties
    if targets.shape != (len(images), len(properties)):
        raise InputError(
            f"targets are (N, {len(properties)}) for {len(images)} images, "
            f"not {tuple(targets.shape)}"
        )
    if len(images) * (1 - settings.validation) < settings.batch_size + 1:
        raise InputError(
            f"{len(images)} images are too few to train in batches of {settings.batch_size} "
            f"with {settings.validation:.0%} held out"
        )
    if settings.flip:
        mirrored_scores(properties)


def _new_network(settings: ScorerSettings, targets: Tensor) -> PropertyCNN:
    with torch.random.fork_rng(devices=[]):  # layers draw their weights from the global generator
        torch.manual_seed(settings.seed)
        network = PropertyCNN(settings.network)
    network.score_mean.copy_(targets.double().mean(dim=0))
    std = targets.double().std(dim=0, correction=0)
    network.score_std.copy_(torch.where(std > 0, std, 1.0))
    return network


class Lesson(NamedTuple):
    """An epoch: images and raw scores to learn from, and how."""

    images: Tensor
    targets: Tensor
    settings: ScorerSettings
    epoch: int


def _train_epoch(
    network: PropertyCNN, optimizer: torch.optim.Optimizer, lesson: Lesson, progress: Progress
) -> float:
    """One pass over the images in an order of its own; the mean loss."""
    network.train()
    images, targets, settings, epoch = lesson
    generator = torch.Generator().manual_seed((settings.seed << 20) + epoch)
    order = torch.randperm(len(images), generator=generator).to(images.device)
    mirrored = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    most = round(settings.shift * images.shape[-1])
    moves = torch.randint(-most, most + 1, (len(images), 2), generator=generator).tolist()
    change = mirrored_scores(network.properties) if settings.flip else None
    steps = _steps(len(images), settings)
    total = 0.0
    for step in range(steps):
        rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
        batch, wanted = images[rows], targets[rows]
        if most:
            batch = _moved(batch, [moves[row] for row in rows.tolist()])
        if change is not None:
            batch, wanted = _mirror(batch, wanted, mirrored[rows], change)
        batch = _as_input(batch, network)
        loss = F.mse_loss(network(batch), network.normalise(wanted))
        _set_rate(optimizer, settings, epoch * steps + step, settings.epochs * steps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.item()
        progress.advance(settings.batch_size)
    return total / steps


def _steps(images: int, settings: ScorerSettings) -> int:
    """Of an epoch; the rest, shorter than a batch, is left out."""
    return images // settings.batch_size


def _held_out(network: PropertyCNN, images: Tensor, targets: Tensor) -> dict[str, float]:
    return r_squared(predict_raw(network, images), targets, network.properties)


def _as_input(images: Tensor, network: PropertyCNN) -> Tensor:
    images = images.to(network.score_mean.device)
    return from_bytes(images) if images.dtype == torch.uint8 else images.float()


def _moved(images: Tensor, moves: Sequence[Sequence[int]]) -> Tensor:
    """Each image moved by (down, right) pixels; the border that it leaves stays as it was."""
    moved, side = images.clone(), images.shape[-1]
    for target, image, (down, right) in zip(moved, images, moves, strict=True):
        to_rows, to_columns = (slice(max(0, by), side + min(0, by)) for by in (down, right))
        rows, columns = (slice(max(0, -by), side - max(0, by)) for by in (down, right))
        target[:, to_rows, to_columns] = image[:, rows, columns]
    return moved


def _mirror(images: Tensor, raw: Tensor, which: Tensor, change: Mirrored) -> tuple[Tensor, Tensor]:
    """Left and right exchanged where `which` (N,) says, in the images and in their scores."""
    images = torch.where(which[:, None, None, None], images.flip(3), images)
    other = raw[:, change.columns] * raw.new_tensor(change.signs)
    raw = torch.where(which[:, None], other, raw)
    return images, raw


def _set_rate(optimizer: torch.optim.Optimizer, settings: ScorerSettings, step: int, steps: int):
    warm = max(1, round(0.02 * steps))
    rate = settings.lr * min(1.0, (step + 1) / warm) * (1 + math.cos(math.pi * step / steps)) / 2
    for group in optimizer.param_groups:
        group["lr"] = rate


def _fingerprint(images: Tensor, targets: Tensor, settings: ScorerSettings) -> str:
    """Names the settings and the data, so that no checkpoint goes on with others."""
    digest = hashlib.sha256(json.dumps(settings.plain(), sort_keys=True).encode())
    digest.update(str((tuple(images.shape), images.dtype)).encode())
    digest.update(images[:: max(1, len(images) // 64)].cpu().contiguous().numpy().tobytes())
    digest.update(targets.float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
