"""Holds the labels of fine-tuned generators against two judges: the scorer, and a face parser.

The discriminators of v5 are built from the scorer that the runs are measured by, so a generator
might please that network alone. The parser (the hair segmenter's teacher) knows nothing of it: it
marks eyes, lips and mouth, and the specification's formulas turn its map into scores. It needs the
extra `hair`.

    python examples/label_judges.py runs/finetune/v5-1 runs/finetune/v5-2 --out judges.csv
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

import torch
from torch import Tensor

from property_cnn.face_scores import MAP_SIZE, parsing_scores
from property_cnn.files import atomic_write, load_tensors
from property_cnn.hair.load import load_teacher
from property_cnn.hair.teachers import class_probabilities
from property_cnn.predict import load_scorer
from property_cnn.properties import CONTROLLED, PROPERTIES
from stylegan_ft.checkpoint import load_network
from stylegan_ft.finetune.measures import label_agreement, label_probe, probe_images
from stylegan_ft.finetune.run import CELLS, GENERATOR
from stylegan_ft.finetune.truncation import ConditionalTruncation
from stylegan_ft.finetune.variants import variant_named

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


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="CSV file for the table")
    given = parser.parse_args()
    scorer, teacher = load_scorer(), load_teacher()
    rows = []
    for folder in given.runs:
        images, labels = run_images(folder)
        large = torch.nn.functional.interpolate(images, (MAP_SIZE, MAP_SIZE), mode="bilinear")
        parts = [class_probabilities(teacher, batch).argmax(dim=1) for batch in large.split(8)]
        maps = torch.nn.functional.interpolate(
            torch.cat(parts)[:, None].float(), (MAP_SIZE, MAP_SIZE), mode="nearest"
        )
        parsed = scorer.network.normalise(parsing_scores(images, maps[:, 0].long()))
        for judge, scores in (("scorer", scorer(images)), ("parser", parsed)):
            found = label_agreement(labels, scores[:, PICKED])
            rows.append([folder.name, judge, *(f"{value:.4f}" for value in found)])
            print("  ".join(f"{key} {value}" for key, value in zip(COLUMNS, rows[-1], strict=True)))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    atomic_write(given.out, text.getvalue())


if __name__ == "__main__":
    main()
