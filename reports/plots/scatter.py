"""Scatter plots: maps of samples in the plane, two sides in two colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.plots.style import COLOURS, HAIRLINE, new_figure, styled

SIDES = (COLOURS[0], COLOURS[1])
"""Colours of the bottom and of the top samples."""

_MARKERS = ("o", "^")  # told apart without colour too


@styled
def tsne_scatter(
    points: Sequence[np.ndarray],
    sides: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int = 3,
    labels: tuple[str, str] = ("bottom samples", "top samples"),
) -> Figure:
    """Maps in the plane, a panel each; neither axis has a unit, so none is numbered.

    Args:
        points: (m, 2) of each panel.
        sides: (m,) bool of each panel, True for the top samples.
        titles: of the panels.
        columns: panels side by side.
        labels: what the legend calls the bottom and the top samples.
    """
    columns = min(columns, len(points))
    rows = -(-len(points) // columns)
    width = 9.6 if columns > 1 else 4.6
    side = min(width / columns, 3.9)  # panels are square
    figure = new_figure(width, 0.35 + (side + 0.25) * rows)
    figure.get_layout_engine().set(w_pad=0.07, h_pad=0.07)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for empty in panels[len(points) :]:
        empty.set_visible(False)
    for panel, cloud, top, title in zip(panels, points, sides, titles, strict=False):
        _cloud(panel, np.asarray(cloud), np.asarray(top, dtype=bool))
        panel.set_title(title)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=6, label=label)
        for colour, marker, label in zip(SIDES, _MARKERS, labels, strict=True)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, handletextpad=0.2)
    return figure


def _cloud(panel, points: np.ndarray, top: np.ndarray) -> None:
    """Both sides, drawn in an order that mixes them, so that neither hides the other."""
    mixed = np.random.default_rng(0).permutation(len(points))
    half = 0.53 * max(float(np.ptp(points, axis=0).max()), 1e-9)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    for rows in np.array_split(mixed, 8):
        for which in (0, 1):
            chosen = rows[top[rows] == bool(which)]
            panel.scatter(
                *points[chosen].T,
                s=17,
                marker=_MARKERS[which],
                color=SIDES[which],
                alpha=0.8,
                edgecolor="white",
                linewidth=0.4,
            )
    panel.set_xlim(middle[0] - half, middle[0] + half)
    panel.set_ylim(middle[1] - half, middle[1] + half)
    panel.set_box_aspect(1)
    panel.set_xticks([])
    panel.set_yticks([])
    panel.spines[:].set_visible(True)
    panel.spines[:].set_color(HAIRLINE)
