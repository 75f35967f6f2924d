"""What of a face is its person's: standardised numbers of an embedding, to be kept like scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.config import IDENTITY

if TYPE_CHECKING:  # both load PyTorch, which takes a second
    from vectorfind.models.judges import Judge
    from vectorfind.models.pair import Models

EMBEDDER = "dlib"
"""The scorer whose embeddings tell it, where the one that reads the images has none."""

NUMBERS = 8
"""Principal components of the embeddings that stand for a person."""


def embedder_of(models: Models) -> Judge:
    """Who tells persons apart: the scorer, or else dlib's network, if it is there.

    Raises:
        CheckpointError, InputError: dlib's network is not there; how to get it.
    """
    from vectorfind.models.judges import Judge
    from vectorfind.models.protocols import resolve_scorer

    own = Judge("scorer", models.scorer)
    return own if own.tells_identity else Judge(EMBEDDER, resolve_scorer(EMBEDDER))


def embeddings_of(
    models: Models,
    embedder: Judge,
    vectors: np.ndarray,
    layer: str,
    batch_size: int,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Embeddings (M, E) float32 of the images of vectors (M, d); NaN where no face is told."""
    parts = []
    for start in range(0, len(vectors), batch_size):
        images = models.synthesize(vectors[start : start + batch_size], layer)
        parts.append(embedder.read(images)[1])
        if progress is not None:
            progress(len(images))
    return np.concatenate(parts)


def identity_numbers(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of embeddings, of unit variance.

    Args:
        embeddings: (M, E); rows of NaN are left out.

    Returns:
        (m, K) float64, and the m rows that they are of.

    Raises:
        InputError: fewer than half of the faces were told.
    """
    from sklearn.decomposition import PCA

    rows = np.flatnonzero(np.isfinite(embeddings).all(axis=1))
    if 2 * len(rows) < len(embeddings) or len(rows) <= NUMBERS:
        raise InputError(
            f"whose face it is can be told of {len(rows)} of {len(embeddings)} samples only; do "
            f"not keep {IDENTITY}"
        )
    count = min(NUMBERS, embeddings.shape[1])
    model = PCA(count, svd_solver="full", whiten=True)
    return model.fit_transform(embeddings[rows].astype(np.float64)), rows
