"""Tiny networks with a store's and a run's settings, and directions found on them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from vectorfind.config import EvaluateSettings, FindSettings, GradientSettings
from vectorfind.directions.directions import Directions
from vectorfind.models.pair import Models
from vectorfind.pipeline import find

FIND = FindSettings(
    n=600, layer="w", group_by=("hair_color",), workers=1, gradient=GradientSettings(max_epochs=2)
)
TEST = EvaluateSettings(cases=6, control_cases=2, bootstrap=20)


@cache
def models() -> Models:
    """The planted generator and its scorer."""
    return Models(PlantedGenerator(), PlantedScorer())


@cache
def directions() -> Directions:
    """By gradient for the eyes and by SVM for the rest, so that a file has both."""
    from dataclasses import replace

    mixed = replace(FIND, method="eyes=gradient,mouth=svm,pose=svm")
    return find(mixed, models().generator, models().scorer, quiet=True)


def directions_file(folder: Path) -> Path:
    """The directions as a file in the folder."""
    path = folder / "directions.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        directions().save(path)
    return path
