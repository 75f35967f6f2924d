"""The plots of attribute dependency: what other scores do where a property's own score moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import columns as c
from reports.plots.style import COLOURS, INK, MUTED, new_figure, styled
from reports.text import plain

MARKERS = "osD^v"
"""Of the first lines that have each colour, of the second, and so on."""


@styled
def dependency_curves(
    table: pd.DataFrame, by: str = c.JUDGE, columns: int = 3, largest: bool = True
) -> Figure:
    """A panel a property: change of the others against the property's own, a line a judge or run.

    Args:
        table: columns property, change, mean and max dependency with the ends of their intervals,
            and the one named by `by`.
        by: whose values have a line each.
        columns: panels side by side.
        largest: draw max dependency too, dashed.
    """
    names, lines = list(dict.fromkeys(table[c.PROPERTY])), list(dict.fromkeys(table[by]))
    columns = min(columns, max(len(names), 1))
    rows = -(-max(len(names), 1) // columns)
    figure = new_figure(9.6 if columns > 1 else 4.6, 0.5 + 2.65 * rows)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for panel in panels.flat[len(names) :]:
        panel.set_visible(False)
    for panel, name in zip(panels.flat, names, strict=False):
        own = table[table[c.PROPERTY] == name]
        for place, line in enumerate(lines):
            some = own[own[by] == line].sort_values(c.CHANGE)
            colour, x = COLOURS[place % len(COLOURS)], some[c.CHANGE].to_numpy(np.float64)
            ends = [some[end(c.MEAN_DEPENDENCY)] for end in (c.low_column, c.high_column)]
            panel.fill_between(x, *ends, color=colour, alpha=0.22, linewidth=0)
            panel.plot(x, some[c.MEAN_DEPENDENCY], linewidth=2, ms=4, **_style(place))
            if largest:
                dashed = {"color": colour, "linewidth": 1.2, "linestyle": (0, (4, 3))}
                panel.plot(x, some[c.MAX_DEPENDENCY], **dashed)
        panel.set_title(plain(name))
        panel.set_xlabel("change of its own score (std)")
        panel.set_xlim(left=0)
        panel.grid(axis="y")
    for panel in panels[:, 0]:
        panel.set_ylabel("change of the others (std)")
    panels[0, 0].set_ylim(bottom=0)  # of all, once all is drawn
    figure.legend(
        handles=_handles(lines, largest),
        loc="outside lower center",
        ncols=4 if columns > 1 else 2,
        handlelength=1.8,
    )
    return figure


def _style(place: int) -> dict[str, str]:
    """Colour and marker of a line; where the colours begin anew, the marker is another one."""
    turn = place // len(COLOURS)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[turn % len(MARKERS)]}


def _handles(lines: Sequence[str], largest: bool) -> list[Line2D]:
    handles = [
        Line2D([], [], linewidth=2, label=line, **_style(place)) for place, line in enumerate(lines)
    ]
    if not largest:
        return handles
    dashes = Line2D([], [], color=INK, linewidth=1.2, linestyle=(0, (4, 3)), label="the largest")
    return [*handles, Line2D([], [], color=MUTED, linewidth=2, label="mean of them"), dashes]
