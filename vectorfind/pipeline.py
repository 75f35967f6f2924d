"""The two calls that most users need: find directions, evaluate them.

Each is a thin wrapping of pure stages: it loads networks, checks settings and shows progress.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from property_cnn.progress import Progress
from vectorfind.config import LAYERS, PROPERTIES, EvaluateSettings, FindSettings, GradientSettings
from vectorfind.directions import Directions
from vectorfind.errors import ScorerError
from vectorfind.evaluation import Evaluation, completed, image_count, run_cases
from vectorfind.gradient_training import train_networks
from vectorfind.groups import all_groups, group_medians, group_names
from vectorfind.models import Models, load_models
from vectorfind.protocols import Generator, Scorer, device_of, digest_of
from vectorfind.sampling import SampleSource, sample
from vectorfind.store import fill_store
from vectorfind.svm import check_group_sizes, fit_groups


def find_directions(
    n: int = FindSettings.n,
    layer: str | None = None,
    method: str = FindSettings.method,
    seed: int = FindSettings.seed,
    *,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    properties: Sequence[str] = FindSettings.properties,
    group_by: Sequence[str] = FindSettings.group_by,
    ratio: float = FindSettings.ratio,
    strengths: Mapping[str, Sequence[float]] | None = None,
    device: str | None = None,
    dtype: str = FindSettings.dtype,
    batch_size: int = FindSettings.batch_size,
    workers: int | None = None,
    svm_c: float = FindSettings.svm_c,
    gradient: GradientSettings | None = None,
    store: str | os.PathLike | None = None,
    quiet: bool = False,
) -> Directions:
    """Finds directions that change properties of a generator's images.

    Args:
        n: number of samples, about 28 a group at the least; thousands are usual.
        layer: where the directions live, one of the generator's layers; None for the method's
            own, "mapping_split1" of mixed, else "mapping_split2".
        method: "svm", "gradient", or "mixed" (eyes by gradient, the others by SVM).
        seed: of latents, splits and networks; the same gives the same directions.
        generator: "default", a checkpoint's path, or an object as `protocols.Generator` says.
        scorer: "default", a checkpoint's path, or an object as `protocols.Scorer` says.
        properties: what the directions shall change, some of the scorer's properties.
        group_by: properties whose medians split the samples into groups; () for one group.
        ratio: share of a group that an SVM takes from the top and from the bottom.
        strengths: property -> strengths of the grid that `evaluate` shall use; the
            specification's for the others.
        device: "cpu", "cuda", ...; None for a GPU if there is one. Objects are moved only if
            it is given.
        dtype: precision of synthesis and scoring; below float32 on a GPU only.
        batch_size: images a batch; it changes nothing but rounding.
        workers: shards and fits at once; None for joblib's configuration or what is fastest.
        svm_c: LinearSVC's C, on vectors scaled to a root-mean-square length of 1.
        gradient: how gradient networks are trained.
        store: folder where samples are kept and found again, see `store.fill_store`; None to
            hold them in memory, 16 KB each at all layers.
        quiet: show no progress.

    Raises:
        InputError: a setting is not allowed, or n is too small for the groups.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    settings = FindSettings(
        n=n,
        layer=layer,
        method=method,
        properties=properties if isinstance(properties, str) else tuple(properties),
        group_by=group_by if isinstance(group_by, str) else tuple(group_by),
        ratio=ratio,
        seed=seed,
        svm_c=svm_c,
        batch_size=batch_size,
        device=device,
        dtype=dtype,
        workers=workers,
        strengths=strengths,
        gradient=gradient or GradientSettings(),
    )
    return find(settings, generator, scorer, quiet, store)


def find(
    settings: FindSettings,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    quiet: bool = False,
    store: str | os.PathLike | None = None,
) -> Directions:
    """`find_directions` with its settings as one object."""
    # What can be known before a network is loaded is told before.
    settings.validate(
        getattr(generator, "layers", LAYERS), getattr(scorer, "properties", PROPERTIES)
    )
    models = load_models(generator, scorer, settings.device, settings.dtype)
    settings.validate(models.generator.layers, models.scored)
    return fit_samples(models, draw(models, settings, store, quiet), settings, quiet)


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
) -> Directions:
    """Directions from samples that are already drawn.

    Args:
        models: generator and scorer that the samples are from.
        samples: with vectors of the settings' layer.
        settings: of the fits.
        quiet: show no progress.
        checkpoint: folder where gradient networks in training are kept, to go on from.

    Raises:
        InputError: n is too small for the groups, or for a gradient network.
        ScorerError: the scores of a property are all the same.
    """
    rows = np.flatnonzero(samples.readable)
    scores = samples.scores[rows]
    column = {name: samples.properties.index(name) for name in samples.properties}
    by_svm = [name for name in settings.properties if settings.method_of(name) == "svm"]
    by_gradient = [name for name in settings.properties if name not in by_svm]

    medians, members = grouped(samples, settings.group_by)
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
        partial(samples.vectors, settings.layer),
        {name: samples.scores[:, column[name]] for name in by_svm},
        members,
        settings.ratio,
        settings.seed,
        settings.svm_c,
        settings.workers,
    )
    trained = []
    if by_gradient:
        networks = 1 if settings.gradient.shared else len(by_gradient)
        total = settings.gradient.max_epochs * networks
        label = f"training on {', '.join(by_gradient)}"
        trained = train_networks(
            samples,
            settings.layer,
            by_gradient,
            settings.seed,
            settings.gradient,
            device_of(models.generator),
            checkpoint,
            Progress(label, total, "epochs", quiet).advance,
            workers=settings.workers,
        )
    return Directions(
        settings=settings,
        models=models,
        scored=samples.properties,
        score_mean=scores.mean(axis=0, dtype=np.float64).astype(np.float32),
        score_std=scores.std(axis=0, dtype=np.float64).astype(np.float32),
        medians=medians,
        groups=np.array(list(members)),
        group_sizes=np.array(list(sizes.values())),
        svm={name: np.stack([fit.direction for fit in fits[name]]) for name in by_svm},
        accuracy={name: np.array([fit.accuracy for fit in fits[name]]) for name in by_svm},
        networks=tuple(network for network, _ in trained),
        metrics={name: found for _, metrics in trained for name, found in metrics.items()},
        unreadable=int((~samples.readable).sum()),
        generator_digest=digest_of(models.generator),
        scorer_digest=digest_of(models.scorer),
    )


def grouped(
    samples: SampleSource, group_by: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Medians (K,) of the grouping properties, and group -> rows of its readable samples."""
    rows = np.flatnonzero(samples.readable)
    columns = [samples.properties.index(name) for name in group_by]
    scores = samples.scores[rows][:, columns]
    medians = group_medians(scores)
    names = group_names(scores, medians)
    return medians, {name: rows[names == name] for name in all_groups(len(columns))}


def evaluate(
    directions: Directions,
    cases: int = EvaluateSettings.cases,
    *,
    seed: int = EvaluateSettings.seed,
    strengths: Mapping[str, Sequence[float]] | None = None,
    thresholds: Mapping[str, float] | None = None,
    control_cases: int | None = None,
    bootstrap: int = EvaluateSettings.bootstrap,
    batch_size: int = EvaluateSettings.batch_size,
    quiet: bool = False,
) -> Evaluation:
    """Tests directions on fresh latents: the image-generation test.

    Args:
        directions: to be tested, with the networks they were found on.
        cases: number of fresh latents; each makes as many images as the grid has points.
        seed: of the cases, the control and the intervals; two tests with the same are paired.
        strengths: property -> strengths of the grid; those of the directions for the others.
        thresholds: property -> least |corr-coef| of a pass; the specification's for the others.
        control_cases: how many of the cases are also edited along random directions; None for
            all of them up to 100.
        bootstrap: resamples of the 95 % intervals.
        batch_size: images a batch, rounded to whole cases.
        quiet: show no progress.

    Raises:
        InputError: a setting is not allowed.
        ScorerError: the scorer's answers cannot be used.
    """
    settings = EvaluateSettings(
        cases=cases,
        seed=seed,
        strengths=strengths,
        thresholds=thresholds,
        control_cases=control_cases,
        bootstrap=bootstrap,
        batch_size=batch_size,
    )
    return run_evaluation(directions, settings, quiet)


def run_evaluation(
    directions: Directions,
    settings: EvaluateSettings,
    quiet: bool = False,
    folder: Path | None = None,
) -> Evaluation:
    """`evaluate` with its settings as one object; `folder` keeps what is finished meanwhile."""
    settings = completed(settings, directions)
    progress = Progress("testing", image_count(settings), "images", quiet)
    return run_cases(directions, settings, progress.advance, folder)
