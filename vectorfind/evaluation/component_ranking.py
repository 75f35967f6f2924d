"""Which component is which property: every component is moved along in images, and they are scored.

Effects on samples, by which methods choose, tell what goes together; these slopes tell what a move
along the component does, whatever varies with it among samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from property_cnn.common.streams import CASES
from property_cnn.common.tasks import one_thread
from vectorfind.config import FindSettings, RankSettings
from vectorfind.directions.edits import CaseEdits, grid_scores
from vectorfind.methods.components.method import Components
from vectorfind.models.pair import Models
from vectorfind.sampling.latents import mapped_latents


@one_thread()
def component_slopes(
    models: Models,
    components: Components,
    score_std: np.ndarray,
    find: FindSettings,
    ranking: RankSettings,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """What moving fresh faces along each component does to every score.

    Args:
        models: with the settings' layer.
        components: K of that layer, in the part of its vectors that may move.
        score_std: (A,) standard deviations of the samples' scores.
        find: layer, seed and batch_size count.
        ranking: how many faces, and how far.
        progress: called with the number of images made since the last call.

    Returns:
        (F, K, A): standard deviations of each score for one of each component's coordinate; NaN
        for a face that cannot be read.
    """
    layer = find.layer
    _, _, mapped = mapped_latents(models, find.seed, CASES, ranking.faces, (layer,))
    latents, (start, stop) = mapped[layer], models.editable(layer)
    slopes = np.full((ranking.faces, len(components.axes), len(models.scored)), np.nan, np.float32)
    for place, (axis, spread) in enumerate(zip(components.axes, components.spreads, strict=True)):
        moved = np.zeros((1, 1, latents.shape[1]), np.float32)
        moved[..., start:stop] = axis * spread  # one standard deviation
        vectors = np.broadcast_to(moved, (len(latents), 1, latents.shape[1]))
        grid = np.array([[-ranking.step], [ranking.step]], np.float32)
        edits = CaseEdits(models, latents, vectors, grid, layer, find.batch_size)
        scores = grid_scores(edits)  # (F, 2, A)
        with np.errstate(divide="ignore", invalid="ignore"):  # a score that never varies
            slopes[:, place] = (scores[:, 1] - scores[:, 0]) / (2 * ranking.step * score_std)
        if progress is not None:
            progress(2 * len(latents))
    return slopes
