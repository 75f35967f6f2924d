"""Scorers by their names, and from files of whatever kind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from property_cnn.properties import (
    DLIB_PROPERTIES,
    IRIS_PROPERTIES,
    LANDMARK_PROPERTIES,
    PARSING_PROPERTIES,
    PROPERTIES,
)

if TYPE_CHECKING:
    import torch

    from property_cnn.common.networks import BatchedNetwork
    from property_cnn.dlib_faces.scorer import DlibScorer

DEFAULT, LANDMARKS, DETECTED, PARSING = "default", "landmarks", "detected", "parsing"
IRIS, DLIB = "iris", "dlib"

NAMED = {
    DEFAULT: PROPERTIES,
    LANDMARKS: LANDMARK_PROPERTIES,
    DETECTED: LANDMARK_PROPERTIES,
    PARSING: PARSING_PROPERTIES,
    IRIS: IRIS_PROPERTIES,
    DLIB: DLIB_PROPERTIES,
}
"""Name -> the properties that the scorer reads. All but the first are read from files that
`vectorfind fetch` leaves in the user's data folder.
"""


def scored_by(scorer: str | os.PathLike) -> tuple[str, ...]:
    """The properties that a scorer reads, by its name or from its file, which may be absent."""
    if scorer in NAMED:
        return NAMED[scorer]
    return LANDMARK_PROPERTIES if _has_landmarks(scorer) else PROPERTIES


def load_any_scorer(scorer: str | os.PathLike, device: torch.device) -> BatchedNetwork | DlibScorer:
    """The scorer of a name in `NAMED`, or the one in a file.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else; of a name, the
            text says how to get it.
        MissingError: the package dlib, which the scorer of that name needs, is not installed.
    """
    from property_cnn.fetching import needed_path
    from property_cnn.landmarks.scorer import load_landmarks_scorer
    from property_cnn.network.scorer import load_scorer
    from stylegan_ft.formats.load import load_any_scorer as load_property_cnn

    if scorer == DEFAULT:
        return load_scorer(None, device)
    if scorer == IRIS:
        from property_cnn.landmarks.iris import load_iris_scorer

        return load_iris_scorer(needed_path(LANDMARKS), device)
    if scorer == PARSING:
        from property_cnn.hair.parsing import load_parsing_scorer

        return load_parsing_scorer(device)
    if scorer == DLIB:
        from property_cnn.dlib_faces.scorer import load_dlib_scorer

        return load_dlib_scorer()
    if scorer == DETECTED:
        from property_cnn.landmarks.detected import load_detected_scorer

        return load_detected_scorer(needed_path(LANDMARKS), device)
    path = needed_path(LANDMARKS) if scorer == LANDMARKS else scorer
    landmarks = scorer == LANDMARKS or _has_landmarks(path)
    return (load_landmarks_scorer if landmarks else load_property_cnn)(path, device)


def _has_landmarks(path: str | os.PathLike) -> bool:
    from property_cnn.landmarks.files import FACE, kinds_of

    return FACE.name in kinds_of(path)
