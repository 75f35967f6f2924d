"""Which layers carry a property, written as a table and a plot."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from property_cnn.common.checks import check_count
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import writable_folder
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread
from reports import columns as c
from reports.plots.layers import layer_bars
from reports.plots.style import figure_png
from reports.tables import csv_text
from vectorfind.directions.directions import load_directions
from vectorfind.evaluation.layers import layer_effects

TABLE, PLOT = "layers.csv", "layers.png"


@one_thread()
def write_layers(  # noqa: PLR0913 - public, its keywords are the interface
    directions_path: str | os.PathLike,
    out: str | os.PathLike,
    count: int = 32,
    block: int = 1,
    seed: int = 0,
    generator: str | os.PathLike = "default",
    scorer: str | os.PathLike = "default",
    device: str | None = None,
    quiet: bool = False,
) -> pd.DataFrame:
    """Writes `layers.csv` and `layers.png`; returns the table, a row a block, property and score.

    Args:
        directions_path: the .npz of directions, or a run's folder.
        out: the folder.
        count, block, seed: see `vectorfind.evaluation.layers.layer_effects`.
        generator, scorer, device: the networks that the directions were found on.
        quiet: show no progress.

    Raises:
        InputError: the directions do not live in w, or nothing can be written in `out`.
        CheckpointError: a file is missing, damaged or foreign.
    """
    check_count("count", count)
    check_count("block", block)
    choose_device(device)
    folder = writable_folder(out)
    directions = load_directions(directions_path, generator, scorer, device=device)
    told = Progress("re-scoring", 0, "images", quiet)

    def tell(total: int) -> None:
        told.total = total
        told.foresee()

    blocks, effects = layer_effects(directions, count, seed, block, told.advance, tell)
    rows = []
    for place, (start, stop) in enumerate(blocks):
        ends = f"{start}" if stop - start == 1 else f"{start}-{stop - 1}"
        layers = c.ALL_LAYERS if place == len(blocks) - 1 else ends
        for index, name in enumerate(directions.properties):
            for score, read in enumerate(directions.scored):
                rows.append((layers, name, read, *effects.at(place, index, score)))
    columns = [c.LAYERS, c.STRENGTH, c.SCORE, c.SLOPE, c.LOW, c.HIGH]
    table = pd.DataFrame(rows, columns=columns)
    atomic_write(Path(folder) / TABLE, csv_text(table))
    atomic_write(Path(folder) / PLOT, figure_png(layer_bars(table)))
    return table


def layer_lines(table: pd.DataFrame) -> list[str]:
    """What each block of layers does to the property's own score, a line a property."""
    lines = []
    for name, rows in table[table[c.STRENGTH] == table[c.SCORE]].groupby(c.STRENGTH, sort=False):
        own = zip(rows[c.LAYERS], rows[c.SLOPE], strict=True)
        lines.append(f"{name}: {', '.join(f'{layers} {slope:+.3f}' for layers, slope in own)}")
    return lines
