"""The method object of decoupled directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from property_cnn.common.streams import COMPONENTS, SPLITS, random_stream
from vectorfind.config import IDENTITY, DecoupledSettings
from vectorfind.methods.base import FitTask
from vectorfind.methods.components.principal import Whitening, readable_rows, whitening
from vectorfind.methods.decoupled.columns import decoupled_columns
from vectorfind.methods.decoupled.identity import (
    embedder_of,
    embeddings_of,
    identity_numbers,
)
from vectorfind.methods.decoupled.jacobians import exact_jacobian, smoothed
from vectorfind.methods.fields import FittedField
from vectorfind.methods.linear.ridge import VALIDATION, RidgeMethod, fit_ridge

if TYPE_CHECKING:  # loads PyTorch, which takes a second
    from vectorfind.models.pair import Models


class DecoupledMethod(RidgeMethod):
    """Directions that move one score and leave the others, by the shortest way."""

    name = "decoupled"
    sentence = (
        "The shortest change, for the distribution of the vectors, that moves one score and leaves "
        "the others and those that are kept, one a group."
    )
    title, label = "Decoupled", "decoupling"
    layer = "w"
    takes_keep = True

    def fit(self, task: FitTask) -> dict[str, FittedField]:
        """A field a property, of one matrix of derivatives a group."""
        settings, kept = task.settings, _kept(task)
        names = (*task.properties, *kept)
        white = _leading(whitening(task, readable_rows(task)), settings.decoupled)
        person = _identity_jacobian(task, white) if IDENTITY in settings.keep else None
        found = [_jacobian(task, white, group, names) for group in task.members]
        directions = [_directions(task, white, jacobian, names, person) for jacobian, _ in found]
        groups = np.array(list(task.members))
        return {
            name: FittedField(
                groups,
                np.array([some[place] for some in directions]),
                np.array([quality[place] for _, quality in found]),
                "R²" if settings.decoupled.jacobian == "linear" else "corr",
            )
            for place, name in enumerate(task.properties)
        }


DECOUPLED = DecoupledMethod()


def _kept(task: FitTask) -> tuple[str, ...]:
    """Scores that are held beside the properties; where these are a share of all, the others."""
    wanted = (*task.settings.properties, *task.settings.keep)
    return tuple(name for name in wanted if name not in (*task.properties, IDENTITY))


def _leading(white: Whitening, settings: DecoupledSettings) -> Whitening:
    """The whitening by the first of its components alone, where the settings say so."""
    if settings.components is None:
        return white
    return Whitening(white.mean, white.axes[: settings.components])


def _jacobian(
    task: FitTask, white: Whitening, group: str, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives (A, k) of the standardised scores in a group, and how good they are (A,)."""
    settings, layer = task.settings, task.settings.layer
    rows = readable_rows(task, task.members[group])
    scores = np.stack([task.scores(name)[rows] for name in names], axis=1).astype(np.float64)
    coordinates = white.coordinates(task.samples.vectors(layer, rows))
    if settings.decoupled.jacobian == "linear":
        order = random_stream(settings.seed, SPLITS, group).permutation(len(rows))
        held = max(2, round(VALIDATION * len(rows)))
        coefficients, quality = fit_ridge(coordinates, scores, order[held:], order[:held])
        return coefficients * _within(task, scores, order[held:], names), quality
    jacobian = _mean_slopes(task, white, rows[: settings.decoupled.faces], group, names)
    with np.errstate(invalid="ignore"):
        quality = [
            np.corrcoef(coordinates @ slope, column)[0, 1]
            for slope, column in zip(jacobian, scores.T, strict=True)
        ]
    return jacobian, np.nan_to_num(np.array(quality))


def _within(
    task: FitTask, scores: np.ndarray, fitted: np.ndarray, names: Sequence[str]
) -> np.ndarray:
    """(A, 1) deviations of the scores of a group's samples by those of all samples."""
    return (scores[fitted].std(axis=0) / _spreads(task, names))[:, None]


def _spreads(task: FitTask, names: Sequence[str]) -> np.ndarray:
    """(A,) standard deviations of the scores of all readable samples."""
    readable = task.samples.readable
    return np.array([task.scores(name)[readable].std(dtype=np.float64) for name in names])


def _mean_slopes(
    task: FitTask, white: Whitening, rows: np.ndarray, group: str, names: Sequence[str]
) -> np.ndarray:
    """Derivatives (A, k) of the standardised scores by back-propagation, averaged over faces."""
    settings, models = task.settings, _networks(task, "jacobian exact")
    rng = random_stream(settings.seed, COMPONENTS, "faces", group)
    vectors = task.samples.vectors(settings.layer, rows)
    vectors = smoothed(vectors, white, settings.decoupled.spread, rng)
    columns = [models.scored.index(name) for name in names]
    progress = Progress("differentiating", len(rows), "faces", task.quiet)
    slopes = exact_jacobian(models, vectors, settings.layer, columns, progress.advance)
    there = np.isfinite(slopes).all(axis=(1, 2))
    if 2 * there.sum() < len(there):
        raise InputError(
            f"{int(there.sum())} of {len(there)} faces have derivatives; use jacobian linear"
        )
    mean = slopes[there].mean(axis=0, dtype=np.float64) / _spreads(task, names)[:, None]
    return mean @ white.factor


def _networks(task: FitTask, what: str) -> Models:
    """The networks, which make images of the samples' vectors.

    Raises:
        InputError: there are none, or the vectors that are known are a part of the layer's alone.
    """
    models, layer = task.models, task.settings.layer
    if models is None:
        raise InputError(f"{what} needs the networks that the samples are of")
    start, stop = models.editable(layer)
    if stop - start != models.generator.layers[layer]:
        raise InputError(f"{what} takes layers whose vectors move as a whole, not {layer}")
    return models


def _identity_jacobian(task: FitTask, white: Whitening) -> np.ndarray:
    """Derivatives (K, k) of what stands for a person, by a linear fit to embeddings of faces."""
    settings, models = task.settings, _networks(task, f"keep {IDENTITY}")
    rows = readable_rows(task)[: settings.decoupled.faces]
    vectors = task.samples.vectors(settings.layer, rows)
    progress = Progress("telling persons", len(rows), "faces", task.quiet)
    embeddings = embeddings_of(
        models, embedder_of(models), vectors, settings.layer, settings.batch_size, progress.advance
    )
    numbers, told = identity_numbers(embeddings)
    coordinates = white.coordinates(vectors[told])
    held = max(2, round(VALIDATION * len(told)))
    return fit_ridge(coordinates, numbers, np.arange(held, len(told)), np.arange(held))[0]


def _directions(
    task: FitTask,
    white: Whitening,
    jacobian: np.ndarray,
    names: Sequence[str],
    person: np.ndarray | None,
) -> np.ndarray:
    """Unit directions (P, d) float32 of the task's properties."""
    count = len(task.properties)
    others = () if person is None else tuple(f"{IDENTITY} {k}" for k in range(len(person)))
    whole = jacobian if person is None else np.concatenate([jacobian, person])
    kept = np.array([name not in task.settings.properties for name in (*names, *others)])
    damping = task.settings.decoupled.damping * kept
    columns = decoupled_columns(whole, white.factor, damping, (*names, *others))[:, :count].T
    return (columns / np.linalg.norm(columns, axis=1, keepdims=True)).astype(np.float32)
