"""Training of gradient networks, on any number of samples in little memory.

Sizes and training are the reference system's (docs/methods.md). Vectors are
read a window at a time, so that 240,000 samples take no more memory than 32,768. A window is
also a round: after it the network is validated, and its state can be written.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from property_cnn.common.streams import NETWORKS, random_stream
from property_cnn.common.tasks import TRAINING_THREADS, in_threads, run_tasks
from vectorfind.config import GradientSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.gradient.network import WEIGHTS, GradientNetwork
from vectorfind.methods.gradient.products import tanh_layer
from vectorfind.methods.gradient.state import State, StateFile, initial_state
from vectorfind.methods.gradient.windows import (
    BLOCK,
    WINDOW,
    Reader,
    blocks,
    centre_and_scale,
    window_rows,
)
from vectorfind.sampling.sampler import SHARD, SampleSource

VALID = 8192
"""Most samples that the best round is chosen by; they are kept in memory."""

EVERY = 20.0
"""Least number of seconds between two writes of a state."""

Advance = Callable[[int], None]
Metrics = dict[str, dict[str, float]]
"""By head: "mse", "mae", "rmse" and "corr" of the test split."""


@dataclass(frozen=True, eq=False)
class Training:
    """What one network's training depends on.

    Attributes:
        reader: gives the vectors.
        heads: names of the P scores that are learned.
        targets: (n, P) scores in standard deviations, on the CPU.
        split: rows that are trained on, that choose the best round, and that test it.
        seed: of initial weights, batches and dropout.
        settings: complete ones.
        file: keeps the state.
    """

    reader: Reader
    heads: tuple[str, ...]
    targets: Tensor
    split: tuple[np.ndarray, np.ndarray, np.ndarray]
    seed: int
    settings: GradientSettings
    file: StateFile

    def stream(self, *keys: object) -> np.random.Generator:
        """Random numbers of the network's own, for one use each."""
        return random_stream(self.seed, NETWORKS, "+".join(self.heads), *keys)


def train_networks(
    task: FitTask, progress: Advance | None = None, every: float = EVERY
) -> list[tuple[GradientNetwork, Metrics]]:
    """Trains one network with a head a property, or one network a property.

    80 % of the readable samples are trained on, 10 % choose the round, 10 % test it. The same
    samples, seed and names give the same networks, wherever the samples are kept and whatever
    else is trained.

    Args:
        task: samples, properties and settings, of which `gradient.shared` says whether it is one
            network or one a property; networks are trained on its device, as many at once as its
            workers, see `tasks.run_tasks`, each on a fixed number of threads. Its checkpoint folder
            keeps each network's state, to go on from after a stop; a state that is damaged, or of
            other settings or scores, is not used but written anew.
        progress: called with the number of rounds done since the last call; they come to
            `max_epochs` a network.
        every: least number of seconds between two writes of a state.

    Returns:
        Each network with its metrics: the first three in standard deviations of the score (their
        squares).
    """
    trainings = _trainings(task, every)
    progress = progress if in_threads() else None  # another process cannot call it
    tasks = [(training, progress) for training in trainings]
    on_cpu = torch.device(task.device).type == "cpu"
    workers = task.settings.workers if on_cpu else 1
    return list(run_tasks(_train, tasks, workers, training=True))


def _trainings(task: FitTask, every: float) -> list[Training]:
    """One a network."""
    samples, names, find = task.samples, task.properties, task.settings
    device = torch.device(task.device)
    settings = find.gradient.resolve(device)
    readable = np.flatnonzero(samples.readable)
    split = split_rows(readable, find.seed)
    centre, scale = centre_and_scale(samples, find.layer, split[0])
    targets = targets_of(samples, names, readable)
    trainings = []
    for heads in [tuple(names)] if settings.shared else [(name,) for name in names]:
        y = targets[:, [names.index(name) for name in heads]]
        key = hashlib.sha256("+".join(heads).encode()).hexdigest()[:16]
        path = task.checkpoint and task.checkpoint / f"network_{key}.safetensors"
        about = [asdict(settings), heads, find.layer, len(targets), find.seed, device.type]
        fixed = [TRAINING_THREADS, SHARD, WINDOW, VALID]
        file = StateFile(path, [*about, *fixed], y[readable], every)
        dtype = getattr(torch, settings.dtype)
        reader = Reader(samples, find.layer, centre.to(device), scale, dtype)
        trainings.append(Training(reader, heads, y, split, find.seed, settings, file))
    return trainings


def split_rows(readable: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of readable rows those to train on, to choose the round by and to test it on, each sorted."""
    count = len(readable)
    order = readable[random_stream(seed, NETWORKS).permutation(count)]
    train, valid, test = np.split(order, [count - 2 * (count // 10), count - count // 10])
    return np.sort(train), np.sort(valid[:VALID]), np.sort(test)


def _train(training: Training, progress: Advance | None) -> tuple[GradientNetwork, Metrics]:
    """One network, and its metrics by head."""
    reader, heads, test = training.reader, training.heads, training.split[2]
    state = training.file.load(reader.device)
    if state is None:
        size = len(reader.centre)
        state = initial_state(size, len(heads), training.stream(), reader.device)
    _fit(state, training, progress)
    arrays = [weight.cpu().numpy() for weight in state.best]
    weights = dict(zip(WEIGHTS, arrays, strict=True))
    network = GradientNetwork(heads, reader.centre.cpu().numpy(), reader.scale, weights)
    reader.forget()
    with torch.inference_mode():
        read = partial(reader.read, dtype=torch.float32)
        predicted = [_forward(read(rows), state.best).cpu() for rows in blocks(test)]
    return network, _metrics(heads, torch.cat(predicted), training.targets[test])


def batch_size_of(count: int) -> int:
    """The power of two from 64 to 1024 nearest to a hundredth of `count` training samples."""
    return 2 ** min(max(round(math.log2(count / 100)), 6), 10)


def targets_of(samples: SampleSource, names: Sequence[str], readable: np.ndarray) -> Tensor:
    """Scores (n, P) of the names, in standard deviations from the mean of the readable."""
    scores = samples.scores[:, [samples.properties.index(name) for name in names]]
    scores = scores.astype(np.float64)
    known = scores[readable]
    return torch.tensor((scores - known.mean(axis=0)) / known.std(axis=0), dtype=torch.float32)


def _fit(state: State, training: Training, progress: Advance | None) -> None:
    """Trains on from `state`, in place, until patience or rounds are used up."""
    reader, y, settings, stream = (
        training.reader, training.targets, training.settings, training.stream
    )  # fmt: skip
    train, valid, _ = training.split

    def advance(rounds: int) -> None:
        if progress is not None and rounds:
            progress(rounds)

    weights = [weight.requires_grad_() for weight in state.weights]
    optimizer = torch.optim.AdamW(weights, fused=True)
    for name, weight in zip(WEIGHTS, weights, strict=True):
        optimizer.state[weight] = state.moments(name)
    batch_size = settings.batch_size or batch_size_of(len(train))
    x_valid, y_valid = reader.read(valid), y[valid].to(reader.device)
    advance(state.round)
    while state.round < settings.max_epochs and state.waited < settings.patience:
        optimizer.param_groups[0]["lr"] = settings.learning_rate * settings.decay**state.round
        rows = window_rows(train, state.round, stream)
        x, targets = reader.window(rows), y[rows].to(reader.device)
        # Every round has streams of its own, so a training that goes on needs no other state.
        shuffled = torch.from_numpy(stream("epoch", state.round).permutation(len(rows)))
        seed = int(stream("dropout", state.round).integers(2**62))
        draw = torch.Generator(reader.device).manual_seed(seed)
        for batch in shuffled.to(reader.device).tensor_split(math.ceil(len(rows) / batch_size)):
            optimizer.zero_grad(set_to_none=True)
            predicted = _forward(x.index_select(0, batch), weights, settings.dropout, draw)
            F.mse_loss(predicted, targets.index_select(0, batch)).backward()
            optimizer.step()
        del x  # before the next window is read
        state.finish_round(_loss(x_valid, y_valid, weights))
        training.file.save(state)
        advance(1)
    training.file.save(state, now=True)
    advance(settings.max_epochs - state.round)


def _forward(
    x: Tensor, weights: list[Tensor], dropout: float = 0.0, draw: torch.Generator | None = None
) -> Tensor:
    """(B, d) -> (B, P), multiplied in x's dtype; units are dropped where a generator is given."""
    hidden = x
    for weight, bias in (weights[:2], weights[2:4]):
        factors = None
        if draw is not None and dropout > 0:
            factors = _dropout_factors((len(x), len(bias)), 1 - dropout, draw)
        hidden = tanh_layer(hidden, weight, bias, factors, x.dtype)
    return F.linear(hidden, weights[4], weights[5])


def _dropout_factors(shape: tuple[int, int], share: float, draw: torch.Generator) -> Tensor:
    """1/share where a unit is kept, else 0; from 16 random bits a unit, bernoulli_ is slow."""
    count = math.prod(shape)
    bits = torch.empty(count // 4 + 1, dtype=torch.int64, device=draw.device)
    bits = bits.random_(-(2**63), None, generator=draw).view(torch.int16)[:count]
    bits = bits.lt_(min(round(share * 2**16), 2**16 - 1) - 2**15)  # 0 or 1; bool takes longer
    return bits.view(shape).float().mul_(1 / share)


def _loss(x: Tensor, y: Tensor, weights: list[Tensor]) -> float:
    """Mean over samples and heads of the squared error."""
    with torch.inference_mode():
        pairs = zip(x.split(BLOCK), y.split(BLOCK), strict=True)
        errors = [
            F.mse_loss(_forward(some, weights), targets, reduction="sum").item()
            for some, targets in pairs
        ]
    return sum(errors) / y.numel()


def _metrics(
    heads: tuple[str, ...], predicted: Tensor, targets: Tensor
) -> dict[str, dict[str, float]]:
    """By head, from (N, P) predicted and true scores."""
    predicted, targets = predicted.double().numpy(), targets.double().numpy()
    metrics = {}
    for name, got, true in zip(heads, predicted.T, targets.T, strict=True):
        mse = float(np.mean((got - true) ** 2))
        metrics[name] = {
            "mse": mse,
            "mae": float(np.mean(np.abs(got - true))),
            "rmse": mse**0.5,
            "corr": float(np.corrcoef(got, true)[0, 1]),
        }
    return metrics
