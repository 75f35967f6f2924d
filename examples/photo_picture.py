"""The picture of photographs that are moved by three numbers, from the directions of a run.

    python examples/photo_picture.py RUN FILE.png [FACES] [SIDE]

The faces are the first of the run's cases, whatever became of them; each property is moved to both
ends of the run's own grid, the others left at 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import read_npz
from property_cnn.common.files import atomic_write
from property_cnn.common.tasks import one_thread
from reports import figure_png
from reports.folders import read_config
from reports.plots.images import extremes_sheet
from reports.text import ends_of
from vectorfind.directions.directions import load_directions


@one_thread()
def main(run: Path, path: Path, faces: int = 3, side: int = 256) -> None:
    directions = load_directions(run / "directions.npz", "mobilestylegan", "landmarks", size=side)
    latents, _ = read_npz(run / "latents.npz", "vectorfind latents")
    z, label = latents["z"][:faces], latents["label"][:faces]
    names = directions.properties
    strengths = read_config(run)["evaluate"]["strengths"]
    edits = [{}] + [{name: end(strengths[name])} for name in names for end in (min, max)]
    columns = [directions.edit(z, label, **edit) for edit in edits]
    images = np.stack([np.asarray(column) for column in columns], axis=1)
    figure = extremes_sheet(images, names, [ends_of(name) for name in names])
    atomic_write(path, figure_png(figure))
    print(f"picture: {path}")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(Path(given[0]), Path(given[1]), *map(int, given[2:]))
