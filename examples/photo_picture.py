"""The picture of photographs that are moved by three numbers, from the directions of a run.

    python examples/photo_picture.py RUN FILE.webp [FACES] [SIDE]

The faces are the first of the run's cases, whatever became of them. Each property is moved down and
up by two standard deviations of its score, by the slope that the run measured; the others are left.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import read_npz
from property_cnn.common.files import atomic_write
from property_cnn.common.tasks import one_thread
from reports import columns as c
from reports import figure_png, layout
from reports.pages.pictures import webp
from reports.plots.images import extremes_sheet
from reports.text import ends_of
from vectorfind.directions.directions import load_directions

REACH = 2.0
"""Standard deviations of each score, to either side."""


@one_thread()
def main(run: Path, path: Path, faces: int = 3, side: int = 256) -> None:
    directions = load_directions(run, "mobilestylegan", "landmarks", size=side)
    latents, _ = read_npz(run / layout.LATENTS, "vectorfind latents")
    z, label = latents["z"][:faces], latents["label"][:faces]
    slopes = pd.read_csv(run / layout.SLOPES).set_index([c.STRENGTH, c.SCORE])[c.SLOPE]
    names = directions.properties
    edits = [{name: way * REACH / slopes[name, name]} for name in names for way in (-1, 1)]
    columns = [directions.edit(z, label, **edit) for edit in ({}, *edits)]
    images = np.stack([np.asarray(column) for column in columns], axis=1)
    figure = extremes_sheet(images, names, [ends_of(name) for name in names])
    atomic_write(path, webp(figure_png(figure), photo=True))
    print(f"picture: {path}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), Path(given[1]), *map(int, given[2:]))
