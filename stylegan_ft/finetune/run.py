"""A run of fine-tuning: its folder, log, sample grids and checkpoints, and its early ends."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.errors import InputError, TrainingError
from property_cnn.common.files import atomic_write, make_folder, save_tensors
from property_cnn.common.networks import weights_digest
from property_cnn.common.training_state import fingerprint, load_state, save_state
from property_cnn.network.cnn import PropertyCNN
from property_cnn.properties import CONTROLLED, PROPERTIES
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, set_w_average
from stylegan_ft.concept import CONCEPT
from stylegan_ft.finetune.data import RealImages
from stylegan_ft.finetune.measures import (
    CONCEPT_SAMPLES,
    START_IMAGES,
    concept_means,
    grid_rows,
    label_agreement,
    label_probe,
    normal_probe,
    probe_images,
    sample_spread,
    start_difference,
)
from stylegan_ft.finetune.settings import (
    DEFAULTS,
    FinetuneSettings,
    Variant,
    check,
    variant_named,
)
from stylegan_ft.finetune.start import starting_discriminator, starting_generator
from stylegan_ft.finetune.trainer import BatchValues, Trainer, mean_values
from stylegan_ft.formats.checkpoint import save_generator
from stylegan_ft.training.loop import TrainingLog
from stylegan_ft.training.samples import save_grid

LOG_COLUMNS = (
    "epoch", "idx", "d_loss", "g_loss", "d_train_count", "g_train_count", "real_scores_mean",
    "fake_scores_mean", "real_fake_auroc",
)  # fmt: skip
LABEL_COLUMNS = tuple(f"{name}_{kind}" for kind in ("corr", "mae") for name in CONTROLLED)
MEASURE_COLUMNS = {"nothing": (), "labels": LABEL_COLUMNS, "concept": CONCEPT}

LOG, CHECKPOINT, SETTINGS = "train_log.csv", "train.pt", "settings.json"
GENERATOR, CELLS, START = "generator.safetensors", "w_cells.safetensors", "start.csv"

COLLAPSED = 0.05
"""Share of the first images' variance below which the samples have none."""

_KIND = "vectorfind fine-tuning 1"
Scorer = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Judges:
    """Trained networks that a run starts from or is measured by; None where it needs none.

    Args:
        discriminator: one to start from; see `starting_discriminator`.
        scorer: a `property_cnn.network.scorer.Scorer`.
        classifiers: images to the filter's four probabilities.
    """

    discriminator: Discriminator | None = None
    scorer: Scorer | None = None
    classifiers: Scorer | None = None


def finetune(  # noqa: PLR0913 - a public function whose keywords are the interface
    variant: str,
    base: GeneratorNetwork,
    data: RealImages,
    out: str | os.PathLike,
    settings: FinetuneSettings | None = None,
    judges: Judges | None = None,
    device: torch.device | str = "cpu",
    log: Callable[[str], None] = print,
    record: Mapping[str, Any] | None = None,
    stop_after: int | None = None,
) -> GeneratorNetwork:
    """Fine-tunes a base generator, or goes on from the checkpoint in `out`.

    Args:
        variant: one of `VARIANTS`.
        base: the generator to start from; it is left as it was.
        data: what to learn from, with the variant's labels.
        out: folder of the log, grids, checkpoint and of `generator.safetensors`.
        settings: how; those of `DEFAULTS` if not given.
        judges: networks that the variant needs beside the base.
        device: where to train.
        log: called with a line of text a row of the log.
        record: more to keep in `settings.json`, e.g. the command.
        stop_after: end early after so many batches, as an interruption would.

    Returns:
        The averaged generator, on the CPU.

    Raises:
        InputError: settings, networks and data do not fit each other, or `out` holds another run.
        TrainingError: the losses are no longer finite, or the generator has collapsed.
    """
    kind = variant_named(variant)
    settings = settings or DEFAULTS[variant]
    check(kind, settings)
    _check_data(kind, base, data, settings)
    run = _Run(kind, base, data, Path(out), settings, judges or Judges(), device)
    run.open(record or {})
    last = settings.batches if stop_after is None else min(stop_after, settings.batches)
    while run.trainer.batches < last:
        run.advance(log)
    if run.trainer.batches == settings.batches:
        run.finish()
    return run.trainer.average.cpu()


def _check_data(
    variant: Variant, base: GeneratorNetwork, data: RealImages, settings: FinetuneSettings
) -> None:
    side = base.config.resolution
    if tuple(data.images.shape[1:]) != (3, side, side):
        raise InputError(
            f"images of shape {tuple(data.images.shape[1:])}; need (3, {side}, {side})"
        )
    if len(data) < settings.batch_size:
        raise InputError(f"{len(data)} images are fewer than a batch of {settings.batch_size}")
    labels = len(variant.labels)
    if data.labels.shape[1] != labels:
        raise InputError(f"{data.labels.shape[1]} labels an image; {variant.name} takes {labels}")


class _Run:
    def __init__(
        self,
        variant: Variant,
        base: GeneratorNetwork,
        data: RealImages,
        out: Path,
        settings: FinetuneSettings,
        judges: Judges,
        device: torch.device | str,
    ):
        self.variant, self.data, self.out, self.settings = variant, data, out, settings
        self.judges = judges
        if variant.measured == "labels" and judges.scorer is None:
            raise InputError(f"{variant.name} is measured by a scorer; give one")
        if variant.measured == "concept" and judges.classifiers is None:
            raise InputError(f"{variant.name} is measured by the concept's classifiers; give them")
        self.base = base
        body = getattr(judges.scorer, "network", None)
        generator = starting_generator(base, variant, settings.seed)
        judge = starting_discriminator(
            variant,
            base.config.resolution,
            judges.discriminator,
            body if isinstance(body, PropertyCNN) else None,
            settings.seed,
        )
        self.marks = fingerprint(
            variant=variant.name,
            settings=asdict(settings),
            base=weights_digest(base.state_dict()),
            discriminator=weights_digest(judge.state_dict()),
            data=data.digest,
        )
        self.trainer = Trainer(generator, judge, variant, settings, torch.device(device))
        config = generator.config
        seed = settings.seed + 1_000_000  # not the latents of the training
        if variant.measured == "labels":
            self.probe = label_probe(config.z_dim, seed)
        else:
            self.probe = normal_probe(config.z_dim, config.label_dim, CONCEPT_SAMPLES, seed)
        self.columns = (*LOG_COLUMNS, *MEASURE_COLUMNS[variant.measured])
        self.first_spread, self.collapsed = 0.0, 0
        self.since: list[BatchValues] = []  # since the last row

    @property
    def per_epoch(self) -> int:
        return len(self.data) // self.settings.batch_size

    def open(self, record: Mapping[str, Any]) -> None:
        """Claims the folder, goes on from its checkpoint, or measures the start."""
        make_folder(self.out)
        path = self.out / CHECKPOINT
        state = load_state(path, _KIND, self.marks, self._state())
        if state is None and path.exists():
            raise InputError(
                f"{self.out} holds a run of other settings or data; choose another --out"
            )
        if state is not None:
            self.trainer.restore(state)
            self.first_spread, self.collapsed = state["first_spread"], state["collapsed"]
        self._write_settings(record)
        self.log = TrainingLog(
            self.out / LOG, self.columns, self.trainer.batches if state else -1, self._step_of
        )
        if state is None:
            self._write_start()
            self._grid(self._row(None, lambda line: None))
            self._save()

    def _step_of(self, row: list[str]) -> int:
        return int(row[0]) * self.per_epoch + int(row[1])

    def _write_settings(self, record: Mapping[str, Any]) -> None:
        values = {
            "variant": self.variant.name,
            "settings": asdict(self.settings),
            "batches_per_epoch": self.per_epoch,
            "images": len(self.data),
            **record,
        }
        atomic_write(self.out / SETTINGS, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def _write_start(self) -> None:
        network, seed = self.trainer.average, self.settings.seed + 2_000_000
        difference, spread = start_difference(self.base, network, self.variant.labels, seed)
        text = f"images,rms_difference,pixel_std\n{START_IMAGES},{difference:.6f},{spread:.6f}\n"
        atomic_write(self.out / START, text)

    def advance(self, log: Callable[[str], None]) -> None:
        """One batch, and what is due after it."""
        trainer, settings = self.trainer, self.settings
        values = trainer.train_batch(self.data)
        if not all(math.isfinite(loss or 0.0) for loss in (values.d_loss, values.g_loss)):
            raise TrainingError(
                f"losses of batch {trainer.batches:,} are not finite (d {values.d_loss}, g "
                f"{values.g_loss}); lower the rates or raise r1_gamma and start anew in another "
                f"folder; {self.out / CHECKPOINT} is from before"
            )
        self.since.append(values)
        last = trainer.batches == settings.batches
        row, rest = divmod(trainer.batches, self.variant.log_every)
        if rest and not last:
            return
        images = self._row(values, log)
        if row % settings.grid_every == 0 or last:
            self._grid(images)
        if row % settings.checkpoint_every == 0 or last:
            self._save()

    def _row(self, values: BatchValues | None, log: Callable[[str], None]) -> Tensor:
        """Adds a row to the log; the probe's images that it measured."""
        trainer = self.trainer
        images = probe_images(trainer.average, self.probe, trainer.truncation, self.variant.psi)
        numbers: list = [None, None, 0, 0, None, None, None]
        if values is not None:
            numbers = mean_values(self.since)
        measured = self._measured(images)
        epoch, idx = divmod(trainer.batches, self.per_epoch)
        self.log.add([epoch, idx, *numbers, *measured])
        self.since = []
        spread = sample_spread(images)
        if values is None:
            self.first_spread = spread
        else:
            self._watch(numbers[-1], spread)
        named = zip(self.columns[2:], (*numbers, *measured), strict=True)
        shown = " ".join(f"{name} {value:.4g}" for name, value in named if value is not None)
        log(f"{self.variant.name} {trainer.batches:,}/{self.settings.batches:,} {shown}")
        return images

    def _measured(self, images: Tensor) -> list[float]:
        if self.variant.measured == "labels":
            columns = [PROPERTIES.index(name) for name in self.variant.labels]
            return label_agreement(self.probe.label, self.judges.scorer(images)[:, columns])
        if self.variant.measured == "concept":
            return concept_means(images, self.judges.classifiers)
        return []

    def _watch(self, real_fake_auroc: float, spread: float) -> None:
        """Ends the run where D errs on no image and the samples have been alike for long."""
        gone = real_fake_auroc >= 1.0 and spread < COLLAPSED * self.first_spread
        self.collapsed = self.collapsed + 1 if gone else 0
        if self.collapsed >= self.settings.collapse_rows:
            raise TrainingError(
                f"the generator has collapsed: for {self.collapsed} rows D was right on every "
                f"image and the samples' spread was below {COLLAPSED:.0%} of the first; lower lr "
                "or d_lr and start anew in another folder"
            )

    def _grid(self, images: Tensor) -> None:
        """Draws some of the probe's images."""
        path = self.out / f"samples-{self.trainer.batches:07d}.png"
        save_grid(path, images[grid_rows(self.probe)], columns=10)

    def _state(self) -> dict[str, Any]:
        state = {"first_spread": self.first_spread, "collapsed": self.collapsed}
        return {**self.trainer.state(), **state}

    def _save(self) -> None:
        save_state(self.out / CHECKPOINT, _KIND, self.marks, self._state())

    def finish(self) -> None:
        """Writes the averaged generator, and the means of its labels' cells."""
        trainer = self.trainer
        average = trainer.average.cpu()
        if self.variant.psi == 1.0:
            set_w_average(average, self.settings.seed)
        else:
            save_tensors(self.out / CELLS, {"cells": trainer.truncation.cells.cpu()})
        save_generator(self.out / GENERATOR, average, {"variant": self.variant.name})
