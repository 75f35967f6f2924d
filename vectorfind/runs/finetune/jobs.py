"""Fine-tuning from files to files: base, discriminator and images in, a run's folder out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.folders import writable_folder
from property_cnn.common.tasks import training_threads
from property_cnn.jobs.folder import Claim, open_folder
from property_cnn.network.scorer import Scorer, load_scorer
from property_cnn.properties import PROPERTIES
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.concept import ConceptClassifiers
from stylegan_ft.finetune.data import load_real_images
from stylegan_ft.finetune.plain import plain_generator
from stylegan_ft.finetune.run import (
    CELLS,
    CHECKPOINT,
    GENERATOR,
    LOG,
    SETTINGS,
    START,
    Judges,
    finetune,
)
from stylegan_ft.finetune.settings import DEFAULTS, FinetuneSettings, PlainSettings, variant_named
from stylegan_ft.formats.checkpoint import load_discriminator, load_network, save_generator
from stylegan_ft.generator import generator_path
from vectorfind.runs.describe import versions

Log = Callable[[str], None]

_MADE_AT_THE_END = (SETTINGS, GENERATOR, CELLS)
_MADE_IN_TRAINING = (LOG, CHECKPOINT, START, "samples-*.png")


@training_threads()
def finetune_files(  # noqa: PLR0913 - a public function whose keywords are the interface
    variant: str,
    base: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    settings: FinetuneSettings | None = None,
    discriminator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    classifiers: str | os.PathLike = "default",
    device: str | None = None,
    log: Log = print,
    command: str = "",
    overwrite: bool = False,
    stop_after: int | None = None,
) -> Path:
    """Fine-tunes a base generator on an image folder, or goes on where a run was stopped.

    Args:
        variant: v1, v5-1, v5-2, v5-3 or v9; see `stylegan_ft.finetune.settings`.
        base: "default", "base" or a file with a StyleGAN 1.
        data: an image folder, with the variant's labels in its `labels.csv`.
        out: the run's folder; see `stylegan_ft.finetune.run.finetune`.
        settings: how it trains; the variant's own if not given.
        discriminator: "default", a file, or "none" for a new one, which is trained as a whole.
        scorer, classifiers: "default" or files; loaded where the variant needs them.
        device: where to train.
        log: called with a line of text a row of the log.
        command: kept in `settings.json`.
        overwrite: start anew where the folder holds a run.
        stop_after: end early after so many batches.

    Returns:
        The path of the fine-tuned generator.

    Raises:
        InputError, CheckpointError: something does not fit, before any work.
        TrainingError: the training has failed.
    """
    kind = variant_named(variant)
    out, place = Path(out), choose_device(device)
    writable_folder(out)
    network, _ = load_network(generator_path(base))
    needs_scorer = kind.property_discriminator or kind.measured == "labels"
    judges = Judges(
        None if kind.property_discriminator else _discriminator(discriminator),
        _face_scorer(scorer, place) if needs_scorer else None,
        ConceptClassifiers.load(classifiers, place) if kind.measured == "concept" else None,
    )
    images = load_real_images(data, kind.labels, network.config.resolution, kind.normalises_labels)
    record = {
        "base": str(base),
        "data": str(data),
        "data_digest": images.digest,
        "discriminator": str(discriminator),
        "scorer": str(scorer),
        "classifiers": str(classifiers),
        "command": command,
        "versions": versions(),
    }
    settings = settings or DEFAULTS[variant]
    about = {"variant": variant, "settings": asdict(settings), **record}
    claim = Claim(SETTINGS, about, _decides, (*_MADE_AT_THE_END, *_MADE_IN_TRAINING))
    with open_folder(out, claim, overwrite) as work:
        lost = sorted(name for name in work.faults if name not in _MADE_AT_THE_END)
        if work.finished and lost:
            raise InputError(
                f"{', '.join(lost)} in {out}: missing or altered, and only made while training; "
                "give --overwrite to train again"
            )
        rest = (settings, judges, place, log, record, stop_after)
        finetune(variant, network, images, work.folder, *rest)
        if stop_after is None or stop_after >= settings.batches:
            work.append(work.folder / LOG)
            work.finish()
        for line in work.told():
            log(line)
    return out / GENERATOR


def _decides(settings: Mapping) -> dict:
    return {key: settings.get(key) for key in ("variant", "settings", "data_digest")}


@training_threads()
def plain_file(
    base: str | os.PathLike, out: str | os.PathLike, settings: PlainSettings, log: Log = print
) -> tuple[Path, float]:
    """Writes a generator without labels and split whose images are nearly those of the base.

    Args:
        base: "default", "base" or a file with a StyleGAN 1.
        out: a .safetensors file.
        settings: how its mapping is learned.

    Returns:
        The path, and the share of the variance of w that it misses.
    """
    network, _ = load_network(generator_path(base))
    out = Path(out)
    writable_folder(out.parent)
    plain, missed = plain_generator(network, settings, log)
    save_generator(out, plain)
    return out, missed


def _discriminator(given: str | os.PathLike) -> Discriminator | None:
    return None if str(given) == "none" else load_discriminator(_path(given))


def _path(given: str | os.PathLike) -> str | os.PathLike | None:
    """A file's path; None for the one that is shipped."""
    return None if str(given) == "default" else given


def _face_scorer(given: str | os.PathLike, device: torch.device) -> Scorer:
    """The scorer of a name or a file.

    Raises:
        InputError: it does not read the eight properties of rendered faces.
    """
    scorer = load_scorer(_path(given), device)
    if scorer.properties != PROPERTIES:
        raise InputError(
            f"{given} reads {', '.join(scorer.properties)}; fine-tuning needs a scorer of "
            f"{', '.join(PROPERTIES)}"
        )
    return scorer
