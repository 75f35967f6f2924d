"""Derivatives of standardised scores by the coordinates of a layer's vectors.

By a linear fit to samples; or exactly, by back-propagation through scorer and synthesis, averaged
over faces. The average of derivatives over a normal distribution is the linear fit to it (Stein
1981), so that few faces tell what many samples do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from vectorfind.methods.components.principal import Whitening

if TYPE_CHECKING:  # loads PyTorch, which takes a second
    from vectorfind.models.pair import Models

BATCH = 4
"""Faces that are differentiated at once: their feature maps are all kept in memory."""


def exact_jacobian(
    models: Models,
    vectors: np.ndarray,
    layer: str,
    columns: list[int],
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Derivatives of scores by whole vectors, by back-propagation through scorer and synthesis.

    Args:
        models: both differentiable.
        vectors: (M, d) at the layer.
        layer: where they re-enter.
        columns: places of the A scores.
        progress: called with the number of faces done since the last call.

    Returns:
        (M, A, d) float32, in units of the scores; NaN where an image could not be read.

    Raises:
        InputError: generator or scorer gives no gradients.
    """
    import torch

    from vectorfind.models.protocols import device_of

    slopes = np.empty((len(vectors), len(columns), vectors.shape[1]), np.float32)
    for start in range(0, len(vectors), BATCH):
        part = slice(start, start + BATCH)
        given = torch.tensor(vectors[part], dtype=torch.float32, device=device_of(models.generator))
        given.requires_grad_()
        with torch.enable_grad():
            scores = _scores(models, given, layer)
            for place, column in enumerate(columns):
                (slope,) = torch.autograd.grad(
                    scores[:, column].sum(), given, retain_graph=place < len(columns) - 1
                )
                slopes[part, place] = slope.cpu().numpy()
        unreadable = ~scores.isfinite().all(dim=1).cpu().numpy()
        slopes[part][unreadable] = np.nan
        if progress is not None:
            progress(len(given))
    return slopes


def smoothed(
    vectors: np.ndarray, white: Whitening, spread: float, rng: np.random.Generator
) -> np.ndarray:
    """Vectors (M, d), each with a neighbour's offset: normal, `spread` deviations wide."""
    if not spread:
        return vectors
    drawn = rng.standard_normal((len(vectors), len(white.axes)))
    return vectors + spread * drawn @ white.factor.T


def _scores(models: Models, vectors, layer: str):
    """Scores (N, A) of vectors, with the graph that leads back to these."""
    from vectorfind.models.protocols import device_of

    images = models.generator.synthesize(vectors, layer)
    for what, answer in (("generator", images), ("scorer", None)):
        if what == "scorer":
            answer = models.scorer(images.to(device_of(models.scorer)))
        if not getattr(answer, "requires_grad", False):
            raise InputError(
                f"the {what} gives no gradients; use jacobian linear, or another {what}"
            )
    return answer
