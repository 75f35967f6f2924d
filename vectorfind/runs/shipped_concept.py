"""Makes the shipped default generator: the base, fine-tuned by v9 towards the concept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from property_cnn.common.files import atomic_write, file_digest
from property_cnn.network.scorer import load_scorer
from property_cnn.properties import CONTROLLED, PROPERTIES
from reports.statistics import wilson
from stylegan_ft.concept import CONCEPT, ConceptClassifiers, Thresholds
from stylegan_ft.finetune.concept_measures import ConceptFigures, concept_figures
from stylegan_ft.finetune.settings import DEFAULTS, FinetuneSettings
from stylegan_ft.formats.checkpoint import load_network
from stylegan_ft.generator import load_generator
from stylegan_ft.training.samples import fixed_samples, save_grid
from vectorfind.runs.finetune.filter import filter_images
from vectorfind.runs.finetune.jobs import finetune_files
from vectorfind.runs.finetune.settings import FilterSettings

BASE, CONCEPT_GENERATOR = "generator.safetensors", "concept_generator.safetensors"
CARD, SAMPLES = "concept_generator.md", "concept_generator_samples.png"
IMAGES, SHOWN, MEASURED = 160_000, 64, 4096
SEED = 100
"""Of the samples shown and measured."""


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
    card = weights / CARD
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
    save_grid(weights / SAMPLES, fixed_samples(network, SHOWN, SEED), columns=16)
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
  `vectorfind finetune --variant v9 --base base --data concept-images --out v9`; or `make models`

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

![samples]({SAMPLES})
"""
