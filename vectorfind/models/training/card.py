"""The card of a scorer: how it was made and how well it agrees with its teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from property_cnn.network.training import ScorerSettings
from vectorfind.models.fetch import FETCHED


@dataclass(frozen=True, eq=False)
class Facts:
    """What a card tells.

    Attributes:
        generator, teacher: name and digest of each.
        seed: of the images and the training.
        side: of the images as the teacher saw them, and as they were kept.
        images: learned from, held out, and without scores.
        flat: properties left out, since they were the same on all images.
        settings: of the training.
        command: that repeats it; "" where only Python can.
        table: see `measures.agreement`.
        rates: images a second of "scorer" and, of a teacher that is a network, "teacher".
        parameters, file_bytes, digest: of the weights.
    """

    generator: tuple[str, str]
    teacher: tuple[str, str]
    seed: int
    side: tuple[int, int]
    images: tuple[int, int, int]
    flat: tuple[str, ...]
    settings: ScorerSettings
    command: str
    table: pd.DataFrame
    rates: Mapping[str, float]
    parameters: int
    file_bytes: int
    digest: str


def card_text(facts: Facts) -> str:
    """The card, as Markdown."""
    rows = [
        f"| {row.property} | {row.r2:.3f} | {row.r2_low:.3f} to {row.r2_high:.3f} | {row.corr:.3f} "
        f"| {row.error:.4g} | {row.mean:.4g} ± {row.std:.4g} |"
        for row in facts.table.itertuples(index=False)
    ]
    learned, held_out, unreadable = facts.images
    settings = facts.settings
    seen = ", ".join(
        f"{branch.name} {' × '.join(map(str, branch.pixels(settings.network.resolution)))}"
        for branch in settings.network.branches
    )
    (generator, generator_digest), (teacher, teacher_digest) = facts.generator, facts.teacher
    left_out = f", {unreadable:,} without scores left out" if unreadable else ""
    flat = f" Without spread, and not learned: {', '.join(facts.flat)}." if facts.flat else ""
    shown, kept = facts.side
    mirrored = "mirrored images" if settings.flip else "no mirroring"
    size = f"{facts.parameters:,} parameters, {facts.file_bytes / 2**20:.2f} MiB in half precision"
    making = (
        f"**Images**: {learned + held_out:,} of `{generator}` ({_digest(generator_digest)}), seed "
        f"{facts.seed}, {shown} × {shown}, kept at {kept} × {kept}{left_out}; the last "
        f"{held_out:,} held out",
        f"**Teacher**: `{teacher}` ({_digest(teacher_digest)}), on images before they were kept",
        f"**Training**: {settings.epochs} epochs of AdamW, {settings.batch_size} images a step, "
        f"learning rate {settings.lr:g} along a half cosine, weight decay "
        f"{settings.weight_decay:g}, {mirrored}, seed {settings.seed}",
        f"**What it sees**: {seen} pixels",
        f"**Weights**: {size}, digest `{facts.digest}`",
        f"**Command**: `{facts.command}`" if facts.command else "Made in Python",
    )
    return f"""# A scorer for images of {generator}

A property CNN that learned to tell what `{teacher}` tells, on images of `{generator}`. It answers
z-normalised scores: mean 0 and deviation 1 over the images that it learned from. It gives an
answer for every image: it cannot tell that there is no face in one.

## How well it agrees with its teacher

On {held_out:,} images that nothing was learned from, with the weights as they are in the file. R²
is the share of the teacher's variance explained, with a 95 % interval by bootstrap over the
images; the error is the mean absolute one, in the teacher's unit.

| property | R² | 95 % | correlation | error | teacher's mean ± std |
|---|---|---|---|---|---|
{chr(10).join(rows)}

It is as right as its teacher at best: where the teacher errs, so does this.{flat}

## Speed

{_speed(facts)}

## How it was made

{chr(10).join(f"- {line}" for line in making)}

## Licence

{_licences(generator, teacher)}
"""


def _digest(digest: str) -> str:
    return f"`{digest}`" if digest else "no digest"


def _speed(facts: Facts) -> str:
    own, teacher = facts.rates["scorer"], facts.rates.get("teacher")
    said = f"{own:,.0f} images of {facts.side[0]} × {facts.side[0]} a second on one thread"
    if teacher is None:
        return f"{said}."
    times = own / teacher
    return f"{said}; the teacher {teacher:,.0f}, by turns on the same images: {times:.1f} times."


def _licences(*names: str) -> str:
    known = [f"{name}: {FETCHED[name][0].licence}." for name in names if name in FETCHED]
    first = "It learned from the work of others, whose licences may bind what is done with it."
    return "\n".join([first, *known])
