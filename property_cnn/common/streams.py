"""Streams of random numbers under one seed: every purpose draws from its own.

So a result does not depend on what else was drawn, nor in which order, nor by which process.
"""

from __future__ import annotations

import zlib

import numpy as np

SAMPLES, CASES, SPLITS, NETWORKS, CONTROL, BOOTSTRAP, LESSONS, COMPONENTS, DESIGN = range(9)
INVERSION, CROPS, FOLDS, SIMULATION = 9, 10, 11, 12
"""The purposes: latents to find from and to test on, splits, networks, control, intervals, latents
of images that a scorer learns from, random products of principal components, the strengths of a
test of many properties, latents that a photograph's are compared with, crops of labelled images,
which of these are tested on, a cluster on paper."""


def random_stream(seed: int, stream: int, *keys: int | str) -> np.random.Generator:
    """The random generator of one purpose: the same keys give the same numbers, others not.

    Args:
        seed: the user's.
        stream: one of this module's purposes.
        keys: what within it, e.g. a block's index, or the names of a group and a property.
    """
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else key for key in keys]
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, stream, *numbers])))
