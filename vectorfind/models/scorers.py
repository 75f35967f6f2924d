"""Scorers by their names, and from files of whatever kind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from property_cnn.properties import (
    DLIB_PROPERTIES,
    IRIS_PROPERTIES,
    LANDMARK_PROPERTIES,
    PARSING_PROPERTIES,
    PHOTO_PROPERTIES,
    PROPERTIES,
)
from vectorfind.models.objects import is_object_name, named_object

if TYPE_CHECKING:
    import torch

    from property_cnn.common.networks import BatchedNetwork
    from property_cnn.dlib_faces.scorer import DlibScorer

DEFAULT, PHOTOS, LANDMARKS, DETECTED = "default", "photos", "landmarks", "detected"
PARSING, IRIS, DLIB = "parsing", "iris", "dlib"

TRAINED = "scorer.safetensors"
"""In a folder of `vectorfind scorer train`, which stands for it."""

NAMED = {
    DEFAULT: PROPERTIES,
    PHOTOS: PHOTO_PROPERTIES,
    LANDMARKS: LANDMARK_PROPERTIES,
    DETECTED: LANDMARK_PROPERTIES,
    PARSING: PARSING_PROPERTIES,
    IRIS: IRIS_PROPERTIES,
    DLIB: DLIB_PROPERTIES,
}
"""Name -> the properties that the scorer reads. The first two are shipped; the others are read from
files that `vectorfind fetch` leaves in the user's data folder.
"""


def scored_by(scorer: str | os.PathLike) -> tuple[str, ...]:
    """The properties that a scorer reads, by its name or from its file, which may be absent."""
    if scorer in NAMED:
        return NAMED[scorer]
    if is_object_name(scorer):
        return tuple(getattr(named_object(scorer), "properties", PROPERTIES))
    path = scorer_file(scorer)
    return LANDMARK_PROPERTIES if _has_landmarks(path) else _learned(path)


def scorer_file(scorer: str | os.PathLike) -> str | os.PathLike:
    """The file of a scorer: the path itself, or what `vectorfind scorer train` left in a folder."""
    return os.path.join(scorer, TRAINED) if os.path.isdir(scorer) else scorer


def load_any_scorer(scorer: str | os.PathLike, device: torch.device) -> BatchedNetwork | DlibScorer:
    """The scorer of a name in `NAMED`, or the one in a file.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else; of a name, the
            text says how to get it.
        MissingError: the package dlib, which the scorer of that name needs, is not installed.
    """
    from property_cnn.landmarks.scorer import load_landmarks_scorer
    from stylegan_ft.formats.load import load_any_scorer as load_property_cnn

    if scorer in NAMED:
        return _load_named(str(scorer), device)
    path = scorer_file(scorer)
    return (load_landmarks_scorer if _has_landmarks(path) else load_property_cnn)(path, device)


def _load_named(name: str, device: torch.device) -> BatchedNetwork | DlibScorer:
    from property_cnn.dlib_faces.scorer import load_dlib_scorer
    from property_cnn.fetching import needed_path
    from property_cnn.hair.parsing import load_parsing_scorer
    from property_cnn.landmarks.detected import load_detected_scorer
    from property_cnn.landmarks.iris import load_iris_scorer
    from property_cnn.landmarks.scorer import load_landmarks_scorer
    from property_cnn.network.scorer import load_scorer
    from property_cnn.network.shipped import SHIPPED, SHIPPED_PHOTOS

    loaders = {
        DEFAULT: lambda: load_scorer(SHIPPED, device),
        PHOTOS: lambda: load_scorer(SHIPPED_PHOTOS, device),
        LANDMARKS: lambda: load_landmarks_scorer(needed_path(LANDMARKS), device),
        DETECTED: lambda: load_detected_scorer(needed_path(LANDMARKS), device),
        PARSING: lambda: load_parsing_scorer(device),
        IRIS: lambda: load_iris_scorer(needed_path(LANDMARKS), device),
        DLIB: load_dlib_scorer,
    }
    return loaders[name]()


def _has_landmarks(path: str | os.PathLike) -> bool:
    from property_cnn.landmarks.files import FACE, kinds_of

    return FACE.name in kinds_of(path)


def _learned(path: str | os.PathLike) -> tuple[str, ...]:
    """What a property CNN reads; the eight of rendered faces where its file does not say."""
    from property_cnn.common.errors import CheckpointError
    from property_cnn.common.files import load_tensors
    from property_cnn.network.shipped import scorer_metadata

    try:
        return tuple(scorer_metadata(path, load_tensors(path)[1])["properties"])
    except (CheckpointError, KeyError, TypeError):
        return PROPERTIES
