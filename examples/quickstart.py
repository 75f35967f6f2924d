"""Finds directions on the shipped models, proves them on fresh cases and draws a strip of faces.

    python examples/quickstart.py quickstart

It takes about a quarter of a minute on 2 cores and leaves `strip_mouth.png` and `directions.npz`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import vectorfind
from property_cnn.common.files import atomic_write
from reports import figure_png, image_strip


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    directions = vectorfind.find_directions(n=2000, layer="mapping_split2", method="svm", seed=0)
    directions.save(folder / "directions.npz")

    evaluation = vectorfind.evaluate(directions, cases=12)
    print(evaluation.statistics.to_string(index=False))
    means = evaluation.measured.correlation.mean
    for name, mean in zip(evaluation.properties, means, strict=True):
        print(f"{name}: mean corr-coef {mean:.3f}")

    z, label = evaluation.z[:4], evaluation.label[:4]  # (4, 512), (4, 7)
    strengths = (-1.8, -0.9, 0.0, 0.9, 1.8)
    columns = [directions.edit(z, label, mouth=mouth).cpu().numpy() for mouth in strengths]
    images = np.stack(columns, axis=1)  # (4, 5, 3, H, W)
    strip = folder / "strip_mouth.png"
    atomic_write(strip, figure_png(image_strip(images, strengths, "mouth", ("closed", "open"))))
    print(f"strip: {strip}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/quickstart.py FOLDER")
    main(Path(sys.argv[1]))
