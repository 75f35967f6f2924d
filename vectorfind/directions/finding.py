"""The stages of finding: samples are drawn, and directions fitted to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from property_cnn.common.errors import InputError, ScorerError
from property_cnn.common.progress import Progress
from vectorfind.config import FindSettings
from vectorfind.directions.directions import Directions
from vectorfind.methods.gradient.network import GradientNetwork
from vectorfind.methods.gradient.training import train_networks
from vectorfind.methods.svm import check_group_sizes, fit_groups
from vectorfind.models.pair import Models
from vectorfind.models.protocols import device_of, digest_of
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.sampler import SampleSource, editable_part, sample
from vectorfind.sampling.store import fill_store

Groups = tuple[np.ndarray, dict[str, np.ndarray]]
"""Cuts of samples, and the rows of each group, as `groups.grouped` gives them."""


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
        how = (settings.batch_size, settings.workers, quiet, fresh)
        return fill_store(store, models, n, settings.seed, layers, *how)
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
        settings: of the fits.
        quiet: show no progress.
        checkpoint: folder where gradient networks in training are kept, to go on from.
        groups: the samples'; None to group them here.

    Raises:
        InputError: n is too small for the groups, or for a gradient network.
        ScorerError: the scores of a property are all the same.
    """
    if settings.psi not in (1.0, getattr(models.generator, "psi", 1.0)):
        raise InputError(f"psi {settings.psi} is for a generator that is loaded; give a path")
    rows = np.flatnonzero(samples.readable)
    scores = samples.scores[rows]
    column = {name: samples.properties.index(name) for name in samples.properties}
    by_svm = [name for name in settings.properties if settings.method_of(name) == "svm"]
    by_gradient = [name for name in settings.properties if name not in by_svm]

    cuts, members = groups or grouped(samples, settings.group_by, settings.quantiles)
    sizes = {name: len(member) for name, member in members.items()}
    if by_svm:
        check_group_sizes(sizes, settings.n, settings.ratio)
    for name in settings.properties:
        if np.ptp(scores[:, column[name]]) == 0:
            raise ScorerError(
                f"the scorer gives every sample the same {name}, {scores[0, column[name]]:g}; "
                "no direction can change it"
            )

    fits = fit_groups(
        partial(editable_part(samples, models, settings.layer).vectors, settings.layer),
        {name: samples.scores[:, column[name]] for name in by_svm},
        members,
        settings.ratio,
        settings.seed,
        settings.svm_c,
        settings.workers,
    )
    trained = []
    if by_gradient:
        total = settings.gradient.max_epochs * settings.networks
        label = f"training on {', '.join(by_gradient)}"
        advance = Progress(label, total, "epochs", quiet).advance
        trained = train(models, samples, settings, checkpoint, advance)
    start, stop = models.editable(settings.layer)
    around = ((0, 0), (start, models.generator.layers[settings.layer] - stop))
    return Directions(
        **measured(models, samples),
        settings=settings,
        cuts=cuts,
        groups=np.array(list(members)),
        group_sizes=np.array(list(sizes.values())),
        svm={name: np.pad([fit.direction for fit in fits[name]], around) for name in by_svm},
        accuracy={name: np.array([fit.accuracy for fit in fits[name]]) for name in by_svm},
        networks=tuple(network for network, _ in trained),
        metrics={name: found for _, metrics in trained for name, found in metrics.items()},
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


def train(
    models: Models,
    samples: SampleSource,
    settings: FindSettings,
    checkpoint: str | os.PathLike | None = None,
    progress: Callable[[int], None] | None = None,
    only: int | None = None,
) -> list[tuple[GradientNetwork, dict[str, dict[str, float]]]]:
    """The settings' gradient networks with their metrics, or one of them by its number."""
    names = [name for name in settings.properties if settings.method_of(name) == "gradient"]
    return train_networks(
        editable_part(samples, models, settings.layer),
        settings.layer,
        names,
        settings.seed,
        settings.gradient,
        device_of(models.generator),
        checkpoint,
        progress,
        workers=settings.workers,
        only=only,
    )
