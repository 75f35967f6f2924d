"""Which layers of w+ carry a property: a direction applied to some of them at a time.

This is the re-scoring of HiGAN (Yang et al., 2021), by layer: each direction of w, or its part of
w+, moves the w of one block of synthesis layers alone, and the change of the scores is measured.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from property_cnn.common.errors import InputError
from property_cnn.common.streams import CASES
from property_cnn.common.tasks import one_thread
from reports.statistics import Estimate, bootstrap, interval_stream
from vectorfind.directions.directions import Directions
from vectorfind.sampling.latents import mapped_latents
from vectorfind.sampling.sampler import read_all

WIDE = "w+"
"""The layer that has a w for each layer of synthesis."""


STRENGTH = 1.0
"""Of the edits, to both sides; half the change between them is that of a unit."""


def layer_blocks(layers: int, block: int) -> list[tuple[int, int]]:
    """[start, stop) of every block of so many layers of w+, and last of all layers together."""
    return [*((at, min(at + block, layers)) for at in range(0, layers, block)), (0, layers)]


@one_thread()
def layer_effects(
    directions: Directions,
    count: int = 32,
    seed: int = 0,
    block: int = 1,
    progress: Callable[[int], None] = lambda images: None,
    foresee: Callable[[int], None] = lambda images: None,
) -> tuple[list[tuple[int, int]], Estimate]:
    """How far every direction moves every score when it is applied to a block of layers alone.

    Args:
        directions: of w, w+ or w+A-B, of a generator that offers w+.
        count: faces.
        seed: of their latents, which are those of the test's cases under the same seed.
        block: layers of w+ that are moved together.
        progress: called with the number of images done since the last call.
        foresee: called with the number of images before they are made.

    Returns:
        The B blocks, the last of all layers, and means over faces with their intervals (B, P, A),
        in standard deviations of the scores a unit of strength.

    Raises:
        InputError: the generator has no w+, or the directions do not live in w.
    """
    models, batch = directions.models.with_layer(WIDE), directions.settings.batch_size
    layer, last = directions.layer, directions.models.last_layer
    names = tuple({layer, last, WIDE})
    _, _, latents = mapped_latents(models, seed, CASES, count, names)
    groups = directions.group_of(read_all(models, latents[last], last, batch))
    vectors = directions.vectors(latents[layer], groups)  # (N, P, d)
    start, stop = directions.models.editable(layer)
    vectors, wide = vectors[..., start:stop], latents[WIDE]
    size = _w_size(directions, stop - start, wide.shape[1])
    layers = wide.shape[1] // size
    blocks = layer_blocks(layers, min(block, layers))
    wide = wide.reshape(count, layers, size)
    moves = vectors.reshape(count, vectors.shape[1], -1, size)  # one w, or one a layer
    moves = np.broadcast_to(moves, (count, vectors.shape[1], layers, size))
    unit = np.where(directions.score_std > 0, directions.score_std, 1.0)
    effects = np.empty((count, len(blocks), vectors.shape[1], len(models.scored)))
    foresee(2 * count * len(blocks) * vectors.shape[1])
    for place, (first, end) in enumerate(blocks):
        for index in range(vectors.shape[1]):
            sides = []
            for side in (STRENGTH, -STRENGTH):
                moved = wide.copy()
                moved[:, first:end] += side * moves[:, index, first:end]
                flat = moved.reshape(count, -1).astype(np.float32)
                sides.append(read_all(models, flat, WIDE, batch).astype(np.float64))
                progress(count)
            effects[:, place, index] = (sides[0] - sides[1]) / (2 * STRENGTH * unit)
    return blocks, bootstrap(effects, interval_stream(seed))


def _w_size(directions: Directions, part: int, wide: int) -> int:
    """Numbers of one w; InputError where the directions' vectors are none."""
    layer, sizes = directions.layer, directions.models.generator.layers
    size = sizes.get("w", part)
    if not (layer == "w" or layer.startswith(WIDE)) or wide % size or part not in (size, wide):
        raise InputError(
            f"the directions live at {layer}; layers of w+ are told apart for directions of w, "
            "w+ or w+A-B: find some with --layer w"
        )
    return size
