"""Pickles of networks, damaged at random."""

from __future__ import annotations

import random

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.nvidia.read import read_nvidia
from stylegan_ft.pickles.saved import read_pickle

TRIALS = 700
"""Damaged files a pickle."""

PUT_IN = (
    b"cos\nsystem\n",
    b"(ios\nsystem\n",
    b"Pa\n",
    b"Q",
    b"R",
    b"b",
    b"\x81",
    b"\x85Q",
    b"N",
    b"0",
)
"""Names, calls, states and identifications of what lies outside the file."""


def refused_of_damaged(data: bytes, seed: int) -> int:
    """How many of `TRIALS` damaged files are refused; any other error than ours is raised."""
    rng, refused = random.Random(seed), 0
    for k in range(TRIALS):
        held = bytearray(data)
        at = rng.randrange(len(data))
        if k % 3 == 0:
            held[at:at] = rng.choice(PUT_IN)
        elif k % 3 == 1:
            held[at] = rng.randrange(256)
        else:
            del held[at : at + rng.randint(1, 40)]
        try:
            read_nvidia(read_pickle(held), held)
        except CheckpointError:
            refused += 1
    return refused
