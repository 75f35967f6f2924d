"""Makes the models that the package ships, in order, each where it is not up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import property_cnn
import stylegan_ft
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.tasks import training_threads
from property_cnn.network.make import make_scorer
from property_cnn.network.scorer import load_scorer
from property_cnn.properties import CONTROLLED, PROPERTIES
from reports.statistics import wilson
from stylegan_ft.concept import CONCEPT, ConceptClassifiers, EnsembleSettings, Thresholds
from stylegan_ft.concept.make import CARD, TABLE, WEIGHTS, made_like
from stylegan_ft.finetune.concept_measures import ConceptFigures, concept_figures
from stylegan_ft.finetune.settings import DEFAULTS, FinetuneSettings
from stylegan_ft.formats.checkpoint import load_network
from stylegan_ft.generator import load_generator
from stylegan_ft.training.make import GeneratorRecipe, make_generator
from stylegan_ft.training.samples import fixed_samples, save_grid
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.directions.directions import Directions
from vectorfind.directions.shipped import CARD as DIRECTIONS_CARD
from vectorfind.directions.shipped import SHIPPED as SHIPPED_DIRECTIONS
from vectorfind.directions.shipped import WEIGHTS as DIRECTIONS_FOLDER
from vectorfind.directions.shipped import networks_of
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.models.pair import load_models
from vectorfind.models.protocols import digest_of
from vectorfind.pipeline import evaluate, find_directions
from vectorfind.runs.finetune.faces import train_concept
from vectorfind.runs.finetune.filter import filter_images
from vectorfind.runs.finetune.jobs import finetune_files
from vectorfind.runs.finetune.settings import FilterSettings

BASE, CONCEPT_GENERATOR = "generator.safetensors", "concept_generator.safetensors"
CONCEPT_CARD, CONCEPT_SAMPLES = "concept_generator.md", "concept_generator_samples.png"
IMAGES, SHOWN, MEASURED = 160_000, 64, 4096
SEED = 100
"""Of the samples shown and measured."""

DIRECTIONS = FindSettings(n=20_000, layer="w")
"""Of the shipped directions: in w, where faces can be truncated and layers chosen."""

DIRECTIONS_CASES = EvaluateSettings(cases=12, control_cases=2)
"""Of the test that their card tells."""


@training_threads()
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
    own = weights is None
    directions = make_directions(DIRECTIONS_FOLDER if own else folders[0], work, device, log)
    return [scorer, generator, classifiers, concept, directions]


def make_directions(
    weights: Path,
    work: Path,
    device: str | None = None,
    log: Callable[[str], None] = print,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
) -> Path:
    """Finds the directions that the studio starts with, tests them, and writes their card.

    Nothing is done where those that are there were found on these networks.

    Args:
        weights: folder of the result.
        work: folder of the samples; an interrupted making goes on there.
        device: where the networks run.
        log: called with lines of text.
        generator, scorer: names or paths of the networks.

    Returns:
        The path of the directions.
    """
    path = weights / SHIPPED_DIRECTIONS["default"].name
    card = path.with_name(DIRECTIONS_CARD.name)
    models = load_models(generator, scorer, device)
    found_on = tuple(digest_of(each) for each in (models.generator, models.scorer))
    if path.is_file() and card.is_file() and networks_of(path) == found_on:
        log(f"{path} is up to date")
        return path
    quiet = log is not print
    directions = find_directions(
        DIRECTIONS.n,
        DIRECTIONS.layer,
        DIRECTIONS.method,
        generator=generator,
        scorer=scorer,
        device=device,
        store=work / "direction-samples",
        quiet=quiet,
    )
    log(f"measuring {path.name}")
    cases, control = DIRECTIONS_CASES.cases, DIRECTIONS_CASES.control_cases
    tested = evaluate(directions, cases, control_cases=control, quiet=quiet)
    directions.save(path)
    atomic_write(card, directions_card(path, directions, tested))
    return path


def directions_card(path: Path, directions: Directions, tested: Evaluation) -> str:
    """The card, as Markdown.

    Args:
        path: of the directions.
        directions: what is in it.
        tested: their test.
    """
    correlation = tested.measured.correlation
    bounds = zip(correlation.mean, correlation.low, correlation.high, strict=True)
    rows = [
        f"| {name} | {mean:.3f} [{low:.3f}, {high:.3f}] |"
        for name, (mean, low, high) in zip(directions.properties, bounds, strict=True)
    ]
    cases = DIRECTIONS_CASES.cases
    return f"""# The shipped directions

What `vectorfind studio` starts with: directions of {", ".join(directions.properties)} of the
default generator.

- **File**: {path.name}, {path.stat().st_size / 2**10:.0f} KiB
- **Found on**: generator `{directions.generator_digest}`, scorer `{directions.scorer_digest}`;
  other networks are refused
- **How**: SVMs a group in w, {DIRECTIONS.n:,} samples, seed {DIRECTIONS.seed}
- **Commands**: `vectorfind find -n {DIRECTIONS.n // 1000}K --layer w --method svm --out
  {path.name}`, `vectorfind evaluate {path.name} --cases {cases} --control-cases
  {DIRECTIONS_CASES.control_cases} --out test`; or `make models`

Mean corr-coef of strength and score over {cases} fresh cases, with its 95 % interval:

| property | corr-coef |
|---|---:|
{chr(10).join(rows)}
"""


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


@training_threads()
def make_concept_generator(
    weights: Path, work: Path, log: Callable[[str], None] = print, device: str | None = None
) -> Path:
    """Filters samples of the base, fine-tunes it on those kept, measures, and writes the card.

    Nothing is done where the card names the same base, classifiers and scorer.

    Args:
        weights: folder of the base, its discriminator and the classifiers, and of the result.
        work: folder of the kept images and of the run; an interrupted making goes on there.
        log: called with lines of text.
        device: where to train.

    Returns:
        The path of the generator.
    """
    base, path, scorer = weights / BASE, weights / CONCEPT_GENERATOR, load_scorer(device=device)
    classifiers = weights / "concept.safetensors"
    digests = (file_digest(base), file_digest(classifiers), scorer.digest)
    made_from = "base `{}`, classifiers `{}`, scorer `{}`".format(*digests)
    card = weights / CONCEPT_CARD
    if path.is_file() and card.is_file() and made_from in card.read_text("utf-8"):
        log(f"{path} is up to date")
        return path
    images, run, quiet = work / "concept-images", work / "v9", log is not print
    filter_images(images, FilterSettings(n=IMAGES), base, classifiers, device=device, quiet=quiet)
    made = finetune_files(
        "v9",
        base,
        images,
        run,
        discriminator=weights / "discriminator.safetensors",
        classifiers=classifiers,
        device=device,
        log=log,
    )
    atomic_write(path, made.read_bytes())
    log(f"measuring {path.name}")
    tell = ConceptClassifiers.load(classifiers, scorer.device)
    before, after = (
        concept_figures(
            load_generator(file, scorer.device), tell, scorer, Thresholds(), MEASURED, SEED
        )
        for file in (base, path)
    )
    network, _ = load_network(path)
    save_grid(weights / CONCEPT_SAMPLES, fixed_samples(network, SHOWN, SEED), columns=16)
    atomic_write(card, card_text(path, made_from, DEFAULTS["v9"], before, after))
    return path


def card_text(
    path: Path,
    made_from: str,
    settings: FinetuneSettings,
    before: ConceptFigures,
    after: ConceptFigures,
) -> str:
    """The card, as Markdown.

    Args:
        path: of the weights.
        made_from: digests of what it was made from.
        settings: of the fine-tuning.
        before, after: figures of the base and of the result.
    """
    shares = [("all four", before.share, after.share)]
    shares += zip(CONCEPT, before.attribute_shares, after.attribute_shares, strict=True)
    rows = [f"| {name} | {old:.1%} | {new:.1%} |" for name, old, new in shares]
    spreads = zip(PROPERTIES, before.score_stds, after.score_stds, strict=True)
    kept = [f"{name} {new / old:.2f}" for name, old, new in spreads if name in CONTROLLED]
    low, high = wilson(after.passed, after.n)
    return f"""# The shipped default generator

The base ([card](generator.md)), fine-tuned by v9 towards a concept: female cues, good quality,
young, no glasses.

- **File**: {path.name}, {path.stat().st_size / 2**20:.1f} MiB, half precision
- **Made from**: {made_from}
- **Images**: {IMAGES:,} samples of the base, seed 0, filtered by the classifiers
  ([card](concept.md)) at the default thresholds
- **Training**: {settings.batches:,} batches of {settings.batch_size} (logistic loss, R1), rates
  {settings.lr:g} and, of the mapping, {settings.mapping_lr:g} times that; mapping, synthesis from
  4 × 4 to 16 × 16 and the discriminator's layers from 16 × 16 down; all else is the base's
- **Seed**: {settings.seed}; samples and figures below from seed {SEED}
- **Commands**: `vectorfind finetune filter -n {IMAGES // 1000}K --out concept-images`,
  `vectorfind finetune --variant v9 --base base --images concept-images --out v9`; or `make models`

No photograph of a person was involved.

## What was gained

Share of {after.n:,} samples within the filter's thresholds, the same latents for both; that of all
four is {low:.1%} to {high:.1%} with 95 % confidence.

| | base | fine-tuned |
|---|---:|---:|
{chr(10).join(rows)}

Spread of the scores over the samples, as a share of the base's: {", ".join(kept)}.

## Samples

{SHOWN} samples, not chosen (truncation psi 1):

![samples]({CONCEPT_SAMPLES})
"""
