"""The plot of a paired comparison: how much higher the second run is, measure by measure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import columns as c
from reports.plots.style import COLOURS, HAIRLINE, INK, MUTED, new_figure, styled
from reports.text import plain, signed


@styled
def paired_differences(
    table: pd.DataFrame, names: tuple[str, str] = ("A", "B"), narrow: bool = False
) -> Figure:
    """Mean paired differences with their intervals; colour where an interval leaves out 0.

    Args:
        table: columns measure, difference, low and high, a row a measure.
        names: of the two runs; the differences are the second less the first.
        narrow: for narrow screens.
    """
    count = len(table)
    figure = new_figure(4.9 if narrow else 8.2, 1.15 + 0.46 * count)
    panel = figure.add_subplot()
    panel.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    for place, row in enumerate(table.to_dict("records")):
        low, high, mean = row[c.LOW], row[c.HIGH], row[c.DIFFERENCE]
        if not np.isfinite([low, high, mean]).all():
            panel.text(0, place, " undefined", va="center", color=MUTED, fontsize=8.5)
            continue
        colour = COLOURS[0] if low > 0 else COLOURS[1] if high < 0 else MUTED
        panel.hlines(place, low, high, color=colour, linewidth=5, alpha=0.4, capstyle="round")
        panel.plot(mean, place, "o", color=colour, markersize=7)
        text = signed(mean, 3, plus=True)
        panel.annotate(
            text,
            (mean, place),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            zorder=1.5,
        )
    panel.set_yticks(range(count), [plain(name) for name in table[c.MEASURE]])
    panel.set_ylim(count - 0.4, -0.8)
    panel.tick_params(axis="y", labelcolor=INK)
    panel.spines["left"].set_visible(False)
    panel.grid(axis="x", color=HAIRLINE)
    first, second = names
    panel.set_xlabel(f"← {first} higher        mean difference        {second} higher →")
    panel.margins(x=0.12)
    return figure
