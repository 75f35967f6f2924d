"""Images with label maps as a command names them, and their folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.errors import InputError
from property_cnn.segmentation.labelled import (
    Classes,
    Fold,
    LabelledImages,
    make_folds,
    split_by_list,
)
from reports.analysis.segmentation import MEANS, ROWS
from vectorfind.runs.segmentation.settings import LabelledData

NAME, PART, SEQUENCE = "name", "part", "sequence"
"""Columns of the list of images."""


def open_labelled(settings: LabelledData, resize: int | None = None) -> LabelledImages:
    """The images and label maps.

    Args:
        settings: where they are.
        resize: longer side that they are made smaller to.

    Raises:
        InputError: a folder or a pair is missing, or the classes are none.
    """
    taken = sorted({*ROWS, *MEANS} & set(settings.classes))
    if taken:
        raise InputError(f"a class is named {taken[0]}, as a column of the tables; rename it")
    classes = Classes(settings.classes, ignore=settings.ignore)
    return LabelledImages(settings.images, settings.labels, classes, resize)


def folds_of(settings: LabelledData, data: LabelledImages) -> list[Fold]:
    """The folds of a data set: of its list's parts one, else as many as are asked for.

    Raises:
        InputError: the list is damaged, or a fold would be empty.
    """
    listed = {} if settings.listing is None else read_listing(settings.listing)
    if listed and settings.fold_by == "frame" and PART in listed:
        return [split_by_list(data.names, listed[PART], settings.held, settings.fold_seed)]
    return make_folds(
        data.names,
        settings.folds,
        settings.fold_by,
        listed.get(SEQUENCE),
        settings.held,
        settings.fold_seed,
    )


def absent_classes(pixels: np.ndarray, data: LabelledImages, fold: Fold) -> list[str]:
    """Names of the classes that no test image of a fold shows; their IoU is left out there.

    Args:
        pixels: (n, C), of `LabelledImages.pixels`.
        data: the images.
        fold: which are tested on.
    """
    shown = pixels[fold.test].sum(axis=0) > 0
    return [name for name, there in zip(data.classes.names, shown, strict=True) if not there]


def read_listing(path: Path) -> dict[str, dict[str, str]]:
    """The list's columns `part` and `sequence`, those that it has: name -> value.

    Raises:
        InputError: it is no CSV with a column `name` and one of those.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors
        raise InputError(f"{path} is no CSV that can be read; give one with names") from error
    known = [column for column in (PART, SEQUENCE) if column in table.columns]
    if NAME not in table.columns or not known:
        raise InputError(
            f"{path} has the columns {', '.join(map(str, table.columns))}; need {NAME}, and "
            f"{PART} or {SEQUENCE}"
        )
    names = [Path(name).stem if "." in name else name for name in table[NAME]]
    if len(set(names)) < len(names):
        raise InputError(f"{path} names an image twice; name each once")
    return {column: dict(zip(names, table[column], strict=True)) for column in known}
