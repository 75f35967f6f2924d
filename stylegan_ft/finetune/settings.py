"""The variants of fine-tuning, and the settings of runs (docs/finetuning.md), without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from property_cnn.common.checks import (
    Batch,
    Count,
    Factor,
    Positive,
    Seed,
    Settings,
    Share,
    TrainingDtype,
    Whole,
)
from property_cnn.common.errors import InputError
from property_cnn.properties import CONTROLLED, LABELS

Measured = Literal["labels", "concept", "nothing"]


@dataclass(frozen=True)
class Variant:
    """What a variant changes and trains.

    Args:
        name: as the reference system calls it.
        labels: properties of the label that generator and discriminator get; with () the
            discriminator gets none, and a label that the generator has already is N(0, I).
        split: whether the generator gets the split mapping.
        property_discriminator: whether the discriminator is built from the property CNN.
        through_scorer: whether the generator is also trained through that CNN, frozen at first.
        psi: of the truncation towards the mean w of the label's cell; 1 for none.
        generator_trains: beginnings of the names of the generator's parameters that are trained;
            "" for all.
        discriminator_trains: layers of the discriminator that are trained: all, the last three,
            or those from 16 × 16 pixels down.
        log_every: batches between two rows of the log.
        measured: what a row measures beside the losses.
    """

    name: str
    labels: tuple[str, ...]
    split: bool = False
    property_discriminator: bool = False
    through_scorer: bool = False
    psi: float = 1.0
    generator_trains: tuple[str, ...] = ("",)
    discriminator_trains: Literal["all", "last 3", "from 16"] = "all"
    log_every: int = 50
    measured: Measured = "nothing"

    @property
    def normalises_labels(self) -> bool:
        """Whether labels are z-normalised over the data; not where scores are held against them."""
        return self.measured != "labels"


_EARLY = tuple(f"synthesis.layer{i}." for i in range(6))  # 4 × 4, 8 × 8 and 16 × 16

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("v1", LABELS, generator_trains=("mapping.",), discriminator_trains="last 3"),
        Variant("v5-1", CONTROLLED, property_discriminator=True, log_every=10, measured="labels"),
        Variant(
            "v5-2",
            CONTROLLED,
            property_discriminator=True,
            through_scorer=True,
            log_every=10,
            measured="labels",
        ),
        Variant(
            "v5-3",
            CONTROLLED,
            property_discriminator=True,
            psi=0.5,
            log_every=10,
            measured="labels",
        ),
        Variant(
            "v9",
            (),
            split=True,
            generator_trains=("mapping.", *_EARLY),
            discriminator_trains="from 16",
            measured="concept",
        ),
    )
}


def variant_named(name: str) -> Variant:
    """The variant of that name; InputError naming all of them."""
    if name not in VARIANTS:
        raise InputError(f"variant {name!r}; choose one of {', '.join(VARIANTS)}")
    return VARIANTS[name]


@dataclass(frozen=True)
class FinetuneSettings(Settings):
    """How a run trains; the variant says what.

    Args:
        batches: batches of real images shown.
        lr, d_lr: Adam's rates.
        mapping_lr: factor on the rate of the mapping, whose own multiplier of 0.01 stays.
        settle: share of the batches at the end over which both rates fall to 0.
        r1_gamma, r1_every: weight of the gradient penalty, and steps of D between two of them.
        repeats: most steps of D, and of G, on one batch.
        d_factor: D repeats while its loss is at least that many times G's last.
        g_factor: G repeats while its loss is at least that many times D's last.
        warm_discriminator: batches at the start in which D trains alone, each time `repeats` steps.
        style_mixing: share of batches whose later layers take another latent's w.
        ema: decay a step of the averaged generator.
        property_weight: of the loss through the property CNN, where a variant has it.
        frozen: share of the batches in which that CNN stays as it is.
        dtype: of the networks' arithmetic, "float32" or "bfloat16"; weights, optimisers and the
            gradient penalty are float32 in either.
        seed: of the order of the images, of latents, labels and new weights.
        checkpoint_every, grid_every: rows of the log between two checkpoints and two grids.
        collapse_rows: rows in a row with all signs of collapse after which the run ends.
    """

    batches: Count = 4000
    batch_size: Batch = 16
    lr: Positive = 1e-3
    d_lr: Positive = 1e-3
    mapping_lr: Positive = 10.0
    settle: Share = 0.3
    r1_gamma: Factor = 1.0
    r1_every: Count = 8
    repeats: Count = 4
    d_factor: Positive = 3.0
    g_factor: Positive = 2.0
    warm_discriminator: Annotated[int, Whole(0)] = 0
    style_mixing: Share = 0.0
    ema: Share = 0.998
    property_weight: float = 1.0
    frozen: Share = 0.5
    dtype: TrainingDtype = "float32"
    seed: Seed = 0
    checkpoint_every: Count = 4
    grid_every: Count = 20
    collapse_rows: Count = 20


_NARROWING = FinetuneSettings(
    batches=2500,
    lr=5e-5,
    mapping_lr=80.0,
    r1_gamma=2.0,
    d_factor=2.0,
    warm_discriminator=60,
)
"""Where nearly all is left to the mapping, images stay the generator's own and as varied: a
discriminator that only deep layers of are trained is too easily deceived by new details."""

DEFAULTS = {
    name: _NARROWING if variant.discriminator_trains != "all" else FinetuneSettings()
    for name, variant in VARIANTS.items()
}
"""Settings that each variant has unless others are given."""


def check(variant: Variant, settings: FinetuneSettings) -> None:
    """InputError where settings do not fit the variant."""
    if variant.property_discriminator and settings.style_mixing:
        raise InputError(f"style_mixing {settings.style_mixing}: {variant.name} has none; give 0")


@dataclass(frozen=True)
class PlainSettings(Settings):
    """How the mapping of a plain base is trained; see `stylegan_ft.finetune.plain`.

    Args:
        steps: batches; the rate falls to 0 by a cosine.
        lr: Adam's rate for weights of unit scale; the mapping's multiplier is undone.
        seed: of the latents and of the projection that stands for the labels.
    """

    steps: Count = 6000
    batch_size: Batch = 256
    lr: Positive = 2e-3
    seed: Seed = 0
