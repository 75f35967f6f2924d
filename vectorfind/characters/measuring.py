"""How a face answers its directions, measured on images: ways, responses, and their test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError
from vectorfind.characters.face import Face, Way
from vectorfind.characters.responses import Response, fitted_response
from vectorfind.characters.settings import CharacterSettings
from vectorfind.directions.directed import as_array
from vectorfind.directions.directions import Directions
from vectorfind.models.pair import Models
from vectorfind.sampling.groups import WHOLE
from vectorfind.sampling.sampler import read_all


def measured_face(
    directions: Directions,
    vector: np.ndarray,
    layer: str,
    label: np.ndarray,
    settings: CharacterSettings,
) -> Face:
    """A face with the sliders of all properties that it answers.

    Args:
        directions: of the properties.
        vector: (d,) where the face is at the layer.
        layer: that of the directions, or w+ or w+A-B of directions in w.
        label: (label_dim,) of the face.
        settings: of the measurement.

    Raises:
        InputError: the layers do not fit, the face cannot be read, or answers no direction.
    """
    models = directions.models.with_layer(layer)
    vector = checked_row(f"vector at {layer}", vector, models.generator.layers[layer])
    batch = directions.settings.batch_size
    own = read_all(models, vector[None], layer, 1)
    if np.isnan(own).any():
        raise InputError("the scorer cannot read this face; take another")
    ways = _ways(directions, models, vector, layer, own, settings)
    check_names("property", tuple(ways), models.scored)
    amounts = [_amounts(way.strengths[[0, -1]], settings.points) for way in ways.values()]
    moved = [vector + way.at(each) for way, each in zip(ways.values(), amounts, strict=True)]
    scores = read_all(models, np.concatenate(moved).astype(np.float32), layer, batch)
    scores = scores.reshape(len(ways), settings.points, -1)
    responses: dict[str, Response] = {}
    for place, name in enumerate(ways):
        column = models.scored.index(name)
        std = float(directions.score_std[column])
        found = fitted_response(amounts[place], scores[place, :, column], std)
        if found is not None:
            responses[name] = found
    if not responses:
        raise InputError(
            f"this face answers none of {', '.join(ways)} over the strengths that were tried; "
            "take another face, or a larger reach"
        )
    answered = {name: ways[name] for name in responses}
    return Face(layer, vector, np.asarray(label, np.float32), answered, responses)


def slider_correlations(
    face: Face,
    models: Models,
    checks: int = CharacterSettings.checks,
    names: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """property -> Pearson correlation of its slider, alone from -1 to 1, with the score.

    Args:
        face: any.
        models: its generator, and any scorer: also a judge that was not used to make it.
        checks: sliders, each an image.
        names: property -> score that reads it, where the scorer calls it otherwise.

    Returns:
        NaN where fewer than three images can be read, or all the same; properties that the scorer
        does not read are left out.
    """
    sliders, found = np.linspace(-1, 1, checks), {}
    models = models.with_layer(face.layer)
    for name in face.properties:
        score = (names or {}).get(name, name)
        if score not in models.scored:
            continue
        scores = read_all(models, face.vectors(**{name: sliders}), face.layer, checks)
        scores = scores[:, models.scored.index(score)]
        read = np.isfinite(scores)
        varies = read.sum() >= 3 and np.ptp(scores[read]) > 0
        found[name] = (
            float(np.corrcoef(sliders[read], scores[read])[0, 1]) if varies else float("nan")
        )
    return found


def checked_row(what: str, given: Any, size: int) -> np.ndarray:
    """(size,) float32, finite.

    Raises:
        InputError: it is no array of numbers, of another shape, or holds NaN or infinity.
    """
    row = as_array(given)
    row = row[0] if row.ndim == 2 and len(row) == 1 else row
    if row.shape != (size,) or not np.isfinite(row).all():
        raise InputError(f"{what} has shape {row.shape}; expected ({size},) finite numbers")
    return row


def _ways(
    directions: Directions,
    models: Models,
    vector: np.ndarray,
    layer: str,
    scores: np.ndarray,
    settings: CharacterSettings,
) -> dict[str, Way]:
    """Where each property leads from the face, as far as the measurement goes.

    Args:
        scores: (1, A) of the face, which tell its group.
    """
    times = _repeats(directions.layer, layer, models)
    entered = vector.reshape(times, -1).mean(axis=0, dtype=np.float64).astype(np.float32)[None]
    grouped = len(directions.groups) > 1
    group = directions.group_of(scores) if grouped else np.full(1, WHOLE)
    course = None if directions.along_lines else directions.course(settings.steps)
    lines = directions.vectors(entered, group)[0]
    ways = {}
    for place, (name, grid) in enumerate(directions.strengths.items()):
        ends = _ends(grid, settings.reach)
        if course is None:
            amounts = ends
            moves = amounts[:, None] * lines[place]
        else:
            amounts = _amounts(ends, settings.points)
            strengths = np.zeros((len(amounts), len(lines)), np.float32)
            strengths[:, place] = amounts
            moves = course.moved_grid(entered, group, strengths)[0] - entered
            moves[amounts == 0] = 0
        moves = np.tile(moves.astype(np.float32), (1, times))
        start, stop = models.editable(layer)
        moves[:, :start] = moves[:, stop:] = 0  # of w+A-B, what the other layers take
        ways[name] = Way(amounts, moves)
    return ways


def _repeats(found: str, layer: str, models: Models) -> int:
    """How often a direction stands in a vector of the layer.

    Raises:
        InputError: directions of that layer move no vectors of the other.
    """
    if layer == found:
        return 1
    if found == "w" and layer.startswith("w+"):
        return models.generator.layers[layer] // models.generator.layers["w"]
    also = ", or at w+ or w+A-B" if found == "w" else ""
    raise InputError(f"a vector at {layer}, directions at {found}; give one at {found}{also}")


def _ends(grid: Sequence[float], reach: float) -> np.ndarray:
    """(2,) the least and the largest strength to try, one on each side of 0."""
    low, high = min(0.0, *grid) * reach, max(0.0, *grid) * reach
    return np.array([low or -high, high or -low], np.float32)


def _amounts(ends: np.ndarray, points: int) -> np.ndarray:
    """(points,) strengths from one end to the other, with exactly 0 among them."""
    amounts = np.linspace(*ends, points)
    amounts[np.abs(amounts).argmin()] = 0.0
    return amounts.astype(np.float32)
