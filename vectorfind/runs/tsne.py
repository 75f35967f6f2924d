"""Maps of samples by t-SNE (van der Maaten & Hinton, 2008): do a group's extremes lie apart?

scikit-learn-intelex maps five times as fast, but its maps change with the number of threads, and
are others again where it is not installed. A run's figure is the same everywhere, so scikit-learn
draws it; `embed(..., accelerated=True)` is for looking around, and `vectorfind bench` times both.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from threadpoolctl import threadpool_limits

from property_cnn.common.errors import InputError
from property_cnn.common.tasks import run_tasks
from reports.plots.scatter import tsne_scatter
from reports.plots.style import Plot, both_widths
from vectorfind.directions.directions import Directions
from vectorfind.sampling.groups import Groups
from vectorfind.sampling.sampler import SampleSource

PERPLEXITY = 30.0
"""Neighbours that a sample counts as near; a third of the samples where they are few."""

SPREAD = 1e-4
"""Standard deviation of the first map's wider axis, as scikit-learn has it."""

LEAST = 5
"""Least number of samples to map."""

MOST = 200
"""Most samples of a side: three properties then take some three seconds."""


def embed(vectors: np.ndarray, seed: int = 0, accelerated: bool = False) -> np.ndarray:
    """Vectors (m, d) -> their map (m, 2) float32; the same vectors and seed give the same map.

    Args:
        vectors: at least 5, not all the same.
        seed: of t-SNE; it starts from the two principal components and hardly draws on it.
        accelerated: by scikit-learn-intelex, whose map also depends on the number of threads.

    Raises:
        InputError: too few vectors, or scikit-learn-intelex is asked for and not installed, or
            can't be loaded.
    """
    if len(vectors) < LEAST:
        raise InputError(f"{len(vectors)} vectors are too few for t-SNE; give {LEAST} or more")
    if accelerated and not has_intelex():
        raise InputError("scikit-learn-intelex is not installed; install it, or map without")
    with threadpool_limits(1):  # sums on one thread are the same on any number of cores
        start = principal_map(vectors)
        how = {
            "init": start,  # owned here: scikit-learn-intelex writes into it
            "perplexity": min(PERPLEXITY, (len(vectors) - 1) / 3),
            "random_state": seed,
        }
        if not accelerated:
            from sklearn.manifold import TSNE

            return TSNE(**how, n_jobs=1).fit_transform(vectors)
    try:
        from sklearnex.manifold import TSNE
    except ImportError as error:  # e.g. beside OpenVINO, which brings another TBB
        raise InputError(
            "scikit-learn-intelex can't be loaded beside the libraries that are; map without"
        ) from error
    return TSNE(**how).fit_transform(vectors)


def has_intelex() -> bool:
    """Whether scikit-learn-intelex is installed."""
    return find_spec("sklearnex") is not None


def principal_map(vectors: np.ndarray) -> np.ndarray:
    """Vectors (m, d) on their first two principal axes, scaled to start a t-SNE from: (m, 2)."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    axes, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    start = np.zeros((len(vectors), 2))
    start[:, : axes.shape[1]] = (axes * sizes)[:, :2]
    return (start * SPREAD / (start[:, 0].std() or 1.0)).astype(np.float32)


def group_extremes(
    samples: SampleSource, members: np.ndarray, ratio: float, name: str, most: int = MOST
) -> tuple[np.ndarray, np.ndarray]:
    """A group's samples with the lowest and the highest scores, or an even choice of them.

    Args:
        samples: in memory or in a store.
        members: rows of the group's.
        ratio: share of them on either side.
        name: the property.
        most: of either side; of more, as many are taken at even steps of their ranks.

    Returns:
        Rows of the samples, (m,): the bottom ones by rising score, then the top ones; and (m,)
        bool, True for the top.
    """
    scores = samples.scores[members, samples.properties.index(name)]
    order = members[np.argsort(scores, kind="stable")]
    side = round(ratio * len(order))
    places = np.linspace(0, side - 1, min(most, side)).round().astype(int)
    rows = np.concatenate([order[places], order[len(order) - side + places]])
    return rows, np.repeat([False, True], len(places))


def tsne_figure(
    samples: SampleSource, directions: Directions, groups: Groups, seed: int = 0
) -> Plot | None:
    """Maps of the largest group's extremes, one a property whose method parts these.

    None where there is no such property.
    """
    settings = directions.settings
    names = [name for name in directions.properties if directions.method_of(name).parts_extremes]
    if not names:
        return None
    members = max(groups.members.values(), key=len)
    extremes = [group_extremes(samples, members, settings.ratio, name) for name in names]
    # Vectors are read as they are needed: one property's at a time and worker.
    tasks = ((samples.vectors(settings.layer, rows), seed) for rows, _ in extremes)
    points = list(run_tasks(embed, tasks, settings.workers))
    sides = [top for _, top in extremes]
    share = f"{100 * settings.ratio:g} %"
    labels = (f"lowest {share} of the group", f"highest {share}")
    return both_widths(
        lambda narrow: tsne_scatter(points, sides, names, 1 if narrow else 3, labels)
    )
