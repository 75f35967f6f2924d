"""The state of a gradient network's training: kept in a file, it can be gone on from."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from property_cnn.common.training_state import fingerprint, load_state, save_state
from vectorfind.methods.gradient.network import WEIGHTS

MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""AdamW's names for what it keeps of each tensor."""

_KIND = "vectorfind gradient network 1"


@dataclass(eq=False)
class State:
    """A network in training, between two rounds.

    Attributes:
        tensors: by names of WEIGHTS, `weight1` what is trained,
            `best.weight1` as of the best round, `step.weight1`, ... AdamW's moments.
        round: rounds that were trained.
        waited: rounds since the best.
        best_loss: validation loss of the best.
    """

    tensors: dict[str, Tensor]
    round: int = 0
    waited: int = 0
    best_loss: float = float("inf")

    @property
    def weights(self) -> list[Tensor]:
        """What is trained, in the order of WEIGHTS."""
        return [self.tensors[name] for name in WEIGHTS]

    @property
    def best(self) -> list[Tensor]:
        """The best round's weights, in the order of WEIGHTS."""
        return [self.tensors[f"best.{name}"] for name in WEIGHTS]

    def moments(self, name: str) -> dict[str, Tensor]:
        """AdamW's state of one tensor, under AdamW's names."""
        return {what: self.tensors[f"{what}.{name}"] for what in MOMENTS}

    def finish_round(self, loss: float) -> None:
        """Counts a round; its weights are kept if the validation loss is the least so far."""
        self.round, self.waited = self.round + 1, self.waited + 1
        if loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
            with torch.no_grad():
                for best, weight in zip(self.best, self.weights, strict=True):
                    best.copy_(weight)


def initial_state(d: int, heads: int, rng: np.random.Generator, device: torch.device) -> State:
    """Weights and biases uniform within 1/sqrt(inputs), as PyTorch's are."""
    sizes = (d, 768 + d // 4, 128 + d // 8, heads)
    shapes = [s for inputs, outputs in pairwise(sizes) for s in ((outputs, inputs), (outputs,))]
    bounds = [np.float32(inputs**0.5) for inputs in sizes[:3] for _ in range(2)]
    tensors = {}
    for name, shape, bound in zip(WEIGHTS, shapes, bounds, strict=True):
        weight = torch.tensor(rng.uniform(-1, 1, shape).astype(np.float32) / bound, device=device)
        tensors |= {name: weight, f"best.{name}": weight.clone()}
        tensors |= {f"exp_avg{end}.{name}": torch.zeros_like(weight) for end in ("", "_sq")}
        tensors[f"step.{name}"] = torch.zeros((), device=device)
    return State(tensors)


class StateFile:
    """Where one network's state is kept.

    Args:
        path: of the file; None to keep nothing.
        about: all that the training depends on, as JSON can hold it; a state of something else
            is not used.
        scores: what is learned, which it depends on too.
        every: least number of seconds between two writes.
    """

    def __init__(self, path: str | os.PathLike | None, about: Any, scores: Tensor, every: float):
        self._path, self._every, self._written = path, every, time.monotonic()
        digest = hashlib.sha256(scores.numpy().tobytes()).hexdigest()
        self._marks = fingerprint(about=about, scores=digest)

    def load(self, device: torch.device) -> State | None:
        """The state; None if there is none, or it is damaged or of another training."""
        try:
            values = load_state(self._path, _KIND, self._marks, vars(State({})))
        except CheckpointError:
            return None
        if values is None:
            return None
        tensors = {name: tensor.to(device) for name, tensor in values["tensors"].items()}
        return State(**values | {"tensors": tensors})

    def save(self, state: State, now: bool = False) -> None:
        """Writes the state, unless one was written a short while ago; `now` writes it anyway."""
        if self._path is None or (not now and time.monotonic() - self._written < self._every):
            return
        save_state(self._path, _KIND, self._marks, vars(state))
        self._written = time.monotonic()
