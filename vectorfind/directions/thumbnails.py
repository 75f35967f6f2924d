"""Small pictures of what directions do to one face, for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from property_cnn.common.prompt import Thumbnail
from vectorfind.directions.directed import DirectedFaces

MOST_PROPERTIES = 6
"""Properties that are shown; each takes two images."""


def thumbnails(
    at: Callable[[], DirectedFaces], strengths: Mapping[str, Sequence[float]]
) -> tuple[Thumbnail, ...]:
    """The first of the faces unedited, and at the ends of each property's strengths.

    Args:
        at: gives one face or more.
        strengths: property -> strengths, of which the least and the greatest are shown.

    Returns:
        1 + 2 P pictures of at most 6 properties; none where the networks cannot run.
    """
    from reports.pages.pictures import thumbnail_url  # loads matplotlib
    from reports.text import ends_of, plain, signed

    names = list(strengths)[:MOST_PROPERTIES]
    ends = [(name, end(strengths[name])) for name in names for end in (min, max)]
    try:
        faces = at()
        grid = np.zeros((1 + len(ends), len(faces.properties)), np.float32)
        for row, (name, strength) in enumerate(ends, start=1):
            grid[row, faces.properties.index(name)] = strength
        images = faces.edit_grid(grid)[0].cpu().numpy()  # (1 + 2 P, 3, H, W)
        urls = [thumbnail_url(image) for image in images]
    except Exception:  # whatever a user's networks do: the table stands alone
        return ()
    words = [word for name in names for word in ends_of(name)]
    told = [
        f"{plain(name)} {word} ({signed(strength, 1, plus=True)})"
        for (name, strength), word in zip(ends, words, strict=True)
    ]
    return tuple(map(Thumbnail, urls, ("unedited", *told)))
