"""The reference system's protocol, re-enacted: what it did to a sample, a case and a network, what
that costs on the same networks and machine, and how many times more than the library's own way.

Images are made in batches of 4, each batch goes through NumPy on the CPU as 8-bit pixels, the
scorer reads one image at a time; each property's gradient network is trained by itself, in batches
of 16. One small run is made in full; what larger ones cost follows from its rates.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from property_cnn.common.streams import CASES, NETWORKS, SAMPLES, SPLITS, random_stream
from vectorfind.bench.machine import all_threads
from vectorfind.bench.rows import BenchRow, at_least
from vectorfind.bench.runs import edits_of, layer_of
from vectorfind.bench.settings import BenchSettings
from vectorfind.config import CONTROLLED, GROUPING, FindSettings, GradientSettings
from vectorfind.directions.edits import edited_grid, strength_grid
from vectorfind.methods.linear.sides import fit_sides
from vectorfind.methods.registry import default_strengths, method_named
from vectorfind.models.pair import Models
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.sampler import Samples

BATCH = 4
"""Images a batch."""

NETWORK_BATCH = 16
"""Samples a step of a gradient network's training."""

ONE_RUN, GRID = 5.0, 20.0
"""Least times that the library is to be faster, by one run and by the grid."""

GRID_METHODS = ("svm", "gradient")

PART = "reference"


@dataclass(frozen=True)
class Training:
    """One network's training: its steps, its epochs and how long they took."""

    seconds: float
    steps: int
    epochs: int


def to_pixels(images: torch.Tensor) -> np.ndarray:
    """Images (N, 3, H, W) in [-1, 1] -> 8-bit pixels (N, H, W, 3), on the CPU."""
    values = (images.cpu().numpy() + 1.0) * 127.5
    return np.clip(values + 0.5, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def from_pixels(pixels: np.ndarray) -> torch.Tensor:
    """The way back, to images (N, 3, H, W) in [-1, 1]."""
    values = pixels.astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1.0
    return torch.from_numpy(np.ascontiguousarray(values))


def read_singly(models: Models, latents: np.ndarray, layer: str) -> np.ndarray:
    """Vectors (N, d) -> scores (N, A) of their images, by the protocol."""
    scores = []
    for start in range(0, len(latents), BATCH):
        pixels = to_pixels(models.synthesize(latents[start : start + BATCH], layer))
        scores += [models.score(from_pixels(image[None])) for image in pixels]
    return np.concatenate(scores)


def sample_singly(models: Models, n: int, seed: int) -> Samples:
    """n samples with their vectors at every layer, mapped and read by the protocol."""
    generator, rng = models.generator, random_stream(seed, SAMPLES)
    z = rng.standard_normal((n, generator.z_dim), dtype=np.float32)
    label = rng.standard_normal((n, generator.label_dim), dtype=np.float32)
    last, parts, scores = models.last_layer, [], []
    for start in range(0, n, BATCH):
        rows = slice(start, start + BATCH)
        latents = {name: v.cpu().numpy() for name, v in models.map(z[rows], label[rows]).items()}
        parts.append(latents)
        scores.append(read_singly(models, latents[last], last))
    latents = {name: np.concatenate([part[name] for part in parts]) for name in generator.layers}
    scores = np.concatenate(scores)
    return Samples(z, label, latents, scores, models.scored, ~np.isnan(scores).any(axis=1))


def read_cases(
    models: Models, directions: Mapping[str, np.ndarray], cases: int, layer: str, seed: int
) -> np.ndarray:
    """The scores (C, S, A) of fresh cases and all of their edits, by the protocol.

    Args:
        models: generator and scorer.
        directions: property -> (d,), the same for every case.
        cases: C, their number.
        layer: where the directions live.
        seed: of the cases.
    """
    generator, rng = models.generator, random_stream(seed, CASES)
    grid = strength_grid(default_strengths("mixed", tuple(directions)))
    vectors, last, scores = np.stack([*directions.values()]), models.last_layer, []
    for _ in range(cases):
        z = rng.standard_normal((1, generator.z_dim), dtype=np.float32)
        label = rng.standard_normal((1, generator.label_dim), dtype=np.float32)
        mapped = models.map(z, label)
        read_singly(models, mapped[last].cpu().numpy(), last)  # tells the case's group
        moved = edited_grid(mapped[layer].cpu().numpy(), vectors[None], grid)[0]
        scores.append(read_singly(models, moved, layer))
    return np.stack(scores)


def train_alone(
    latents: np.ndarray,
    scores: np.ndarray,
    seed: int,
    settings: GradientSettings,
    seconds: float = float("inf"),
) -> Training:
    """Trains one property's network as PyTorch's tutorials do, in batches of 16.

    Args:
        latents: (n, d) vectors.
        scores: (n,) of the property.
        seed: of split and weights.
        settings: learning rate, decay, patience and most epochs are theirs.
        seconds: after which it stops wherever it is.
    """
    n, d = latents.shape
    order = random_stream(seed, NETWORKS).permutation(n)
    # Copies: a product on memory that NumPy placed may round otherwise.
    x = torch.tensor((latents - latents.mean(axis=0)) / latents.std())[order]
    y = torch.tensor((scores - scores.mean()) / scores.std())[order, None]
    train = n - 2 * (n // 10)
    valid = slice(train, n - n // 10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _train(x, y, train, valid, _network(d, settings.dropout), settings, seconds)


def _train(
    x: torch.Tensor,  # (n, d)
    y: torch.Tensor,  # (n, 1)
    train: int,
    valid: slice,
    network: nn.Module,
    settings: GradientSettings,
    seconds: float,
) -> Training:
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, settings.decay)
    best, waited, steps, epochs = float("inf"), 0, 0, 0
    started = time.perf_counter()
    while epochs < settings.max_epochs and waited < settings.patience:
        network.train()
        for rows in torch.randperm(train).split(NETWORK_BATCH):
            optimizer.zero_grad()
            F.mse_loss(network(x[rows]), y[rows]).backward()
            optimizer.step()
            steps += 1
            if time.perf_counter() - started > seconds:
                return Training(time.perf_counter() - started, steps, epochs)
        schedule.step()
        network.eval()
        with torch.inference_mode():
            loss = F.mse_loss(network(x[valid]), y[valid]).item()
        epochs, waited = epochs + 1, waited + 1
        if loss < best:
            best, waited = loss, 0
    return Training(time.perf_counter() - started, steps, epochs)


def _network(d: int, dropout: float) -> nn.Module:
    sizes = (d, 768 + d // 4, 128 + d // 8)
    return nn.Sequential(
        *(nn.Linear(sizes[0], sizes[1]), nn.Tanh(), nn.Dropout(dropout)),
        *(nn.Linear(sizes[1], sizes[2]), nn.Tanh(), nn.Dropout(dropout)),
        nn.Linear(sizes[2], 1),
    )


@dataclass(frozen=True)
class Costs:
    """What the protocol costs.

    Attributes:
        sample: seconds a sample: mapped, generated, scored.
        edit: seconds an image of a case.
        fit: layer -> seconds of all groups' SVMs of one property, a sample.
        step: layer -> seconds of a network's training step.
        epochs: that a network is trained for.
    """

    sample: float
    edit: float
    fit: Mapping[str, float]
    step: Mapping[str, float]
    epochs: int

    def run(self, n: int, cases: int, layer: str, method: str) -> float:
        """Seconds of a run of one method at one layer."""
        networks = len(method_named(method).parts(FindSettings(), CONTROLLED))
        steps = self.epochs * math.ceil((n - 2 * (n // 10)) / NETWORK_BATCH)
        fits = (len(CONTROLLED) - networks) * n * self.fit[layer]
        images = n * self.sample + cases * (edits_of(method) + 1) * self.edit
        return images + fits + networks * steps * self.step[layer]

    def grid(self, n: int, cases: int) -> float:
        """Seconds of a run of each layer and method, each of which samples anew."""
        return sum(self.run(n, cases, layer, m) for layer in self.step for m in GRID_METHODS)


def measure_costs(models: Models, settings: BenchSettings) -> tuple[Costs, list[BenchRow]]:
    """Makes one mixed run by the protocol, and times a network's steps at every layer."""
    n, cases, layer = settings.reference_n, settings.reference_cases, layer_of("mixed", models)
    clock = time.perf_counter
    with all_threads() as threads:
        at = [clock()]
        samples = sample_singly(models, n, settings.seed)
        at.append(clock())
        directions = _fitted(samples, layer, settings.seed)
        at.append(clock())
        trained = _trained(samples, layer, settings.seed)
        at.append(clock())
        read_cases(models, directions, cases, layer, settings.seed)
        at.append(clock())
        layers = models.generator.layers
        steps = {
            name: trained if name == layer
            else _trained(samples, name, settings.seed, settings.seconds)
            for name in layers
        }  # fmt: skip
    sampling, fitting, training, reading = (b - a for a, b in pairwise(at))
    images = cases * (edits_of("mixed") + 1)
    each = fitting / (n * (len(CONTROLLED) - 1))  # of two properties, eyes only for the cases
    costs = Costs(
        sample=sampling / n,
        edit=reading / images,
        fit={name: each * size / layers[layer] for name, size in layers.items()},
        step={name: run.seconds / run.steps for name, run in steps.items()},
        epochs=trained.epochs,
    )
    how = f"measured: batches of {BATCH}, 8 bit, scored singly, {threads} threads"
    whole = at[-1] - at[0]
    rows = [
        _row("mixed run by its protocol", whole, "s", f"measured: n={n:,}, {cases:,} cases"),
        _row("of it sampling", sampling, "s", how),
        _row("of it SVMs", fitting, "s", "measured: one group after another"),
        _row("of it a network", training, "s", f"measured: batches of {NETWORK_BATCH}"),
        _row("of it cases", reading, "s", how),
        _row("sampling rate", 1 / costs.sample, "images/s", "measured in that run"),
        _row("rate of edits", 1 / costs.edit, "images/s", "measured in that run"),
        _row("epochs of a network", costs.epochs, "", "measured in that run; taken for any n"),
    ]
    note = f"measured: batches of {NETWORK_BATCH}"
    rows += [_row(f"training at {name}", 1 / s, "steps/s", note) for name, s in costs.step.items()]
    return costs, rows


def run_ratio_rows(
    costs: Costs, ours: Mapping[str, float], models: Models, settings: BenchSettings
) -> list[BenchRow]:
    """The protocol's time of a run of each method beside ours.

    Args:
        costs: of the protocol.
        ours: method -> seconds of a whole run that was measured at the settings' n and cases.
        models, settings: those of the run.
    """
    n, cases, rows = settings.n, settings.cases, []
    for method, seconds in ours.items():
        theirs = costs.run(n, cases, layer_of(method, models), method)
        size = f"n={n:,}, {cases:,} cases"
        rows += [
            _row(f"{method} run by its protocol", theirs, "s", f"extrapolated by rate: {size}"),
            _row(f"{method} run, ours", seconds, "s", f"measured: {size}, and a control"),
            at_least(PART, f"{method} run, ratio", theirs / seconds, ONE_RUN, "x",
                     "extrapolated to measured"),
        ]  # fmt: skip
    return rows


def grid_ratio_rows(costs: Costs, ours: float, settings: BenchSettings) -> list[BenchRow]:
    """The protocol's time of the grid of layers and methods beside ours, which was measured."""
    theirs = costs.grid(settings.grid_n, settings.cases)
    size = f"n={settings.grid_n:,}, {settings.cases:,} cases a cell"
    cells = len(costs.step) * len(GRID_METHODS)
    return [
        _row("grid by its protocol", theirs, "s", f"extrapolated by rate: {cells} runs, {size}"),
        _row("grid, ours", ours, "s", f"measured: {size}"),
        at_least(PART, "grid, ratio", theirs / ours, GRID, "x", "extrapolated to measured"),
    ]


def _fitted(samples: Samples, layer: str, seed: int) -> dict:
    """Directions of each property, fitted group after group; the last group's of each."""
    from sklearn.svm import LinearSVC  # as the reference system has it

    settings = FindSettings()
    _, members = grouped(samples, GROUPING)
    found = {}
    for name in CONTROLLED[1:]:
        scores = samples.scores[:, samples.properties.index(name)]
        for group, rows in members.items():
            if round(settings.ratio * len(rows)) < 2:
                continue  # too few to fit, as may be in a run this small
            latents, rng = samples.latents[layer][rows], random_stream(seed, SPLITS, group)
            model = LinearSVC(C=settings.svm_c, dual=False)
            fit = fit_sides(
                lambda some, m=latents: m[some], scores[rows], settings.ratio, rng, model
            )
            found[name] = fit.direction
    return {CONTROLLED[0]: next(iter(found.values())), **found}


def _trained(samples: Samples, layer: str, seed: int, seconds: float = float("inf")) -> Training:
    """One property's network, trained to its end or for some seconds."""
    rows = samples.readable
    scores = samples.scores[rows, samples.properties.index(CONTROLLED[0])]
    return train_alone(samples.latents[layer][rows], scores, seed, GradientSettings(), seconds)


def _row(measure: str, value: float, unit: str, note: str) -> BenchRow:
    return BenchRow(PART, measure, value, unit, note)
