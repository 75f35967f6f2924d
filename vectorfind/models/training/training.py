"""The jobs that train a scorer in a folder, and that write images for a table of scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from property_cnn.common.checks import check_count
from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.prompt import Shown
from property_cnn.common.shards.store import open_store
from property_cnn.common.tasks import one_thread, run_tasks
from property_cnn.common.training_state import fingerprint
from property_cnn.jobs.folder import Claim, Work, open_folder
from property_cnn.network.scorer import Scorer, load_scorer, save_scorer
from property_cnn.network.training import ScorerSettings, held_out, predict_raw
from property_cnn.network.training import train_scorer as train_network
from property_cnn.pictures import encoded, to_bytes
from reports.layout import CONFIG, TRAINING
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Generator, device_of, digest_of, resolve_generator
from vectorfind.models.protocols import Scorer as AnyScorer
from vectorfind.models.scorers import TRAINED
from vectorfind.models.training.card import Facts, card_text
from vectorfind.models.training.learning import Learned, learnable, training_settings
from vectorfind.models.training.measures import agreement, images_a_second
from vectorfind.models.training.settings import GRID, IMAGES, LARGEST_SIDE, ScorerTraining
from vectorfind.models.training.tables import image_name
from vectorfind.models.training.teachers import Teacher, resolve_teacher
from vectorfind.sampling.lessons import SHARD, Lessons, Unscored, fill_lessons, lesson_images

CARD, TABLE, STORE = "scorer.md", "scorer_test.csv", "images"
TIMED = 64
"""Images that the speed is taken on."""

Log = Callable[[str], None]


@dataclass(frozen=True, eq=False, repr=False)
class TrainedScorer(Shown):
    """What `train_scorer` left.

    Attributes:
        path: of the scorer, which is loaded by `vectorfind.load_scorer(path)`.
        table: how well it agrees with its teacher, see `measures.COLUMNS`.
    """

    path: Path
    table: pd.DataFrame


@one_thread()
def train_scorer(  # noqa: PLR0913, its keywords are the interface
    generator: str | os.PathLike | Generator = "default",
    teacher: str | os.PathLike | AnyScorer | Callable[[Tensor], object] = "landmarks",
    out: str | os.PathLike = "scorer",
    settings: ScorerTraining | None = None,
    *,
    store: str | os.PathLike | None = None,
    overwrite: bool = False,
    quiet: bool = True,
    command: str = "",
) -> TrainedScorer:
    """Trains a property CNN that tells what a teacher tells, on a generator's images.

    Goes on where it was stopped. Leaves `scorer.safetensors`, its card `scorer.md` and
    `scorer_test.csv` in the folder, and the images in its folder `images`.

    Args:
        generator: see `protocols.resolve_generator`.
        teacher: see `teachers.resolve_teacher`.
        out: the folder.
        settings: how; the defaults if not given.
        store: another folder for the images, which several trainings may share.
        overwrite: replace what the folder holds.
        quiet: tell no progress.
        command: that repeats it, for the card.

    Raises:
        InputError: the teacher's table or the folder do not fit, too few images have scores, or
            none of the scores differs among them.
        CheckpointError: a network's file is missing, damaged or foreign.
        ScorerError: the teacher's answer has another shape, or infinities.
    """
    settings = settings or ScorerTraining()
    device = choose_device(settings.device)
    known = resolve_teacher(teacher, settings.n, device)
    network = resolve_generator(generator, **_given(settings.loading))
    models = Models(network, known.scorer or Unscored())
    names = {"generator": _name(generator), "teacher": known.name}
    config = _config(settings, models, known, names, command)
    claim = Claim(CONFIG, config, _decides, (TRAINED, CARD, TABLE), (STORE,))
    nameless = not all(config["models"].values())
    with open_folder(out, claim, overwrite or nameless, resumed=not nameless) as work:
        if not work.finished or work.faults:
            place = store or work.folder / STORE
            _train(work, place, models, known, config, (settings, device, quiet))
            work.finish()
    return TrainedScorer(Path(out) / TRAINED, pd.read_csv(Path(out) / TABLE))


@one_thread()
def write_images(
    generator: str | os.PathLike | Generator,
    n: int,
    out: str | os.PathLike,
    settings: ScorerTraining | None = None,
    quiet: bool = True,
) -> Path:
    """Writes the first n images that a scorer would learn from as PNGs, to be scored by others.

    Args:
        generator: see `protocols.resolve_generator`.
        n: number of images.
        out: the folder; one of these images is gone on with.
        settings: of which seed, batch_size, workers and the generator's count.
        quiet: tell no progress.

    Raises:
        InputError: the folder holds something else, or nothing can be written there.
    """
    check_count("n", n)
    settings, out = settings or ScorerTraining(), writable_folder(out)
    network = resolve_generator(generator, **_given(settings.loading))
    models = Models(network, Unscored())

    def make(start: int, count: int, names: tuple[str, ...]) -> dict[str, np.ndarray | bytes]:
        batches = lesson_images(models, settings.seed, start, count, settings.batch_size)
        pixels = (to_bytes(images).permute(0, 2, 3, 1).cpu().numpy() for images in batches)
        pictures = (picture for batch in pixels for picture in batch)
        files = {image_name(start + k): encoded(picture) for k, picture in enumerate(pictures)}
        return {"number": np.arange(start, start + count), **files}

    identity = {
        "format": "vectorfind pictures",
        "generator": digest_of(network),
        "seed": settings.seed,
    }
    progress = Progress("images", n, "images", quiet)
    with open_store(out / "made", identity, SHARD, beside=out) as pictures:
        run = partial(run_tasks, workers=settings.workers, models=models)
        pictures.fill(n, ("number",), make, run, progress)
    return out


def _train(
    work: Work,
    place: str | os.PathLike,
    models: Models,
    teacher: Teacher,
    config: Mapping[str, Any],
    how: tuple[ScorerTraining, torch.device, bool],
) -> None:
    """Images, training, measures and files of a folder."""
    settings, device, quiet = how
    n = settings.n or (IMAGES if teacher.table is None else len(teacher.table))
    seen = _side(models, settings)
    side = min(settings.resolution or LARGEST_SIDE, max(GRID, seen // GRID * GRID))
    lessons = fill_lessons(
        place, models, n, side, settings.seed, settings.batch_size, settings.workers, quiet,
        "keep" if config["models"]["generator"] and config["models"]["teacher"] else "drop",
    )  # fmt: skip
    scores = lessons.scores if teacher.table is None else teacher.table
    learned = learnable(scores, teacher.properties)
    points = None if lessons.points is None else lessons.points[learned.rows]
    read_from = getattr(models.scorer, "read_from", None)
    how_to = training_settings(settings, learned, side, points, read_from)
    scorer, table = _fit(work, lessons, learned, how_to, device, quiet, config)
    probe = next(lesson_images(models, settings.seed, 0, TIMED, TIMED))
    timed = {"scorer": scorer} | ({} if teacher.scorer is None else {"teacher": teacher.scorer})
    last = held_out(len(learned.rows), how_to.validation)
    facts = Facts(
        generator=(config["names"]["generator"], config["models"]["generator"]),
        teacher=(teacher.name, teacher.digest),
        seed=settings.seed,
        side=(seen, side),
        images=(len(learned.rows) - last, last, learned.unreadable),
        flat=learned.flat,
        settings=how_to,
        command=config["command"],
        table=table,
        rates=images_a_second(timed, probe),
        parameters=sum(parameter.numel() for parameter in scorer.network.parameters()),
        file_bytes=(work.folder / TRAINED).stat().st_size,
        digest=scorer.digest,
    )
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    atomic_write(work.folder / TABLE, text)
    atomic_write(work.folder / CARD, card_text(facts))


def _fit(
    work: Work,
    lessons: Lessons,
    learned: Learned,
    settings: ScorerSettings,
    device: torch.device,
    quiet: bool,
    config: Mapping[str, Any],
) -> tuple[Scorer, pd.DataFrame]:
    """The trained scorer as its file has it, and its agreement with the teacher."""
    properties = settings.network.properties
    columns = [learned.properties.index(name) for name in properties]
    wanted = torch.from_numpy(learned.scores[:, columns])
    images = torch.from_numpy(lessons.images[learned.rows])
    last = held_out(len(images), settings.validation)
    progress = Progress("training", settings.epochs * (len(images) - last), "images", quiet)
    if learned.unreadable:
        progress.note(f"{learned.unreadable:,} images have no scores, and are left out")
    if learned.flat:
        progress.note(f"left out, as they are the same on all images: {', '.join(learned.flat)}")
    name = fingerprint(settings=settings.plain(), models=config["models"])[:16]
    folder = work.on_the_way(TRAINING)
    folder.mkdir(exist_ok=True)
    state = folder / f"{name}.safetensors"
    network, _ = train_network(images, wanted, settings, state, progress.note, device, progress)
    save_scorer(network, work.folder / TRAINED, {"recipe": {k: config[k] for k in _RECIPE}})
    scorer = load_scorer(work.folder / TRAINED, device)  # measured as it is in the file
    predicted = predict_raw(scorer.network, images[-last:]).cpu().numpy()
    return scorer, agreement(predicted, wanted[-last:].numpy(), properties, settings.seed)


_RECIPE = ("train", "models", "names")


def _config(
    settings: ScorerTraining,
    models: Models,
    teacher: Teacher,
    names: Mapping[str, str],
    command: str,
) -> dict[str, Any]:
    plain = asdict(settings)
    return {
        "kind": "scorer",
        "train": {name: plain[name] for name in plain if name not in ("device", "workers")},
        "models": {"generator": digest_of(models.generator), "teacher": teacher.digest},
        "names": dict(names),
        "device": str(device_of(models.generator)),
        "command": command,
        "versions": {name: version(name) for name in ("torch", "numpy")},
    }


def _decides(config: Mapping) -> dict:
    return {name: config.get(name) for name in ("kind", "train", "models")}


def _side(models: Models, settings: ScorerTraining) -> int:
    """Of the generator's images.

    Raises:
        InputError: they are not square.
    """
    height, width = next(lesson_images(models, settings.seed, 0, 1, 1)).shape[-2:]
    if height != width:
        raise InputError(f"the generator's images are {height} × {width}; need square ones")
    return height


def _given(loading: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in loading.items() if value is not None}


def _name(generator: object) -> str:
    """What the generator is called: its name, that of its file, or its class."""
    if isinstance(generator, str | os.PathLike):
        return Path(generator).name or str(generator)
    return type(generator).__name__
