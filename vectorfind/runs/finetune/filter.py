"""The filter: images of a generator, judged by the concept's classifiers, the best of them kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from property_cnn.common.devices import choose_device
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread
from property_cnn.pictures import to_bytes
from stylegan_ft.concept import CONCEPT, ConceptClassifiers, Thresholds
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, digest_of
from vectorfind.runs.finetune.image_parts import (
    FILTERED,
    Part,
    build_parts,
    claimed,
    images_missing,
    write_labels,
    write_table,
)
from vectorfind.runs.finetune.settings import FilterSettings
from vectorfind.sampling.sampler import SHARD, map_shard

INDEX, KEPT = "index", "kept"
"""First and last column of `filter.csv`; between them are `CONCEPT` and the scorer's properties."""
YES, NO = "O", "X"

Classifiers = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Filtered:
    """What a filter found.

    Attributes:
        n, kept: images generated and kept.
        within: attribute -> share of the images within its own threshold.
    """

    n: int
    kept: int
    within: dict[str, float]


def judge_part(
    models: Models, classifiers: Classifiers, settings: FilterSettings, start: int, count: int
) -> Part:
    """Generates and judges `count` images from number `start`, a multiple of 512, on.

    Returns:
        The part; its values are the four probabilities and the scores. An image that the scorer
        cannot read is not kept.
    """
    layer = models.last_layer
    _, _, latents = map_shard(models, settings.seed, start // SHARD, (layer,))
    values, kept, images = [], [], []
    for first in range(0, count, settings.batch_size):
        last = min(first + settings.batch_size, count)
        batch = models.synthesize(latents[layer][first:last], layer)
        probabilities = classifiers(batch).float().cpu()
        scores = models.score(batch)
        chosen = torch.from_numpy(np.isfinite(scores).all(axis=1))
        if not settings.keep_all:
            chosen &= settings.thresholds.passes(probabilities)
        values.append(np.concatenate([probabilities.numpy(), scores], axis=1))
        kept.append(chosen.numpy())
        images.append(to_bytes(batch[chosen.to(batch.device)]).cpu())
    return Part(np.concatenate(values), np.concatenate(kept), torch.cat(images))


@one_thread()
def filter_images(  # noqa: PLR0913 - a public function whose keywords are the interface
    out: str | os.PathLike,
    settings: FilterSettings | None = None,
    generator: str | os.PathLike | Generator = "base",
    classifiers: str | os.PathLike = "default",
    scorer: str | os.PathLike | Scorer = "default",
    device: str | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    command: str = "",
) -> Filtered:
    """Generates images, judges them and keeps those within the thresholds, as an image folder.

    It goes on where it was interrupted, to the same files. Beside the image folder, whose
    `labels.csv` has the scores and the probabilities, it writes `filter.csv` with those of every
    image, kept or not.

    Args:
        out: the folder.
        settings: what is generated and kept.
        generator, scorer: "base", "default", files, or objects; see `vectorfind.models.protocols`.
        classifiers: "default" or a file.
        device: where they run.
        workers: parts of 512 images at once; None for what suits the networks.
        overwrite: replace what was made with other settings.
        quiet: show no progress.
        command: kept in `settings.json`.

    Raises:
        InputError: the folder holds images of other settings, or cannot be written.
        CheckpointError: a file of weights is missing or damaged.
    """
    settings = settings or FilterSettings()
    models = load_models(generator, scorer, device)
    judge = ConceptClassifiers.load(classifiers, choose_device(device))
    made_from = {
        "kind": "filter",
        **asdict(settings),
        "generator": digest_of(models.generator),
        "classifiers": digest_of(judge),
        "scorer": digest_of(models.scorer),
    }

    def make(start: int, count: int) -> Part:
        return judge_part(models, judge, settings, start, count)

    with claimed(out, made_from, command, overwrite) as folder:
        progress = Progress("filtering", settings.n, "images", quiet)
        side = getattr(models.generator, "resolution", 0)
        progress.foresee(*images_missing(folder, settings.n, side), folder)
        values, kept = build_parts(folder, made_from, settings.n, make, progress, workers, models)
        _write(folder, values, kept, models.scored)
    return _summary(values, kept, settings.thresholds)


def _write(folder: Path, values: np.ndarray, kept: np.ndarray, properties: tuple[str, ...]):
    table = pd.DataFrame(values, columns=[*CONCEPT, *properties])
    table.insert(0, INDEX, np.arange(len(table)))
    table[KEPT] = np.where(kept, YES, NO)
    write_table(folder / FILTERED, table)
    count = len(CONCEPT)
    scores_first = np.concatenate([values[:, count:], values[:, :count]], axis=1)
    write_labels(folder, kept, scores_first, [*properties, *CONCEPT])


def _summary(values: np.ndarray, kept: np.ndarray, thresholds: Thresholds) -> Filtered:
    probabilities = torch.from_numpy(values[:, : len(CONCEPT)])
    within = thresholds.within(probabilities).double().mean(dim=0).tolist()
    return Filtered(len(kept), int(kept.sum()), dict(zip(CONCEPT, within, strict=True)))
