"""What the landmarks' properties have to do with the head's pose, on a generator's faces.

    vectorfind fetch landmarks
    vectorfind fetch mobilestylegan
    python examples/landmarks_and_yaw.py mobilestylegan 240

Prints tables of Markdown (docs/landmarks.md has them): mean, deviation and correlations of each
property, of the landmarks and of the iris network; and, on rendered faces of 64 x 64, the
correlation of what is read with what was drawn.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from property_cnn.face_scores import parsing_scores
from property_cnn.faces import render_faces, render_parsing, sample_attributes
from property_cnn.faces.attributes import ATTRIBUTES
from property_cnn.properties import PROPERTIES
from stylegan_ft.generator import load_generator
from vectorfind.models.protocols import resolve_scorer

SEED, PSI, SIZE, BATCH = 11, 0.8, 512, 4
RENDERED = 400


def read_photographs(generator: str, n: int, scorers: dict) -> dict[str, np.ndarray]:
    """Scores (n, P) by the name of the scorer, of samples."""
    network = load_generator(generator, "cpu", psi=PSI, size=SIZE)
    z = torch.randn(n, network.z_dim, generator=torch.Generator().manual_seed(SEED))
    rows = {name: [] for name in scorers}
    with torch.inference_mode():
        for part in network.map(z, None)["w"].split(BATCH):
            images = network.synthesize(part, "w")
            for name, scorer in scorers.items():
                rows[name].append(scorer(images).numpy())
    return {name: np.concatenate(parts) for name, parts in rows.items()}


def print_photographs(generator: str, n: int, scorers: dict) -> None:
    scores = read_photographs(generator, n, scorers)
    pose = dict(zip(scorers["landmarks"].properties, scores["landmarks"].T, strict=True))
    against = {"yaw": pose["yaw"], "abs(yaw)": np.abs(pose["yaw"]), "pitch": pose["pitch"],
               "eyes": pose["eyes"], "mouth": pose["mouth"]}  # fmt: skip
    print(f"| property | mean | deviation | {' | '.join(f'with {name}' for name in against)} |")
    print("|---" * (3 + len(against)) + "|")
    for reader, scorer in scorers.items():
        for name, values in zip(scorer.properties, scores[reader].T, strict=True):
            if name != "pose":
                cells = [f"{correlation(values, other):.2f}" for other in against.values()]
                of = f"{name}, iris" if reader == "iris" else name
                mean, deviation = np.nanmean(values), np.nanstd(values)
                print(f"| {of} | {mean:.3g} | {deviation:.2g} | {' | '.join(cells)} |")
    print(f"no face: {int(np.isnan(pose['yaw']).sum())} of {n}")


def print_rendered(scorers: dict) -> None:
    attributes = sample_attributes(RENDERED, seed=SEED)
    images = render_faces(attributes, 64)
    drawn = dict(zip(PROPERTIES, parsing_scores(images, render_parsing(attributes)).T, strict=True))
    drawn["yaw"] = attributes[:, ATTRIBUTES.index("yaw")]
    for reader, scorer in scorers.items():
        read = dict(zip(scorer.properties, scorer(images).T.numpy(), strict=True))
        pairs = {"eyes": "eyes", "mouth": "mouth", "roll": "pose", "yaw": "yaw"}
        said = [f"{name} {correlation(read[name], drawn[other].numpy()):.2f}"
                for name, other in pairs.items() if name in read]  # fmt: skip
        unread = int(np.isnan(read["eyes"]).sum())
        print(f"rendered, {reader}: {', '.join(said)}; no face: {unread} of {RENDERED}")


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    read = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[read], other[read])[0, 1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    readers = {name: resolve_scorer(name, "cpu") for name in ("landmarks", "iris")}
    print_rendered(readers)
    if len(sys.argv) > 2:
        print_photographs(sys.argv[1], int(sys.argv[2]), readers)
