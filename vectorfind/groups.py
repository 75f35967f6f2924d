"""Groups of images: high or low in each of some properties, by the samples' medians.

Grouping by hair colour, hair length, background and hairstyle, 16 groups in all, follows the
reference system: a direction fitted within a group need not change what the group has in common.
"""

from __future__ import annotations

from itertools import product

import numpy as np

WHOLE = "all"
"""Name of the one group there is without grouping properties."""

UNREADABLE = "?"
"""Name in place of the group of an image that the scorer could not read."""


def group_medians(scores: np.ndarray) -> np.ndarray:
    """Medians (K,) of the grouping properties' scores (n, K), rows of NaN left out."""
    return np.median(scores[~np.isnan(scores).any(axis=1)], axis=0).astype(np.float32)


def group_names(scores: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """The group of each image: a letter a property, h at or above its median, l below.

    Args:
        scores: (n, K) of the grouping properties, in the order of the letters.
        medians: (K,).

    Returns:
        (n,) names; "?" for a row with NaN; "all" where K is 0.
    """
    if len(medians) == 0:
        return np.full(len(scores), WHOLE)
    letters = np.where(scores >= medians, "h", "l")  # (n, K)
    names = np.array(["".join(row) for row in letters], dtype=f"U{len(medians)}")
    names[np.isnan(scores).any(axis=1)] = UNREADABLE
    return names


def all_groups(count: int) -> tuple[str, ...]:
    """The names of all groups that `count` properties make, sorted: hhhh, hhhl, ..., llll."""
    return tuple("".join(letters) for letters in product("hl", repeat=count)) if count else (WHOLE,)
