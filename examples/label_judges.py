"""Holds the labels of fine-tuned generators against two judges: the scorer, and a face parser.

The discriminators of v5 are built from the scorer that the runs are measured by, so a generator
might please that network alone. The parser (the hair segmenter's teacher) knows nothing of it: it
marks eyes, lips and mouth, and the formulas of docs/properties.md turn its map into scores. It
needs the extra `hair`.

    python examples/label_judges.py runs/v5-1 runs/v5-2 --out judges.csv --cases 24

With --cases, directions found on the base generator are held against both as well.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import vectorfind
from property_cnn.common.files import atomic_write, load_tensors
from property_cnn.face_scores import MAP_SIZE, parsing_scores
from property_cnn.hair.teacher import load_teacher
from property_cnn.network.scorer import load_scorer
from property_cnn.properties import CONTROLLED, PROPERTIES
from property_cnn.segmentation.teachers import class_probabilities
from stylegan_ft.finetune.measures import label_agreement, label_probe, probe_images
from stylegan_ft.finetune.run import CELLS, GENERATOR
from stylegan_ft.finetune.settings import variant_named
from stylegan_ft.finetune.truncation import ConditionalTruncation
from stylegan_ft.formats.checkpoint import load_network
from vectorfind.models.callable_scorer import CallableScorer

SEED = 77  # latents that no run has measured itself on
COLUMNS = ("run", "judge", *(f"{name}_{kind}" for kind in ("corr", "mae") for name in CONTROLLED))
PICKED = [PROPERTIES.index(name) for name in CONTROLLED]


def run_images(folder: Path) -> tuple[Tensor, Tensor]:
    """Images of a run's generator, and the labels (N, 3) that they are meant to show."""
    variant = variant_named(json.loads((folder / "settings.json").read_text("utf-8"))["variant"])
    network, _ = load_network(folder / GENERATOR)
    truncation = None
    if variant.psi != 1.0:
        truncation = ConditionalTruncation(len(variant.labels), network.truncation.w_avg)
        truncation.cells.copy_(load_tensors(folder / CELLS)[0]["cells"])
    probe = label_probe(network.config.z_dim, SEED)
    return probe_images(network, probe, truncation, variant.psi), probe.label


class Parser:
    """Scores read off the parser's maps, normalised as the scorer's are."""

    def __init__(self):
        self.teacher, self.scorer = load_teacher(), load_scorer()

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """(N, 8) scores of images (N, 3, H, W) in [-1, 1]."""
        parts = []
        for batch in images.split(8):
            large = F.interpolate(batch, (MAP_SIZE, MAP_SIZE), mode="bilinear")
            found = class_probabilities(self.teacher, large).argmax(dim=1, keepdim=True)
            parts.append(F.interpolate(found.float(), (MAP_SIZE, MAP_SIZE), mode="nearest"))
        return self.scorer.network.normalise(parsing_scores(images, torch.cat(parts)[:, 0].long()))


def direction_rows(judges: dict, cases: int) -> list[list[str]]:
    """Mean corr-coefs of strengths and scores, as `vectorfind test` has them, by each judge."""
    directions = vectorfind.find_directions(n=20_000, generator="base", quiet=True)
    rows = []
    for name, judge in judges.items():
        models = replace(directions.models, scorer=CallableScorer(judge, PROPERTIES))
        found = vectorfind.evaluate(
            replace(directions, models=models), cases, control_cases=2, quiet=True
        )
        means = found.statistics.iloc[0]
        corrs = [f"{means[f'{name}_corr_mean']:.4f}" for name in CONTROLLED]
        rows.append(["directions", name, *corrs, *[""] * len(CONTROLLED)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="CSV file for the table")
    parser.add_argument("--cases", type=int, default=0, help="cases to test directions on")
    given = parser.parse_args()
    judges = {"scorer": load_scorer(), "parser": Parser()}
    rows = []
    for folder in given.runs:
        images, labels = run_images(folder)
        for name, judge in judges.items():
            found = label_agreement(labels, judge(images)[:, PICKED])
            rows.append([folder.name, name, *(f"{value:.4f}" for value in found)])
    if given.cases:
        rows += direction_rows(judges, given.cases)
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in zip(COLUMNS, row, strict=True)))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    atomic_write(given.out, text.getvalue())


if __name__ == "__main__":
    main()
