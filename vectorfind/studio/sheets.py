"""What a face of the studio is taken away as: a picture, strips, grids, animations, a table."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from property_cnn.common.errors import InputError
from reports.plots.images import tile
from reports.tables import csv_text
from vectorfind.characters.character import pixels_of
from vectorfind.characters.rendering.animation import sweep_values, write_gif
from vectorfind.studio.session import View
from vectorfind.studio.stage import Reading, Stage

COLUMNS = ("slider", "asked", "seen", "intended", "measured")
"""Of the table: name; sliders asked for and seen; scores intended and measured."""

STRIP, GRID, FRAMES = 7, 5, 12
"""Faces of a strip, of a side of the grid, and frames of an animation's way there."""

RATE = 12.0
_LEAST = 256  # pixels of an animation's side


def strip(stage: Stage, view: View, name: str) -> np.ndarray:
    """A sheet of faces while one slider goes from -1 to 1, all others as they are."""
    images = stage.images(view, **{_known(stage, view, name): np.linspace(-1, 1, STRIP)})
    return tile(images[None].cpu().numpy())


def grid(stage: Stage, view: View, across: str, down: str) -> np.ndarray:
    """A sheet of faces while one slider rises to the right and another downwards."""
    names = [_known(stage, view, name) for name in (across, down)]
    if across == down:
        raise InputError(f"the grid needs two properties, not {across} twice")
    levels = np.linspace(-1, 1, GRID)
    places = [np.tile(levels, GRID), np.repeat(levels, GRID)]
    images = stage.images(view, **dict(zip(names, places, strict=True)))
    return tile(images.unflatten(0, (GRID, GRID)).cpu().numpy())


def animation(stage: Stage, view: View, name: str) -> bytes:
    """A GIF from the unedited face to the view and back; of an unedited one, a sweep of a slider.

    Args:
        stage: draws.
        view: where it goes.
        name: the slider that is swept where the view moves none.
    """
    rest = stage.character(view.choice).rest
    if view.sliders:
        ends = {each: (rest[each], value) for each, value in view.sliders}
    else:
        ends = {_known(stage, view, name): (-1.0, 1.0)}
    ways = {each: sweep_values(*pair, FRAMES, back=False) for each, pair in ends.items()}
    frames = pixels_of(stage.images(view, **ways)).numpy()
    frames = np.stack([_enlarged(frame) for frame in frames])
    return gif(np.concatenate([frames, frames[-2:0:-1]]))


def gif(frames: np.ndarray) -> bytes:
    """Frames (T, H, W, 3) uint8 as an endless GIF."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "animation.gif"
        write_gif(frames, path, RATE)
        return path.read_bytes()


def table(readings: list[Reading]) -> str:
    """CSV, a row a slider; what was not measured is empty."""
    rows = [(r.name, r.slider, r.seen, r.intended, r.measured) for r in readings]
    return csv_text(pd.DataFrame(rows, columns=list(COLUMNS)).round(6))


def _known(stage: Stage, view: View, name: str) -> str:
    names = stage.character(view.choice).properties
    if name not in names:
        raise InputError(f"this face has no slider {name}; it has {', '.join(names)}")
    return name


def _enlarged(frame: np.ndarray) -> np.ndarray:
    """A frame of at least `_LEAST` pixels a side."""
    height, width = frame.shape[:2]
    times = -(-_LEAST // min(height, width))
    if times == 1:
        return frame
    size = (width * times, height * times)
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
