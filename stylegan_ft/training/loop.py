"""A training in steps: its log, its checkpoint, and what all trainings share."""

from __future__ import annotations

import copy
import csv
import io
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write, make_folder, writing
from property_cnn.common.training_state import (
    fingerprint,
    load_state,
    parts_state,
    restore_parts,
    save_state,
)
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, set_w_average


class LoopSettings(Protocol):
    """What a training's settings, a dataclass, have whatever else they tell."""

    batch_size: int
    seed: int
    checkpoint_every: int
    log_every: int


class Training(ABC):
    """Networks, optimisers and step of a training, which goes on from the checkpoint in its folder.

    A step depends on them and on (seed, step) alone.

    Args:
        network: the generator that is trained, in place.
        settings: how.
        out: folder of `NAME.csv`, the log, and `NAME.pt`, the checkpoint.
        device: where to train.

    Attributes:
        name: of the training and its files.
        columns: of the log, between `step`, `images` and `seconds`.
        average: the moving average of the generator.
        step: steps done.
    """

    name: str
    columns: tuple[str, ...]

    def __init__(
        self,
        network: GeneratorNetwork,
        settings: LoopSettings,
        out: Path,
        device: torch.device | str,
    ):
        self.settings, self.out, self.device = settings, out, torch.device(device)
        self.network = network.to(device).requires_grad_(True)
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.step = 0
        self._marks = fingerprint(settings=asdict(settings), network=asdict(network.config))

    @property
    @abstractmethod
    def total(self) -> int:
        """Steps of the whole training."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """What the checkpoint holds: networks and optimisers by name."""

    @abstractmethod
    def advance(self) -> list[float]:
        """One step; the values of `columns`."""

    def restore(self) -> bool:
        """Goes on from the checkpoint; whether there is one.

        Raises:
            CheckpointError: it is damaged.
            InputError: it is of other settings.
        """
        state = load_state(self._checkpoint, self._kind, self._marks, self._state())
        if state is None and self._checkpoint.exists():
            raise InputError(
                f"{self._checkpoint} is of other settings; remove it, or choose another folder"
            )
        if state is not None:
            restore_parts(self.parts(), state)
            self.step = state["step"]
        return state is not None

    def run(self, report: Callable[[str], None], stop_after: int | None = None) -> GeneratorNetwork:
        """Does the steps that are left, or those up to `stop_after`.

        Returns:
            The averaged generator, with its mean w.
        """
        make_folder(self.out)
        columns = ("step", "images", *self.columns, "seconds")
        log = TrainingLog(self.out / f"{self.name}.csv", columns, self.step)
        started = time.monotonic()
        while self.step < min(self.total, self.total if stop_after is None else stop_after):
            values = self.advance()
            self.step += 1
            if self.step % self.settings.log_every == 0:
                seconds = round(time.monotonic() - started, 1)
                log.add([self.step, self.step * self.settings.batch_size, *values, seconds])
                named = zip(self.columns, values, strict=True)
                shown = " ".join(f"{name} {value:.4f}" for name, value in named)
                report(f"{self.name} {self.step:,}/{self.total:,} {shown}, {seconds:.0f} s")
            if self.step % self.settings.checkpoint_every == 0 or self.step == self.total:
                save_state(self._checkpoint, self._kind, self._marks, self._state())
            self.after_step()
        set_w_average(self.average, self.settings.seed)
        return self.average

    def after_step(self) -> None:
        """What else is due after a step."""
        return

    def _state(self) -> dict[str, Any]:
        return {**parts_state(self.parts()), "step": self.step}

    @property
    def _checkpoint(self) -> Path:
        return self.out / f"{self.name}.pt"

    @property
    def _kind(self) -> str:
        return f"vectorfind {self.name} 1"


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Moves an averaged network towards the parameters that are trained."""
    pairs = zip(average.parameters(), network.parameters(), strict=True)
    moving = [(mean, value) for mean, value in pairs if value.requires_grad]
    means, values = zip(*moving, strict=True)
    torch._foreach_lerp_(means, values, 1.0 - decay)


def settled(done: float, settle: float) -> float:
    """Factor of the learning rates: 1, and falling to 0 over the last share `settle`.

    Args:
        done: share of the training that is done.
    """
    return min(1.0, (1.0 - done) / settle) if settle else 1.0


def numbers(*values: Tensor) -> list[float]:
    """The values of scalars, for a log."""
    return [float(value.detach()) for value in values]


class TrainingLog:
    """The CSV log of a training, which a resumed one continues without a gap or a repeat.

    Rows of numbers, each of one step.

    Args:
        path: the CSV file; made with the first row.
        columns: its header.
        step: step that the run goes on from; later rows of an earlier attempt are dropped.
        step_of: the step of a row's cells; the first one if not given.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        step: int,
        step_of: Callable[[list[str]], int] = lambda row: int(row[0]),
    ):
        self.path, self.columns = path, columns
        earlier = []
        if path.exists():
            with open(path, newline="") as file:
                rows = [row for row in list(csv.reader(file))[1:] if len(row) == len(columns)]
            earlier = [row for row in rows if step_of(row) <= step]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([columns, *earlier])
        atomic_write(path, text.getvalue())

    def add(self, row: list) -> None:
        """Appends a row; floats are written with five decimals, None and nan as nothing."""
        if len(row) != len(self.columns):
            raise ValueError(f"a row of {len(row)} values for {len(self.columns)} columns")
        cells = [_cell(value) for value in row]
        with writing(self.path), open(self.path, "a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(cells)


def _cell(value: float | int | str | None) -> float | int | str:
    if value is None or value != value:
        return ""
    return f"{value:.5f}" if isinstance(value, float) else value
