"""Whatever reads pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis.strategies import SearchStrategy

from property_cnn.pictures import MOST_PIXELS, read_image, read_labels
from stylegan_ft.training.image_folder import load_images
from tests.hostile.judging import Wrong
from tests.hostile.strategies import pictures
from tests.hostile.strategies.damage import damaged
from tests.hostile.subjects.subject import Make, Subject

FILE = "picture"
MEMORY = 20 * MOST_PIXELS
"""Of the largest picture that is read: its own pixels, and their ways to RGB."""


def lay(data: bytes, folder: Path) -> None:
    """The picture as a file."""
    (folder / FILE).write_bytes(data)


def use(data: bytes, folder: Path) -> None:
    """Reads it as a picture, and as one of a folder."""
    pixels = read_image(folder / FILE)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise Wrong(f"taken: {pixels.dtype} {pixels.shape}")
    load_images(folder, [FILE], 8)


def use_map(data: bytes, folder: Path) -> None:
    """Reads it as a map of labels."""
    read_labels(folder / FILE)


def subject(form: str, at: Path) -> Subject:
    """A small picture of a format, damaged."""
    whole = pictures.whole(form)
    return Subject(damaged(whole), use, lay, whole, MEMORY, short=25)


def made(inputs: SearchStrategy[bytes], reader: Any, at: Path) -> Subject:
    """Pictures that are made to do harm."""
    return Subject(inputs, reader, lay, None, MEMORY, short=25)


SUBJECTS: dict[str, Make] = {
    **{f"picture: {form}": partial(subject, form) for form in pictures.forms()},
    "picture: EXIF": partial(made, pictures.hostile_exif(), use),
    "picture: size": partial(made, pictures.hostile_sizes(), use),
    "picture: labels": partial(made, damaged(pictures.whole("GIF")), use_map),
}
