"""Segmenters of any classes in folders: one trained, tested, or used on pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError, SkippedError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import begins_with, writable_folder
from property_cnn.common.networks import weights_digest
from property_cnn.common.tasks import one_thread, training_threads
from property_cnn.jobs.folder import Claim, open_again
from property_cnn.pictures import encoded, read_image
from property_cnn.segmentation.labelled import Fold, LabelledImages
from property_cnn.segmentation.networks.files import (
    Segmenter,
    load_segmenter,
    network_layers,
    new_network,
)
from property_cnn.segmentation.networks.segformer import HUB, load_normalised
from property_cnn.segmentation.settings import ScheduleSettings
from property_cnn.segmentation.training import Lesson, score
from reports.layout import CHECKS
from reports.plots.labels import blended
from reports.tables import csv_text
from vectorfind.runs.segmentation.courses import Followed, train_in
from vectorfind.runs.segmentation.data import absent_classes, folds_of, open_labelled
from vectorfind.runs.segmentation.overlays import labels_of, network_overlays
from vectorfind.runs.segmentation.settings import LabelledData, term_settings
from vectorfind.runs.segmentation.table import (
    check_rows,
    course_rows,
    frame_of,
    score_row,
    scores_markdown,
)

NETWORK = "network"
"""Name of a trained network, and of its file before .safetensors."""

TEST, TEST_TEXT, OVERLAYS = "segment_test.csv", "segment_test.md", "overlays.png"

TRAINING = "training"
"""Folder of a network's training beside its tables."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """A trained network's file, and its table of scores in per cent, last and best weights."""

    path: Path
    table: pd.DataFrame


@training_threads()
def train_segmenter(  # noqa: PLR0913, its keywords are the interface
    out: str | os.PathLike,
    data: LabelledData,
    network: str = "b0",
    settings: ScheduleSettings | None = None,
    fold: int = 1,
    teacher: str | os.PathLike | None = None,
    terms: Sequence[str] = (),
    temperature: float = 4.0,
    device: str | None = None,
    log: Log = print,
    quiet: bool = True,
) -> Trained:
    """Trains a network on labelled images in a folder, with a teacher or without; resumes.

    Leaves `training/network.safetensors` (the last weights), `segment_test.csv`, `checks.csv` and
    `overlays.png`.

    Args:
        out: the folder.
        data: images with label maps, and their split or folds.
        network: one of `settings.NETWORKS`.
        settings: the schedule.
        fold: which is tested on, from 1; of a list with parts there is one.
        teacher: a file of a segmenter, a folder of a Hugging Face SegFormer, or "hub:OWNER/NAME".
        terms: what is learned from the teacher, as texts KIND:WEIGHT or kl:WEIGHT:TRUST.
        temperature: of "kl".
        device: where to train.
        log: called with lines of text.
        quiet: tell no progress.

    Raises:
        InputError: data, fold or terms that cannot be used, or the folder is of another training.
        CheckpointError: the teacher or a checkpoint is damaged.
    """
    settings = settings or ScheduleSettings()
    images = open_labelled(data, settings.resize)
    chosen = _fold(folds_of(data, images), fold)
    absent = absent_classes(images.pixels(), images, chosen)
    if absent:
        log(f"no test image shows {', '.join(absent)}; its IoU is left out")
    place = choose_device(device)
    own = new_network(network, len(images.classes), settings.seed)
    followed, lesson = None, Lesson(own)
    if terms or teacher is not None:
        followed = load_followed(teacher, images, place)
        layers = network_layers(own), network_layers(followed.network)
        lesson = Lesson(own, tuple(term_settings(terms, temperature, *layers).values()))
    claim = _claim((TEST, TEST_TEXT, CHECKS, OVERLAYS), (TRAINING,))
    with open_again(out, claim) as work:
        taught = train_in(
            work.folder / TRAINING, {NETWORK: lesson}, images, chosen, settings, followed,
            device=place, log=log, quiet=quiet,
        )  # fmt: skip
        names = images.classes.names
        table = frame_of(course_rows(taught.courses, fold, settings.seed, names), names)
        checks = frame_of(check_rows(taught.courses, fold, settings.seed, names), names)
        atomic_write(work.folder / TEST, csv_text(table))
        atomic_write(work.folder / TEST_TEXT, scores_markdown(table.iloc[0], names))
        atomic_write(work.folder / CHECKS, csv_text(checks))
        segmenter = Segmenter(taught.networks[NETWORK], images.classes, settings.resize, place)
        atomic_write(work.folder / OVERLAYS, network_overlays(segmenter, images, chosen.test))
    return Trained(Path(out) / TRAINING / f"{NETWORK}.safetensors", table)


@one_thread()
def score_segmenter(
    path: str | os.PathLike,
    data: LabelledData,
    out: str | os.PathLike | None = None,
    fold: int | None = None,
    device: str | None = None,
) -> pd.DataFrame:
    """Scores a network on labelled images: IoU of each class and their means, in per cent.

    Args:
        path: of its file.
        data: images with label maps; their classes must be the network's.
        out: folder for `segment_test.csv`, `segment_test.md` and `overlays.png`; None for none.
        fold: of which the test images are taken; None for all images.
        device: where it runs.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
        InputError: the classes differ, or nothing can be written.
    """
    segmenter = load_segmenter(path, choose_device(device))
    images = open_labelled(data, segmenter.resize)
    if images.classes.names != segmenter.classes.names:
        raise InputError(
            f"{path} tells {', '.join(segmenter.classes.names)}; given are the classes "
            f"{', '.join(images.classes.names)}"
        )
    rows = np.arange(len(images)) if fold is None else _fold(folds_of(data, images), fold).test
    scores = score({NETWORK: segmenter.network}, images, rows, segmenter.device)[NETWORK]
    names = images.classes.names
    row = score_row(Path(path).stem, fold or 0, 0, "last", scores, names)
    table = frame_of([row], names)
    if out is not None:
        with open_again(out, _claim((TEST, TEST_TEXT, OVERLAYS))) as work:
            atomic_write(work.folder / TEST, csv_text(table))
            atomic_write(work.folder / TEST_TEXT, scores_markdown(row, names))
            atomic_write(work.folder / OVERLAYS, network_overlays(segmenter, images, rows))
    return table


@one_thread()
def predict_files(
    path: str | os.PathLike,
    pictures: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    overlay: bool = False,
    device: str | None = None,
    log: Log = print,
) -> list[Path]:
    """Writes a label map of each picture, an 8-bit PNG with the classes' palette, of its size.

    Args:
        path: of the network's file.
        pictures: files; the map of x.png is x_labels.png.
        out: the folder.
        overlay: also write the picture tinted by its classes, x_overlay.png.
        device: where it runs.
        log: called with a line a picture.

    Raises:
        CheckpointError: the network's file is missing, damaged, or holds something else.
        InputError: two pictures have one name, or none could be read.
        SkippedError: some could not be read; all others are written.
    """
    out, paths = Path(out), [Path(each) for each in pictures]
    stems = [each.stem for each in paths]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise InputError(f"several pictures are named {twice[0]}; rename them or use two --out")
    segmenter = load_segmenter(path, choose_device(device))
    writable_folder(out)
    written, problems = [], []
    for each in paths:
        try:
            picture = read_image(each)
        except InputError as error:
            problems.append(str(error))
            continue
        labels = labels_of(segmenter, picture)
        written.append(out / f"{each.stem}_labels.png")
        atomic_write(written[-1], encoded(labels, palette=segmenter.classes.palette))
        if overlay:
            tinted = blended(picture, labels, segmenter.classes.palette)
            atomic_write(out / f"{each.stem}_overlay.png", encoded(tinted))
        log(f"{written[-1]}: {_shares(labels, segmenter.classes.names)}")
    if problems:
        raise (SkippedError if written else InputError)(
            f"{len(problems)} of {len(paths)} pictures could not be read: {'; '.join(problems)}"
        )
    return written


def load_followed(
    source: str | os.PathLike | None, images: LabelledImages, device: torch.device
) -> Followed:
    """A teacher of the images' classes.

    Args:
        source: a file of a segmenter, a folder of a Hugging Face SegFormer, or "hub:OWNER/NAME".
        images: what the students learn from.
        device: where it runs.

    Raises:
        CheckpointError: there is none there, or it is damaged.
        InputError: none is given, or it tells other classes.
    """
    if source is None:
        raise InputError("terms need a teacher; give --teacher")
    text, names = os.fspath(source), images.classes.names
    if text.startswith(HUB) or Path(text).is_dir():
        network, told = load_normalised(text.removeprefix(HUB), text.startswith(HUB))
    else:
        segmenter = load_segmenter(source, device)
        network, told = segmenter.network, segmenter.classes.names
    if tuple(told) != names:
        raise InputError(
            f"the teacher {text} tells {', '.join(told)}; the students learn {', '.join(names)}"
        )
    network = network.eval().requires_grad_(False).to(device)
    return Followed(network, weights_digest(network.state_dict()))


def _claim(written: tuple[str, ...], stores: tuple[str, ...] = ()) -> Claim:
    def ours(folder: Path) -> bool:
        return begins_with(folder / TEST, "model,fold,")

    return Claim("", {"kind": "segmentation"}, written=written, stores=stores, ours=ours)


def _fold(folds: Sequence[Fold], number: int) -> Fold:
    if not 1 <= number <= len(folds):
        raise InputError(f"fold {number}; there are {len(folds)}, counted from 1")
    return folds[number - 1]


def _shares(labels: np.ndarray, names: Sequence[str]) -> str:
    """The classes that take most of a picture, with their shares."""
    counts = np.bincount(labels.ravel(), minlength=len(names)) / labels.size
    order = np.argsort(-counts, kind="stable")[:3]
    return ", ".join(f"{names[each]} {counts[each]:.0%}" for each in order if counts[each])
