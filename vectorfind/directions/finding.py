"""The stages of finding: models and settings, samples, fits; or directions from elsewhere."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError, ScorerError
from property_cnn.common.progress import Progress
from property_cnn.common.tasks import one_thread
from property_cnn.network.shift import FOREIGN, LEAST
from vectorfind.config import GROUPING, RAW, SIGMA, FindSettings
from vectorfind.directions.boundaries import Boundaries, movable
from vectorfind.directions.calibration import (
    FACES,
    REACH,
    Calibration,
    first_guess,
    measured_steps,
)
from vectorfind.directions.directions import Directions
from vectorfind.methods.base import SCORES, FitTask, Method
from vectorfind.methods.components.method import Components
from vectorfind.methods.fields import GroupField
from vectorfind.methods.imported import IMPORTED
from vectorfind.methods.registry import component_method, method_named
from vectorfind.methods.settings import check_settings, complete_settings
from vectorfind.models.pair import Models, load_models
from vectorfind.models.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.models.scorers import scored_by
from vectorfind.sampling.groups import WHOLE, Groups, all_groups, grouped
from vectorfind.sampling.sampler import SampleSource, editable_part, sample
from vectorfind.sampling.store import fill_store

CALIBRATED = 4096
"""Most samples whose spread tells the reach of scores and vectors."""


def check_early(settings: FindSettings, scorer: str | os.PathLike | Scorer) -> None:
    """Raises InputError for a setting that is not allowed, before anything is loaded or made.

    What scorers read by name or file is known; what an object reads, `models_for` asks it.
    """
    if isinstance(scorer, str | os.PathLike):
        check_settings(settings, scored_by(scorer))


def models_for(
    settings: FindSettings,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
) -> tuple[Models, FindSettings]:
    """The two networks, with the settings' layer, and the settings, completed and checked.

    Raises:
        InputError: a setting is not allowed, or an object lacks a part of its protocol.
        CheckpointError: a checkpoint is missing, damaged or foreign.
    """
    models = load_models(generator, scorer, **settings.loading)
    if settings.psi is None:
        settings = replace(settings, psi=float(getattr(models.generator, "psi", 1.0)))
    offered = getattr(models.generator, "available_layers", ())
    layers = tuple(models.generator.layers)
    settings = complete_settings(settings, layers, models.scored, offered)
    models = models.with_layer(settings.layer)
    method_named(settings.method).check_models(models, settings, settings.properties)
    return models, settings


def draw(
    models: Models,
    settings: FindSettings,
    store: str | os.PathLike | None = None,
    quiet: bool = True,
    fresh: bool = False,
) -> SampleSource:
    """The samples that the settings ask for, in memory or in a store.

    Args:
        models: generator and scorer.
        settings: n, seed, layer, batch_size and workers count.
        store: the store's folder; None for memory.
        quiet: show no progress.
        fresh: drop what the store holds.
    """
    layers, n = (settings.layer,), settings.n
    if store is not None:
        options = (settings.batch_size, settings.workers, quiet, fresh)
        return fill_store(store, models, n, settings.seed, layers, *options)
    return sample(
        models,
        n,
        settings.seed,
        batch_size=settings.batch_size,
        layers=layers,
        workers=settings.workers,
        progress=Progress("sampling", n, "images", quiet).advance,
    )


def fit_samples(
    models: Models,
    samples: SampleSource,
    settings: FindSettings,
    quiet: bool = True,
    checkpoint: str | os.PathLike | None = None,
    groups: Groups | None = None,
) -> Directions:
    """Directions from samples that are already drawn.

    Args:
        models: generator and scorer that the samples are from.
        samples: with vectors of the settings' layer.
        settings: of the fits, complete ones, see `complete_settings`.
        quiet: show no progress.
        checkpoint: folder where long fits keep what they have, to go on from.
        groups: the samples'; None to group them here.

    Raises:
        InputError: n is too small for the method.
        ScorerError: the scores of a property are all the same.
    """
    if settings.psi not in (None, 1.0, getattr(models.generator, "psi", 1.0)):
        raise InputError(f"psi {settings.psi} is for a generator that is loaded; give a path")
    method, names = method_named(settings.method), settings.properties
    groups = groups or grouped(samples, settings.group_by, settings.quantiles)
    method.check_groups(groups.sizes, settings, names)
    _check_scores(method, samples, names)
    shift = foreign_shift(models, samples, settings)
    fields = method.fit(_task(models, samples, settings, names, groups, checkpoint, quiet))
    directions = Directions(
        **measured(models, samples),
        settings=settings,
        cuts=groups.cuts,
        groups=np.array(list(groups.members)),
        group_sizes=np.array(list(groups.sizes.values())),
        fields=fields,
        feature_shift=shift,
    )
    return calibrated(directions, samples) if settings.units == SIGMA else directions


def foreign_shift(models: Models, samples: SampleSource, settings: FindSettings) -> float | None:
    """How far the samples' images are from those that the scorer learned from, with a warning.

    None where they are not too far, or the scorer cannot tell: only property CNNs can.
    """
    rows = np.flatnonzero(samples.readable)[:FACES]
    if not hasattr(models.scorer, "feature_shift") or len(rows) < LEAST:
        return None
    images = models.synthesize(samples.vectors(settings.layer, rows), settings.layer)
    shift = models.scorer.feature_shift(images)
    if not shift > FOREIGN:
        return None
    warnings.warn(
        f"the scorer did not learn from such images: its features are shifted by {shift:.2f}, at "
        f"home by {FOREIGN} at most, and its scores may say nothing; take another scorer, or train "
        "one on the generator (vectorfind scorer train)",
        stacklevel=2,
    )
    return float(shift)


def calibrated(directions: Directions, samples: SampleSource) -> Directions:
    """The same directions, of which a strength of 1 is a standard deviation of the score."""
    models, layer, names = directions.models, directions.layer, directions.properties
    rows = np.flatnonzero(samples.readable)[:CALIBRATED]
    latents, scores = samples.vectors(layer, rows), samples.scores[rows]
    columns = [directions.scored.index(name) for name in names]
    faces = slice(0, FACES)
    groups = directions.group_of(scores[faces])
    units = replace(directions, calibration={}).vectors(latents[faces], groups)
    standard = scores[:, columns] / directions.score_std[columns]
    steps = measured_steps(
        models,
        latents[faces],
        units,
        layer,
        first_guess(latents, units.mean(axis=0), standard),
        columns,
        directions.score_std,
        directions.settings.batch_size,
        names,
    )
    low, high = np.percentile(scores[:, columns], REACH, axis=0)
    radius = np.percentile(np.linalg.norm(latents - latents.mean(axis=0), axis=1), REACH[1])
    return replace(
        directions,
        calibration={
            name: Calibration(*map(float, (steps[k], low[k], high[k], radius)))
            for k, name in enumerate(names)
        },
    )


def find_components(
    models: Models, samples: SampleSource, settings: FindSettings, quiet: bool = True
) -> Components:
    """The components that the settings' method chooses among.

    Args:
        models: generator and scorer that the samples are from.
        samples: with vectors of the settings' layer.
        settings: complete ones.
        quiet: show no progress.

    Raises:
        InputError: the method does not choose among components, or the samples are too few.
    """
    method = component_method(settings.method)
    groups = grouped(samples, (), settings.quantiles)
    method.check_groups(groups.sizes, settings, ())
    names = settings.properties
    return method.components(_task(models, samples, settings, names, groups, None, quiet))


def fit_part(
    models: Models,
    samples: SampleSource,
    settings: FindSettings,
    properties: tuple[str, ...],
    checkpoint: str | os.PathLike,
) -> None:
    """Fits one of the method's `parts` into the checkpoint folder, where `fit_samples` finds it."""
    groups = Groups(np.empty((0, settings.quantiles - 1)), {})
    task = _task(models, samples, settings, properties, groups, checkpoint, True)
    method_named(settings.method).fit_part(task)


def _task(
    models: Models,
    samples: SampleSource,
    settings: FindSettings,
    properties: tuple[str, ...],
    groups: Groups,
    checkpoint: str | os.PathLike | None,
    quiet: bool,
) -> FitTask:
    return FitTask(
        editable_part(samples, models, settings.layer),
        groups.members,
        settings,
        properties,
        models,
        device_of(models.generator),
        None if checkpoint is None else Path(checkpoint),
        quiet,
    )


def _check_scores(method: Method, samples: SampleSource, properties: tuple[str, ...]) -> None:
    """Raises ScorerError where a property's scores, which its method needs, are all the same."""
    for name in properties:
        scores = samples.scores[samples.readable, samples.properties.index(name)]
        if SCORES in method.of(name).needs and np.ptp(scores) == 0:
            raise ScorerError(
                f"the scorer gives every sample the same {name}, {scores[0]:g}; "
                "no direction can change it"
            )


def measured(models: Models, samples: SampleSource) -> dict[str, Any]:
    """What directions hold of the samples and networks whatever their method, by name."""
    scores = samples.scores[samples.readable]
    return {
        "models": models,
        "scored": samples.properties,
        "score_mean": scores.mean(axis=0, dtype=np.float64).astype(np.float32),
        "score_std": scores.std(axis=0, dtype=np.float64).astype(np.float32),
        "unreadable": int((~samples.readable).sum()),
        "generator_digest": digest_of(models.generator),
        "scorer_digest": digest_of(models.scorer),
    }


@one_thread()
def bind(  # noqa: PLR0913 - its keywords are the interface
    boundaries: Boundaries,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    *,
    n: int = 2000,
    seed: int = FindSettings.seed,
    group_by: Sequence[str] | None = None,
    quantiles: int = FindSettings.quantiles,
    strengths: Mapping[str, Sequence[float]] | None = None,
    device: str | None = None,
    dtype: str = FindSettings.dtype,
    batch_size: int = FindSettings.batch_size,
    workers: int | None = None,
    quiet: bool = False,
) -> Directions:
    """Directions from elsewhere with networks, to be evaluated, used to edit and saved.

    Samples tell how the scores vary and, where there are groups, what parts them. Images of
    groups that have no direction of their own move along the mean direction.

    Args:
        boundaries: the directions.
        generator, scorer: as for `find_directions`.
        n: number of samples.
        seed: of their latents.
        group_by: what the letters of the groups' names stand for; None for hair_color,
            hair_length, background_mean and hairstyle. Without groups it does not matter.
        quantiles: parts of each of those.
        strengths, device, dtype, batch_size, workers, quiet: as for `find_directions`.

    Raises:
        InputError: the generator has no such layer or one of another size, or the groups
            are not those of `group_by`.
    """
    if boundaries.groups == (WHOLE,):
        group_by = ()
    settings = FindSettings(
        n=n,
        layer=boundaries.layer,
        method=IMPORTED.name,
        properties=boundaries.properties,
        group_by=GROUPING if group_by is None else tuple(group_by),
        quantiles=quantiles,
        seed=seed,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        workers=workers,
        strengths=strengths,
        units=RAW,
    )
    models = load_models(generator, scorer, device, dtype).with_layer(boundaries.layer)
    settings.validate(models.scored, unscored_properties=True)
    _check_groups(boundaries, settings)
    size, part = models.generator.layers[settings.layer], models.editable(settings.layer)
    vectors = movable(boundaries.vectors, part, size)
    samples = draw(models, settings, quiet=quiet)
    groups = grouped(samples, settings.group_by, quantiles)
    order = np.argsort(boundaries.groups)
    names = np.array(boundaries.groups)[order]
    columns = zip(boundaries.properties, vectors[order].swapaxes(0, 1), strict=True)
    return Directions(
        **measured(models, samples),
        settings=settings,
        cuts=groups.cuts,
        groups=names,
        group_sizes=np.array([groups.sizes[name] for name in names]),
        fields={name: GroupField(names, directions) for name, directions in columns},
    )


def _check_groups(boundaries: Boundaries, settings: FindSettings) -> None:
    """Raises InputError for groups that the grouping properties do not make."""
    count, quantiles = len(settings.group_by), settings.quantiles
    known = all_groups(count, quantiles)
    foreign = sorted(set(boundaries.groups) - set(known))
    if foreign:
        raise InputError(
            f"there are directions for {', '.join(foreign)}, but {count} grouping properties in "
            f"{quantiles} parts make {known[0]} to {known[-1]}; give what the directions were "
            "grouped by"
        )
