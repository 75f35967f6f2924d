"""What the reference's protocol costs on the same networks and machine, and how many times more.

One small run of it is made in full; what larger ones cost follows from its rates.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from property_cnn.common.streams import SPLITS, random_stream
from vectorfind.bench.machine import all_threads
from vectorfind.bench.protocol import (
    BATCH,
    NETWORK_BATCH,
    Training,
    read_cases,
    sample_singly,
    train_alone,
)
from vectorfind.bench.rows import BenchRow, at_least
from vectorfind.bench.settings import BenchSettings
from vectorfind.bench.stages import edits_of, layer_of
from vectorfind.config import CONTROLLED, GROUPING, FindSettings, GradientSettings
from vectorfind.methods.registry import method_named
from vectorfind.methods.svm import fit_svm
from vectorfind.models.pair import Models
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.sampler import Samples

ONE_RUN, GRID = 5.0, 20.0
"""Least times that the library is to be faster, by one run and by the grid."""

GRID_METHODS = ("svm", "gradient")

PART = "reference"


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
    settings = FindSettings()
    _, members = grouped(samples, GROUPING)
    found = {}
    for name in CONTROLLED[1:]:
        scores = samples.scores[:, samples.properties.index(name)]
        for group, rows in members.items():
            if round(settings.ratio * len(rows)) < 2:
                continue  # too few to fit, as may be in a run this small
            latents, rng = samples.latents[layer][rows], random_stream(seed, SPLITS, group)
            fit = fit_svm(lambda some, m=latents: m[some], scores[rows], settings.ratio, rng)
            found[name] = fit.direction
    return {CONTROLLED[0]: next(iter(found.values())), **found}


def _trained(samples: Samples, layer: str, seed: int, seconds: float = float("inf")) -> Training:
    """One property's network, trained to its end or for some seconds."""
    rows = samples.readable
    scores = samples.scores[rows, samples.properties.index(CONTROLLED[0])]
    return train_alone(samples.latents[layer][rows], scores, seed, GradientSettings(), seconds)


def _row(measure: str, value: float, unit: str, note: str) -> BenchRow:
    return BenchRow(PART, measure, value, unit, note)
