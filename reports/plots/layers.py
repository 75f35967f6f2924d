"""The plot of a re-scoring by layer: which layers of w+ carry a property."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import columns as c
from reports.plots.style import COLOURS, INK, new_figure, styled
from reports.text import plain


@styled
def layer_bars(table: pd.DataFrame) -> Figure:
    """A panel a property: what a unit of strength does to its score, a bar a block of layers.

    Args:
        table: columns layers, strength, score, slope, low and high; `layers` "all" for all.
    """
    own = table[table[c.STRENGTH] == table[c.SCORE]]
    names = list(dict.fromkeys(own[c.STRENGTH]))
    figure = new_figure(8.2, 0.6 + 1.9 * max(len(names), 1))
    panels = figure.subplots(max(len(names), 1), 1, squeeze=False)[:, 0]
    for place, (panel, name) in enumerate(zip(panels, names, strict=False)):
        some = own[own[c.STRENGTH] == name]
        errors = np.abs(some[[c.LOW, c.HIGH]].to_numpy().T - some[c.SLOPE].to_numpy())
        colour = COLOURS[place % len(COLOURS)]
        panel.bar(range(len(some)), some[c.SLOPE], color=colour, yerr=errors, ecolor=INK)
        panel.axhline(0, color=INK, linewidth=0.8)
        panel.set_xticks(range(len(some)), some[c.LAYERS])
        panel.set_title(plain(name))
        panel.set_ylabel("std a unit")
        panel.grid(axis="y")
    panels[-1].set_xlabel("layers of w+ that are moved")
    return figure
