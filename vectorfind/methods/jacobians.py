"""Derivatives of scores by a layer's vectors, by back-propagation through scorer and synthesis.

The average of derivatives over a normal distribution is the linear fit to it (Stein 1981), so that
few faces tell what many samples do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from vectorfind.methods.base import FitTask

if TYPE_CHECKING:
    from vectorfind.methods.components.principal import Whitening
    from vectorfind.models.pair import Models  # loads PyTorch, which takes a second

BATCH = 4
"""Faces that are differentiated at once: their feature maps are all kept in memory."""


def exact_jacobian(
    models: Models,
    vectors: np.ndarray,
    layer: str,
    columns: list[int],
    progress: Callable[[int], None] | None = None,
    instead: str = "samples alone",
) -> np.ndarray:
    """Derivatives of scores by whole vectors, by back-propagation through scorer and synthesis.

    Args:
        models: both differentiable.
        vectors: (M, d) at the layer.
        layer: where they re-enter.
        columns: places of the A scores.
        progress: called with the number of faces done since the last call.
        instead: what does without gradients, for errors.

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
            scores = _scores(models, given, layer, instead)
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


def mean_slopes(
    task: FitTask, vectors: np.ndarray, names: Sequence[str], asked: str, instead: str
) -> np.ndarray:
    """Derivatives of standardised scores by whole vectors, averaged over faces.

    Args:
        task: with the networks; its readable samples tell the scores' standard deviations.
        vectors: (M, d) of the faces.
        names: of the A scores.
        asked, instead: the setting that asks for gradients, and what does without, for errors.

    Returns:
        (A, d) float64; 0 of a score that is the same of all samples.

    Raises:
        InputError: there are no networks, no gradients, or too few faces that can be read.
    """
    models = networks_of(task, asked)
    columns = [models.scored.index(name) for name in names]
    progress = Progress("differentiating", len(vectors), "faces", task.quiet).advance
    slopes = exact_jacobian(models, vectors, task.settings.layer, columns, progress, instead)
    there = np.isfinite(slopes).all(axis=(1, 2))
    if 2 * there.sum() < len(there):
        raise InputError(
            f"{int(there.sum())} of {len(there)} faces have derivatives; use {instead}"
        )
    mean, spreads = slopes[there].mean(axis=0, dtype=np.float64), score_spreads(task, names)
    return np.divide(mean, spreads[:, None], out=np.zeros_like(mean), where=spreads[:, None] > 0)


def score_spreads(task: FitTask, names: Sequence[str]) -> np.ndarray:
    """(A,) float64 standard deviations of the scores of all readable samples."""
    readable = task.samples.readable
    return np.array([task.scores(name)[readable].std(dtype=np.float64) for name in names])


def networks_of(task: FitTask, asked: str) -> Models:
    """The networks, which make images of the samples' vectors.

    Raises:
        InputError: there are none, or the vectors that are known are a part of the layer's alone.
    """
    models, layer = task.models, task.settings.layer
    if models is None:
        raise InputError(f"{asked} needs the networks that the samples are of")
    start, stop = models.editable(layer)
    if stop - start != models.generator.layers[layer]:
        raise InputError(f"{asked} takes layers whose vectors move as a whole, not {layer}")
    return models


def _scores(models: Models, vectors, layer: str, instead: str):
    """Scores (N, A) of vectors, with the graph that leads back to these."""
    from vectorfind.models.protocols import device_of

    images = models.generator.synthesize(vectors, layer)
    for what, answer in (("generator", images), ("scorer", None)):
        if what == "scorer":
            answer = models.scorer(images.to(device_of(models.scorer)))
        if not getattr(answer, "requires_grad", False):
            raise InputError(f"the {what} gives no gradients; use {instead}, or another {what}")
    return answer
