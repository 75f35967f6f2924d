"""Groups of images: in which part of the samples' scores each of some properties lies.

Grouping by hair colour, hair length, background and hairstyle, high or low in each, 16 groups in
all, follows the reference system: a direction fitted within a group need not change what the
group has in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from vectorfind.sampling.sampler import SampleSource

WHOLE = "all"
"""Name of the one group there is without grouping properties."""

UNREADABLE = "?"
"""Name in place of the group of an image that the scorer could not read."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""A property's parts in a group's name, from low to high, where there are more than two."""


class Groups(NamedTuple):
    """How samples are grouped.

    Attributes:
        cuts: (K, quantiles - 1) of the grouping properties, see `group_cuts`.
        members: group -> rows of its readable samples, in the order of the groups' names.
    """

    cuts: np.ndarray
    members: Mapping[str, np.ndarray]

    @property
    def sizes(self) -> dict[str, int]:
        """group -> number of its readable samples."""
        return {name: len(rows) for name, rows in self.members.items()}


def group_cuts(scores: np.ndarray, quantiles: int = 2) -> np.ndarray:
    """Where the grouping properties are cut into parts that hold as many samples each.

    Args:
        scores: (n, K) of the grouping properties; rows of NaN are left out.
        quantiles: parts of each; of 2 the cut is the median.

    Returns:
        (K, quantiles - 1) float32, rising; a cut between two samples is their mean.
    """
    ranked = np.sort(scores[~np.isnan(scores).any(axis=1)], axis=0).astype(np.float32)
    shares = np.arange(1, quantiles) * len(ranked)
    below, above = -(-shares // quantiles) - 1, shares // quantiles
    return ((ranked[below] + ranked[above]) / 2).T


def group_names(scores: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """The group of each image: a letter or digit a property, its part's; a cut is above itself.

    Args:
        scores: (n, K) of the grouping properties, in the order of the letters.
        cuts: (K, quantiles - 1), see `group_cuts`.

    Returns:
        (n,) names, of h (high) and l (low) where there are two parts, else of digits from 0 for
        the lowest; "?" for a row with NaN; "all" where K is 0.
    """
    if len(cuts) == 0:
        return np.full(len(scores), WHOLE)
    parts = (scores[:, :, None] >= cuts).sum(axis=2)  # (n, K)
    letters = np.array(list(_letters(cuts.shape[1] + 1)))[parts]
    names = np.array(["".join(row) for row in letters], dtype=f"U{len(cuts)}")
    names[np.isnan(scores).any(axis=1)] = UNREADABLE
    return names


def all_groups(count: int, quantiles: int = 2) -> tuple[str, ...]:
    """The names of all groups that `count` properties make, sorted: hhhh, hhhl, ..., llll."""
    letters = sorted(_letters(quantiles))
    return tuple("".join(name) for name in product(letters, repeat=count)) if count else (WHOLE,)


def grouped(samples: SampleSource, group_by: Sequence[str], quantiles: int = 2) -> Groups:
    """The groups of samples by some of their scores, each cut into `quantiles` parts."""
    rows = np.flatnonzero(samples.readable)
    columns = [samples.properties.index(name) for name in group_by]
    scores = samples.scores[rows][:, columns]
    cuts = group_cuts(scores, quantiles)
    names = group_names(scores, cuts)
    members = {name: rows[names == name] for name in all_groups(len(columns), quantiles)}
    return Groups(cuts, members)


def _letters(quantiles: int) -> str:
    """The letter of each part, from the lowest on."""
    return "lh" if quantiles == 2 else DIGITS[:quantiles]
