"""A run's figures: strips, the grid of a case, plots of its measurements, masks of hair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from property_cnn.common.files import atomic_write
from property_cnn.common.folders import inside
from property_cnn.hair import HairSegmenter
from reports.layout import (
    CORRS_FIGURE,
    GRID_FIGURE,
    SLOPES_FIGURE,
    STRENGTH_FIGURE,
    STRIP_FIGURE,
    figure_path,
)
from reports.plots.images import case_grid, image_strip
from reports.plots.overlays import overlay_sheet
from reports.plots.style import Plot, both_widths, figure_png
from reports.text import ends_of, plain
from vectorfind.directions.directions import STRIP_COLUMNS, Directions
from vectorfind.directions.edits import edited_grid, images_of
from vectorfind.evaluation.image_test import Evaluation

STRIP_CASES = 4

_LEGEND = ("hair before and after", "hair only after", "hair only before")


def run_figures(directions: Directions, evaluation: Evaluation) -> dict[str, Plot]:
    """All figures by name; the strips and the grid show the first readable cases.

    Args:
        directions: those that were evaluated.
        evaluation: what came out.
    """
    figures = {}
    readable = np.flatnonzero(np.isfinite(evaluation.base_scores).all(axis=1))
    if len(readable):
        for index, name in enumerate(evaluation.properties):
            strip = _strip(directions, evaluation, readable[:STRIP_CASES], index)
            figures[STRIP_FIGURE + name] = Plot(figure_png(strip))
        if len(evaluation.properties) == 3 and evaluation.crossed is None:
            figures[GRID_FIGURE] = _grid(directions, evaluation, readable[0])
    return figures | {
        STRENGTH_FIGURE: both_widths(evaluation.plot_strengths),
        SLOPES_FIGURE: both_widths(evaluation.plot_slopes),
        CORRS_FIGURE: both_widths(evaluation.plot_corr_coefs),
    }


def write_figures(folder: Path, figures: Mapping[str, Plot]) -> None:
    """Writes both versions of each figure, so that the page can be made from the folder alone."""
    for name, plot in figures.items():
        atomic_write(inside(folder, figure_path(name)), plot.wide)
        if plot.narrow is not None:
            atomic_write(inside(folder, figure_path(name, narrow=True)), plot.narrow)


def hair_figure(directions: Directions, evaluation: Evaluation, segmenter: HairSegmenter) -> Plot:
    """The masks of the first case with hair before and after each property's ends of strength.

    Args:
        directions: those that were evaluated.
        evaluation: whose first case with hair is shown, or the last one.
        segmenter: tells where hair is.
    """
    names, grid = evaluation.properties, evaluation.strengths
    ends = np.concatenate([np.diag(grid.min(axis=0)), np.diag(grid.max(axis=0))])
    order = np.arange(2 * len(names)).reshape(2, -1).T.ravel()  # both ends of a property together
    strengths = np.concatenate([np.zeros((1, len(names))), ends[order]]).astype(np.float32)
    rows = [
        f"{plain(name)}\n{end} {value:+.1f}"
        for index, name in enumerate(names)
        for end, value in zip(
            ends_of(name), (grid[:, index].min(), grid[:, index].max()), strict=True
        )
    ]
    for case in range(len(evaluation.z)):
        images = _edited(directions, evaluation, [case], strengths)[0]
        masks = segmenter(images)[:, 0].cpu()
        if bool((masks[0] >= 0.5).any()):
            break
    sheet = overlay_sheet(
        images[1:].cpu().numpy(),
        masks[1:].numpy(),
        masks[:1].expand_as(masks[1:]).numpy(),
        headings=("edited", "mask before", "mask after", "compared"),
        title=f"case {case}",
        rows=rows,
        legend=_LEGEND,
    )
    return Plot(figure_png(sheet))


def _strip(directions: Directions, evaluation: Evaluation, cases: np.ndarray, index: int) -> Figure:
    name = evaluation.properties[index]
    limit = float(np.abs(evaluation.strengths[:, index]).max())
    strengths = np.zeros((STRIP_COLUMNS, len(evaluation.properties)), dtype=np.float32)
    strengths[:, index] = np.linspace(-limit, limit, STRIP_COLUMNS)
    images = _edited(directions, evaluation, cases, strengths).cpu().numpy()
    rows = [f"case {case}" for case in cases]
    return image_strip(images, strengths[:, index], name, ends_of(name), rows)


def _grid(directions: Directions, evaluation: Evaluation, case: int) -> Plot:
    names, strengths = evaluation.properties, evaluation.strengths
    images = _edited(directions, evaluation, [case], strengths)[0].cpu().numpy()
    ends = [ends_of(name) for name in names]
    return both_widths(lambda narrow: case_grid(images, strengths, names, ends, stacked=narrow))


def _edited(
    directions: Directions,
    evaluation: Evaluation,
    cases: list[int] | np.ndarray,
    strengths: np.ndarray,
) -> torch.Tensor:
    """Images (N, S, 3, H, W) of some cases, changed by every row of strengths (S, P)."""
    latents, vectors = evaluation.latents[cases], evaluation.vectors[cases]
    course = directions.course(evaluation.settings.steps, evaluation.settings.target)
    if course is None:
        moved = edited_grid(latents, vectors, strengths)
    else:
        groups = directions.group_of(evaluation.base_scores[cases])
        moved = course.moved_grid(latents, groups, strengths)
    flat, batch = moved.reshape(-1, moved.shape[2]), directions.settings.batch_size
    images = images_of(directions.models, flat, directions.layer, batch)
    return images.unflatten(0, moved.shape[:2])
