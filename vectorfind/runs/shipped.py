"""Makes the models that the package ships, in order, each where it is not up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import property_cnn
import stylegan_ft
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write
from property_cnn.network.make import make_scorer
from property_cnn.network.scorer import load_scorer
from stylegan_ft.concept import EnsembleSettings
from stylegan_ft.concept.make import CARD, TABLE, WEIGHTS, made_like
from stylegan_ft.training.make import GeneratorRecipe, make_generator
from vectorfind.runs.finetune.faces import train_concept
from vectorfind.runs.shipped_concept import make_concept_generator


def make_models(
    work: str | os.PathLike,
    weights: str | os.PathLike | None = None,
    recipe: GeneratorRecipe | None = None,
    device: str | None = None,
    log: Callable[[str], None] = print,
    note: str = "",
) -> list[Path]:
    """Makes scorer, generators and concept classifiers, with their cards; goes on if interrupted.

    A model is made again when its settings, the renderer or a model that it was made with have
    changed, and left alone otherwise.

    Args:
        work: folder of faces, checkpoints and logs, some gigabytes that may be removed afterwards.
        weights: folder of the results; None replaces those that the packages ship.
        recipe: sizes and settings of the generator.
        device: where to train; the first GPU, or the CPU, if not given.
        log: called with lines of text.
        note: a remark on this making, for the generator's card.

    Returns:
        The paths of the weights.
    """
    work = Path(work)
    place = choose_device(device)
    folders = [
        Path(weights) if weights is not None else Path(package.__file__).parent / "weights"
        for package in (property_cnn, stylegan_ft)
    ]
    scorer = make_scorer(folders[0], work / "scorer", device=place, log=log)
    generator = make_generator(
        folders[1], work / "generator", load_scorer(scorer, place), recipe, place, log, note
    )
    classifiers = _make_classifiers(folders[1], work / "concept", log)
    concept = make_concept_generator(folders[1], work, log, device)
    return [scorer, generator, classifiers, concept]


def _make_classifiers(weights: Path, work: Path, log: Callable[[str], None]) -> Path:
    """The concept's classifiers with table and card, unless those there are the default's."""
    path, settings = weights / WEIGHTS, EnsembleSettings()
    if made_like(path, settings):
        log(f"{path} is up to date")
        return path
    train_concept(work, settings=settings, command="vectorfind finetune classifiers")
    for name in (WEIGHTS, TABLE, CARD):
        atomic_write(weights / name, (work / name).read_bytes())
    return path
