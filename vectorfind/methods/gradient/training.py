"""Training of gradient networks, on any number of samples in little memory.

Sizes and training are the reference system's (docs/methods.md). Vectors are
read a window at a time, so that 240,000 samples take no more memory than 32,768. A window is
also a round: after it the network is validated, and its state can be written.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from property_cnn.common.errors import InputError
from property_cnn.common.streams import NETWORKS, random_stream
from property_cnn.common.tasks import in_threads, run_tasks
from vectorfind.config import GradientSettings
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

LEAST = 50
"""Least number of readable samples that a network is trained on."""

VALID = 8192
"""Most samples that the best round is chosen by; they are kept in memory."""

Stream = Callable[..., np.random.Generator]


def train_networks(
    samples: SampleSource,
    layer: str,
    names: Sequence[str],
    seed: int,
    settings: GradientSettings = GradientSettings(),  # noqa: B008, frozen
    device: torch.device | str = "cpu",
    checkpoint: str | os.PathLike | None = None,
    progress: Callable[[int], None] | None = None,
    every: float = 20.0,
    workers: int | None = None,
    only: int | None = None,
) -> list[tuple[GradientNetwork, dict[str, dict[str, float]]]]:
    """Trains one network with a head a property, or one network a property.

    80 % of the readable samples are trained on, 10 % choose the round, 10 % test it. The same
    samples, seed and names give the same networks, wherever the samples are kept.

    Args:
        samples: scores and vectors; no property's scores are all the same.
        layer: whose vectors.
        names: the properties.
        seed: fixes split, initial weights, batches and dropout.
        settings: of the training; `shared` says whether it is one network or one a property.
        device: where to train.
        checkpoint: a folder for each network's state, to go on from after a stop; the caller
            removes it when the networks are safe. A state that is damaged, or of other settings
            or scores, is not used but written anew.
        progress: called with the number of rounds done since the last call; they come to
            `max_epochs` a network.
        every: least number of seconds between two writes of a state.
        workers: networks at once, see `tasks.run_tasks`; each of several has one thread.
        only: number of the one network to train; None for all.

    Returns:
        Each network with, by property, its test split's "mse", "mae", "rmse" and "corr", the
        first three in standard deviations of the score (their squares).

    Raises:
        InputError: fewer than 50 readable samples.
    """
    readable = np.flatnonzero(samples.readable)
    count = len(readable)
    if count < LEAST:
        raise InputError(
            f"{count} readable samples are too few for a gradient network; give {LEAST}"
        )
    order = readable[random_stream(seed, NETWORKS).permutation(count)]
    train, valid, test = np.split(order, [count - 2 * (count // 10), count - count // 10])
    train, valid, test = np.sort(train), np.sort(valid[:VALID]), np.sort(test)
    targets = _targets(samples, names, readable)

    groups = [tuple(names)] if settings.shared else [(name,) for name in names]
    device = torch.device(device)
    settings = settings.resolve(device)
    spread = centre_and_scale(samples, layer, train)
    told = progress if in_threads() else None  # another process cannot call it
    tasks = []
    for index, heads in enumerate(groups):
        y = targets[:, [names.index(name) for name in heads]]
        path = None if checkpoint is None else Path(checkpoint) / f"network{index}.safetensors"
        about = [asdict(settings), heads, layer, len(targets), seed, device.type]
        file = StateFile(path, [*about, SHARD, WINDOW, VALID], y[readable], every)
        dtype = getattr(torch, settings.dtype)
        reader = Reader(samples, layer, spread[0].to(device), spread[1], dtype)
        tasks.append((reader, heads, y, (train, valid, test), seed, settings, file, told))
    tasks = tasks if only is None else [tasks[only]]
    if len(tasks) == 1:  # all threads for the one
        return [_train(*tasks[0])]
    return list(run_tasks(_train, tasks, workers if device.type == "cpu" else 1))


def _train(
    reader: Reader,
    heads: tuple[str, ...],
    y: Tensor,  # (n, P), on the CPU
    split: tuple[np.ndarray, np.ndarray, np.ndarray],
    seed: int,
    settings: GradientSettings,
    file: StateFile,
    progress: Callable[[int], None] | None,
) -> tuple[GradientNetwork, dict[str, dict[str, float]]]:
    """One network, and its metrics by head."""
    train, valid, test = split
    stream = partial(random_stream, seed, NETWORKS, "+".join(heads))
    state = file.load(reader.device)
    if state is None:
        state = initial_state(len(reader.centre), len(heads), stream(), reader.device)
    _fit(state, reader, y, train, valid, stream, settings, file, progress)
    arrays = [weight.cpu().numpy() for weight in state.best]
    weights = dict(zip(WEIGHTS, arrays, strict=True))
    network = GradientNetwork(heads, reader.centre.cpu().numpy(), reader.scale, weights)
    reader.forget()
    with torch.inference_mode():
        read = partial(reader.read, dtype=torch.float32)
        given = [_forward(read(rows), state.best).cpu() for rows in blocks(test)]
    return network, _metrics(heads, torch.cat(given), y[test])


def batch_size_of(count: int) -> int:
    """The power of two from 64 to 1024 nearest to a hundredth of `count` training samples."""
    return 2 ** min(max(round(math.log2(count / 100)), 6), 10)


def _targets(samples: SampleSource, names: Sequence[str], readable: np.ndarray) -> Tensor:
    """Scores (n, P) of the names, in standard deviations from the mean of the readable."""
    scores = samples.scores[:, [samples.properties.index(name) for name in names]]
    scores = scores.astype(np.float64)
    known = scores[readable]
    return torch.tensor((scores - known.mean(axis=0)) / known.std(axis=0), dtype=torch.float32)


def _fit(
    state: State,
    reader: Reader,
    y: Tensor,  # (n, P), on the CPU
    train: np.ndarray,
    valid: np.ndarray,
    stream: Stream,
    settings: GradientSettings,
    file: StateFile,
    progress: Callable[[int], None] | None,
) -> None:
    """Trains on from `state`, in place, until patience or rounds are used up."""

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
        x, wanted = reader.window(rows), y[rows].to(reader.device)
        # Every round has streams of its own, so a training that goes on needs no other state.
        shuffled = torch.from_numpy(stream("epoch", state.round).permutation(len(rows)))
        seed = int(stream("dropout", state.round).integers(2**62))
        draw = torch.Generator(reader.device).manual_seed(seed)
        for batch in shuffled.to(reader.device).tensor_split(math.ceil(len(rows) / batch_size)):
            optimizer.zero_grad(set_to_none=True)
            given = _forward(x.index_select(0, batch), weights, settings.dropout, draw)
            F.mse_loss(given, wanted.index_select(0, batch)).backward()
            optimizer.step()
        del x  # before the next window is read
        state.finish_round(_loss(x_valid, y_valid, weights))
        file.save(state)
        advance(1)
    file.save(state, now=True)
    advance(settings.max_epochs - state.round)


def _forward(
    x: Tensor, weights: list[Tensor], dropout: float = 0.0, draw: torch.Generator | None = None
) -> Tensor:
    """(B, d) -> (B, P), multiplied in x's dtype; units are dropped where a generator is given."""
    hidden = x
    for weight, bias in (weights[:2], weights[2:4]):
        kept = None
        if draw is not None and dropout > 0:
            kept = _kept((len(x), len(bias)), 1 - dropout, draw)
        hidden = tanh_layer(hidden, weight, bias, kept, x.dtype)
    return F.linear(hidden, weights[4], weights[5])


def _kept(shape: tuple[int, int], share: float, draw: torch.Generator) -> Tensor:
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
            F.mse_loss(_forward(some, weights), wanted, reduction="sum").item()
            for some, wanted in pairs
        ]
    return sum(errors) / y.numel()


def _metrics(heads: tuple[str, ...], given: Tensor, wanted: Tensor) -> dict[str, dict[str, float]]:
    """By head, from (N, P) predicted and true scores."""
    given, wanted = given.double().numpy(), wanted.double().numpy()
    metrics = {}
    for name, got, true in zip(heads, given.T, wanted.T, strict=True):
        mse = float(np.mean((got - true) ** 2))
        metrics[name] = {
            "mse": mse,
            "mae": float(np.mean(np.abs(got - true))),
            "rmse": mse**0.5,
            "corr": float(np.corrcoef(got, true)[0, 1]),
        }
    return metrics
