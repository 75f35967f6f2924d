"""The card of concept classifiers: what they tell, how well, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from property_cnn.common.files import file_digest
from stylegan_ft.concept.settings import CONCEPT, EnsembleSettings

MEANING = {
    "gender": "female cues",
    "quality": "good quality: neither blur nor noise",
    "age": "an old face",
    "glasses": "glasses worn",
}


def auroc_summary(table: pd.DataFrame) -> list[tuple[str, float, float, float]]:
    """Attribute, mean, lowest and highest AUROC over its folds."""
    summary = table.groupby("attribute")["auroc"].agg(["mean", "min", "max"])
    return [(name, *(float(value) for value in summary.loc[name])) for name in CONCEPT]


def card_text(
    table: pd.DataFrame, settings: EnsembleSettings, weights: Path, made: Mapping[str, str]
) -> str:
    """The card as Markdown.

    Args:
        table: AUROC of every fold, see `make.COLUMNS`.
        settings: of the training.
        weights: the file, to tell its size and digest.
        made: more to say: what -> how.
    """
    rows = []
    for name, mean, low, high in auroc_summary(table):
        folds = table[table["attribute"] == name]
        listed = ", ".join(f"{value:.4f}" for value in folds["auroc"])
        share = folds["positive"].sum() / folds["images"].sum()
        rows.append(
            f"| {name} | {MEANING[name]} | {folds['images'].sum():,} | {share:.1%} "
            f"| {mean:.4f} | {low:.4f} – {high:.4f} | {listed} |"
        )
    about = {
        **made,
        "Training": f"{settings.folds} members an attribute by stratified k-fold, "
        f"{settings.epochs} epochs of AdamW each, batches of {settings.batch_size}, learning rate "
        f"{settings.lr:g} along a half cosine, weight decay {settings.weight_decay:g}, dropout "
        f"{settings.dropout:g}, mirrored images, binary cross-entropy",
        "Network": f"convolutions of {', '.join(map(str, settings.network.widths))} channels, "
        f"input {settings.network.side} × {settings.network.side}",
        "Seed": str(settings.seed),
        "File": f"{weights.name}, {weights.stat().st_size / 2**20:.2f} MiB, half precision, "
        f"digest `{file_digest(weights)}`",
    }
    return "\n".join(
        [
            "# Concept classifiers",
            "",
            "Tell four attributes of a face; the probability of each is the mean over an ensemble "
            "(soft voting). They judge pictures like those they learned from, and no others.",
            "",
            "## How well they tell",
            "",
            "Area under the ROC curve of each member on the fold that it did not see.",
            "",
            "| attribute | 1 means | images | of them 1 | mean | range | folds |",
            "|---|---|---:|---:|---:|---|---|",
            *rows,
            "",
            "## How they were made",
            "",
            *(f"- **{what}**: {how}" for what, how in about.items()),
            "",
        ]
    )
