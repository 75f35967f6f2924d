"""A run's figures: strips, the grid of a case, and the plots of its measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from property_cnn.common.files import atomic_write
from reports import (
    case_grid,
    corr_histogram,
    figure_png,
    image_strip,
    slope_heatmap,
    strength_against_score,
)
from vectorfind.directions.directions import Directions
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.runs.folder import FIGURES

ENDS = {
    "eyes": ("closed", "open"),
    "mouth": ("closed", "open"),
    "pose": ("left", "right"),
    "hair_color": ("dark", "bright"),
    "hair_length": ("short", "long"),
    "background_mean": ("dark", "bright"),
    "background_std": ("even", "varied"),
    "hairstyle": ("straight", "curly"),
}
"""What little and much of a property look like; ("less", "more") for any other."""

STRIP_COLUMNS = 5
TSNE = "tsne"


@dataclass(frozen=True)
class Figure:
    """A figure in its wide version, and in a narrow one for small screens where it has one."""

    wide: bytes
    narrow: bytes | None = None


def run_figures(directions: Directions, evaluation: Evaluation, strips: int) -> dict[str, Figure]:
    """All figures by file name; the strips and the grid show the first readable cases.

    Args:
        directions: those that were evaluated.
        evaluation: what came out.
        strips: number of cases in a strip.
    """
    names = evaluation.properties
    figures = {}
    shown = _readable_cases(evaluation)[:strips]
    if len(shown):
        for index, name in enumerate(names):
            figures[f"strip_{name}"] = Figure(_strip(directions, evaluation, shown, index, name))
        if len(names) == 3:
            figures["grid"] = _grid(directions, evaluation, shown[0])
    own = [evaluation.scored.index(name) for name in names]
    std = np.where(directions.score_std > 0, directions.score_std, 1.0)[own]
    found, control, slope = evaluation.measured, evaluation.control, evaluation.measured.slope
    control_scores = None if control is None else control.scores[..., own] / std
    control_corrs = None if control is None else control.correlations
    thresholds = dict(evaluation.settings.thresholds)

    def strength(columns: int) -> bytes:
        scores = found.scores[..., own] / std
        return figure_png(
            strength_against_score(evaluation.strengths, scores, names, control_scores, columns)
        )

    def corr_coefs(columns: int) -> bytes:
        return figure_png(
            corr_histogram(found.correlations, names, thresholds, control_corrs, columns)
        )

    order = own + [index for index in range(len(evaluation.scored)) if index not in own]
    scored = [evaluation.scored[index] for index in order]  # own effects on the diagonal
    effects = [part[:, order] for part in (slope.mean, slope.low, slope.high)]

    def slopes(narrow: bool) -> bytes:
        return figure_png(slope_heatmap(effects[0], names, scored, *effects[1:], narrow))

    figures["strength"] = Figure(strength(columns=3), strength(columns=1))
    figures["slopes"] = Figure(slopes(narrow=False), slopes(narrow=True))
    figures["corr_coefs"] = Figure(corr_coefs(columns=3), corr_coefs(columns=1))
    return figures


def write_figures(folder: Path, figures: Mapping[str, Figure]) -> None:
    """Writes the wide version of each figure; of the map of samples, drawn once, also the other."""
    for name, figure in figures.items():
        atomic_write(folder / FIGURES / f"{name}.png", figure.wide)
        if name == TSNE and figure.narrow is not None:
            atomic_write(folder / FIGURES / f"{name}_narrow.png", figure.narrow)


def read_figures(folder: Path, name: str) -> dict[str, Figure]:
    """A figure that an earlier stage left, under its name; {} where it left none."""
    wide, narrow = (folder / FIGURES / f"{name}{end}.png" for end in ("", "_narrow"))
    if not wide.is_file():
        return {}
    return {name: Figure(wide.read_bytes(), narrow.read_bytes() if narrow.is_file() else None)}


def ends_of(name: str) -> tuple[str, str]:
    """Words for little and for much of a property."""
    return ENDS.get(name, ("less", "more"))


def _strip(
    directions: Directions, evaluation: Evaluation, cases: np.ndarray, index: int, name: str
) -> bytes:
    limit = float(np.abs(evaluation.strengths[:, index]).max())
    strengths = np.zeros((STRIP_COLUMNS, len(evaluation.properties)), dtype=np.float32)
    strengths[:, index] = np.linspace(-limit, limit, STRIP_COLUMNS)
    z, label = evaluation.z[cases], evaluation.label[cases]
    images = directions.edit_grid(z, label, strengths).cpu().numpy()
    rows = [f"case {case}" for case in cases]
    return figure_png(image_strip(images, strengths[:, index], name, ends_of(name), rows))


def _grid(directions: Directions, evaluation: Evaluation, case: int) -> Figure:
    z, label = evaluation.z[case : case + 1], evaluation.label[case : case + 1]
    images = directions.edit_grid(z, label, evaluation.strengths)[0].cpu().numpy()
    names = evaluation.properties
    ends = [ends_of(name) for name in names]
    return Figure(
        *(
            figure_png(case_grid(images, evaluation.strengths, names, ends, stacked=stacked))
            for stacked in (False, True)
        )
    )


def _readable_cases(evaluation: Evaluation) -> np.ndarray:
    return np.flatnonzero(np.isfinite(evaluation.base_scores).all(axis=1))
