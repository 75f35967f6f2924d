"""Pictures of an inversion: the photograph, what it became, and edits of that."""

from __future__ import annotations

import numpy as np

from reports.plots.images import labelled_row
from reports.plots.style import figure_png
from reports.text import signed
from vectorfind.characters.inversion.inversion import Inversion
from vectorfind.directions.directions import Directions
from vectorfind.models.pair import Models

SHOWN_EDITS = 3


def inversion_png(inversion: Inversion, edits: dict[str, np.ndarray]) -> bytes:
    """The photograph, the images of w and w+, and edits (1, 3, R, R) by their labels, in a row."""
    pictures = {**inversion.images, **edits}
    return figure_png(labelled_row(np.concatenate(list(pictures.values())), list(pictures)))


def edited_images(
    inversion: Inversion, directions: Directions, models: Models
) -> dict[str, np.ndarray]:
    """Label -> image (1, 3, R, R) of the first properties' largest strengths.

    Directions are taken where the picture is in w, and move what was found, each layer of w+ alike.

    Args:
        inversion: finished.
        directions: of the same generator, at w, or at w+ where the inversion is.
        models: the generator, with the inversion's layer.

    """
    own = directions.layer == inversion.layer
    at = inversion.latents if own else inversion.latents_w
    image = directions.models.synthesize(at, directions.layer)
    groups = directions.group_of(directions.models.score(image))
    vectors = directions.vectors(at, groups)  # (1, P, d)
    repeats = inversion.latents.shape[1] // vectors.shape[2]
    images = {}
    for place, name in list(enumerate(directions.properties))[:SHOWN_EDITS]:
        strength = max(directions.strengths[name])
        moved = inversion.latents + strength * np.tile(vectors[:, place], repeats)
        made = models.synthesize(moved, inversion.layer)
        images[f"{name} {signed(strength, 1, plus=True)}"] = made.cpu().numpy()
    return images
