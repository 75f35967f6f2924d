"""Plots of a comparison of segmentation students: on the way, and what differs in each class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.analysis.segmentation import (
    CLEAR,
    DIFFERENCE,
    FOLD,
    ITERATION,
    MIOU,
    MODEL,
    WEIGHTS,
    WHAT,
    class_names,
    models,
)
from reports.layout import BASELINE, TEACHER
from reports.plots.style import COLOURS, CONTROL_COLOUR, INK, new_figure, styled
from reports.text import signed

_MARKERS = "osD^vP*X"
_MOST = 10.0  # per cent that a cell's colour is full at, at least


@styled
def miou_curves(checks: pd.DataFrame, narrow: bool = False) -> Figure:
    """mIoU against iterations, a line a network: the mean over folds, a dot each fold and seed.

    Args:
        checks: the table of `checks.csv`.
        narrow: for narrow screens.
    """
    figure = new_figure(*((4.9, 5.4) if narrow else (9.0, 4.6)))
    panel = figure.subplots()
    names = models(checks)
    others = [name for name in names if name not in (BASELINE, TEACHER)]
    for name in names:
        own = checks[checks[MODEL] == name]
        colour, marker = INK, "s"
        if name == TEACHER:
            colour = CONTROL_COLOUR
        elif name != BASELINE:
            place = others.index(name)
            colour, marker = COLOURS[place % len(COLOURS)], _MARKERS[place % len(_MARKERS)]
        line = own.groupby([ITERATION, FOLD])[MIOU].mean().groupby(ITERATION).mean()
        look = {"linestyle": "--" if name == TEACHER else "-", "marker": marker, "markersize": 4.5}
        panel.plot(line.index, line, color=colour, label=name, **look)
        panel.plot(own[ITERATION], own[MIOU], ".", color=colour, markersize=3, alpha=0.5)
    panel.set_xlabel("iterations")
    panel.set_ylabel("mIoU of a part of the test images, per cent")
    panel.set_title("mIoU on the way")
    panel.grid(axis="y")
    if narrow:
        figure.legend(loc="outside lower center", ncols=2)
    else:
        figure.legend(loc="outside right center")
    return figure


@styled
def class_differences(table: pd.DataFrame, found: pd.DataFrame, weights: str) -> Figure:
    """A cell a network and class: its IoU less the baseline's, in per cent; clear ones framed.

    Args:
        table: of `students.csv`; its classes in their order.
        found: of `differences.csv`.
        weights: "last" or "best".
    """
    chosen = found[found[WEIGHTS] == weights]
    names = [name for name in models(table) if name != BASELINE]
    columns = [*class_names(table), MIOU]
    cells = chosen.pivot(index=MODEL, columns=WHAT, values=DIFFERENCE).reindex(names)[columns]
    clear = chosen.pivot(index=MODEL, columns=WHAT, values=CLEAR).reindex(names)[columns]
    values = cells.to_numpy(np.float64)
    most = max(_MOST, float(np.nanmax(np.abs(values), initial=0.0)))
    figure = new_figure(1.9 + 0.72 * len(columns), 1.7 + 0.42 * len(names))
    panel = figure.subplots()
    panel.imshow(values, cmap="RdBu", vmin=-most, vmax=most, aspect="auto", alpha=0.85)
    for row, name in enumerate(names):
        for place, column in enumerate(columns):
            value = values[row, place]
            text = "–" if np.isnan(value) else signed(round(value, 1) + 0.0, 1)
            marked = str(clear.loc[name, column]) in ("higher", "lower")
            weight, colour = ("bold", INK) if marked else ("normal", INK)
            light = "white" if abs(value) > 0.7 * most else colour
            panel.text(place, row, text, ha="center", va="center", fontsize=7.5,
                       fontweight=weight, color=light)  # fmt: skip
    panel.set_xticks(range(len(columns)), columns, rotation=35, ha="right")
    panel.set_yticks(range(len(names)), names)
    panel.tick_params(length=0)
    panel.axvline(len(columns) - 1.5, color="white", linewidth=3)
    panel.set_title("IoU less the baseline's, per cent; bold is clear")
    for spine in panel.spines.values():
        spine.set_visible(False)
    return figure
