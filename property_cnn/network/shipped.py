"""The scorers that the package ships, and what a scorer's file says of itself, without PyTorch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from property_cnn.common.files import load_numbers, read_card, weights_digest_of

SHIPPED = Path(__file__).parents[1] / "weights" / "scorer.safetensors"
"""Weights that come with the package, for rendered faces."""

SHIPPED_PHOTOS = SHIPPED.with_name("photo_scorer.safetensors")
"""Weights that come with the package, which learned from landmarks on generated photographs."""

FORMAT = "property_cnn scorer 1"
KEY = "scorer"


class ScorerFacts(NamedTuple):
    """What names a scorer.

    Attributes:
        digest: of its weights, as `Scorer.digest`.
        properties: names of its scores.
    """

    digest: str
    properties: tuple[str, ...]


def scorer_metadata(path: str | os.PathLike, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What `save_scorer` kept beside the weights, from the metadata of the file.

    Raises:
        CheckpointError: the file holds something else.
    """
    return read_card(metadata, KEY, FORMAT, f"{path} is no scorer; give a file of save_scorer")


def scorer_facts(path: str | os.PathLike = SHIPPED) -> ScorerFacts:
    """Digest and properties of the scorer in a file of `save_scorer`, which is not built.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    arrays, metadata = load_numbers(path)
    card = scorer_metadata(path, metadata)
    values = {name: memoryview(_used(array)).cast("B") for name, array in arrays.items()}
    return ScorerFacts(weights_digest_of(values), tuple(card["properties"]))


def _used(array: np.ndarray) -> np.ndarray:
    """The numbers as the network holds them: in float32, whatever the file has."""
    wanted = np.float32 if array.dtype.kind == "f" else array.dtype
    return np.ascontiguousarray(array, dtype=wanted).reshape(-1)
