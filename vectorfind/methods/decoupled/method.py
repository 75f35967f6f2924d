"""The method object of decoupled directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.progress import Progress
from property_cnn.common.streams import COMPONENTS, SPLITS, random_stream
from vectorfind.config import IDENTITY, DecoupledSettings, FindSettings
from vectorfind.methods.base import DirectionField, FitTask
from vectorfind.methods.components.principal import Whitening, readable_rows, whitening
from vectorfind.methods.decoupled.columns import decoupled_columns
from vectorfind.methods.decoupled.identity import (
    embedder_of,
    embeddings_of,
    identity_numbers,
)
from vectorfind.methods.decoupled.local import LocalDecoupling, LocalField, trained_network
from vectorfind.methods.fields import FittedField
from vectorfind.methods.gradient.method import GRADIENT
from vectorfind.methods.jacobians import mean_slopes, networks_of, score_spreads, smoothed
from vectorfind.methods.linear.ridge import VALIDATION, RidgeMethod, fit_ridge


class DecoupledMethod(RidgeMethod):
    """Directions that move one score and leave the others, by the shortest way."""

    name = "decoupled"
    sentence = (
        "The shortest change, for the distribution of the vectors, that moves one score and leaves "
        "the others and those that are kept, one a group."
    )
    title, label = "Decoupled", "decoupling"
    fields = (FittedField, LocalField)
    layer = "w"
    takes_keep = True

    def check_groups(
        self, sizes: Mapping[str, int], settings: FindSettings, properties: Sequence[str]
    ) -> None:
        """Raises InputError for too few samples: of a group, or for a network of all of them."""
        own = GRADIENT if settings.decoupled.jacobian == "network" else super()
        own.check_groups(sizes, settings, properties)

    def fit(self, task: FitTask) -> dict[str, DirectionField]:
        """A field a property: of one matrix of derivatives a group, or of one at each vector."""
        settings, names = task.settings, (*task.properties, *_kept(task))
        white = _leading(whitening(task, readable_rows(task)), settings.decoupled)
        person = np.empty((0, len(white.axes)))
        if IDENTITY in settings.keep:
            person = _identity_jacobian(task, white)
        held = tuple(f"{IDENTITY} {k}" for k in range(len(person)))
        kept = np.array([name not in settings.properties for name in (*names, *held)])
        damping = settings.decoupled.damping * kept
        if settings.decoupled.jacobian == "network":
            network, quality = trained_network(task, white, names)
            local = LocalDecoupling(white, network, person, damping, held)
            pairs = zip(task.properties, quality, strict=False)
            return {name: LocalField(local, name, float(value)) for name, value in pairs}
        found = [_jacobian(task, white, group, names) for group in task.members]
        count, directions = len(task.properties), []
        for jacobian, _ in found:
            whole = np.concatenate([jacobian, person])
            columns = decoupled_columns(whole, white.factor, damping, (*names, *held))[:, :count].T
            lengths = np.linalg.norm(columns, axis=1, keepdims=True)
            directions.append((columns / lengths).astype(np.float32))
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
    """Scores that are held beside the properties; where these are a share of all, the others.

    Raises:
        InputError: one is the same of all samples.
    """
    wanted = (*task.settings.properties, *task.settings.keep)
    names = tuple(name for name in wanted if name not in (*task.properties, IDENTITY))
    for name in names:
        if np.ptp(task.scores(name)[task.samples.readable]) == 0:
            raise InputError(f"all samples have the same {name}, which stays anyway; keep others")
    return names


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
    return (scores[fitted].std(axis=0) / score_spreads(task, names))[:, None]


def _mean_slopes(
    task: FitTask, white: Whitening, rows: np.ndarray, group: str, names: Sequence[str]
) -> np.ndarray:
    """Derivatives (A, k) of the standardised scores by back-propagation, averaged over faces."""
    settings = task.settings
    rng = random_stream(settings.seed, COMPONENTS, "faces", group)
    vectors = task.samples.vectors(settings.layer, rows)
    vectors = smoothed(vectors, white, settings.decoupled.spread, rng)
    return mean_slopes(task, vectors, names, "jacobian exact", "jacobian linear") @ white.factor


def _identity_jacobian(task: FitTask, white: Whitening) -> np.ndarray:
    """Derivatives (K, k) of what stands for a person, by a linear fit to embeddings of faces."""
    settings, models = task.settings, networks_of(task, f"keep {IDENTITY}")
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
