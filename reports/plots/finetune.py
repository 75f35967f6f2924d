"""The plots of fine-tuning runs: labels obeyed, concept reached, and the training itself.

A panel a measure, a line a run, against the batches seen. Long logs are drawn faintly as they are
and firmly as their running mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from reports import columns as c
from reports.analysis.finetune import ATTRIBUTES, RunLog
from reports.plots.curves import n_text
from reports.plots.style import (
    COLOURS,
    INK,
    MUTED,
    Plot,
    both_widths,
    figure_png,
    new_figure,
    styled,
)
from reports.text import plain, signed

LABELS, CONCEPT, TRAINING = "labels", "concept", "training"
"""Names of the figures with several panels."""

LabelMeasure = Literal["corr", "mae"]

SMOOTHED = 25
"""Rows of the log to a point of the running mean's window: none in shorter logs."""

_COLUMNS = {"corr": c.corr_column, "mae": c.mae_column}
_SIDES = {"corr": "corr-coef", "mae": "mean absolute error"}
_Dash = str | tuple[float, tuple[float, ...]]
_DASHES: tuple[_Dash, ...] = ("-", (0, (5, 1.6)), (0, (1.5, 1.3)))  # six runs each
_WANTED_HIGH = ("gender", "quality")  # of the filter's attributes
_REFERENCE = {"color": INK, "linewidth": 1.1, "linestyle": (0, (4, 3)), "zorder": 2}
_FAKE = (0, (2, 1.4))


@dataclass(frozen=True)
class _Panel:
    """What one panel shows.

    Attributes:
        title, side: above it, and along its y axis.
        columns: of the log; the first is drawn solid, a second one dotted.
        level: height of a dashed line to compare with.
        remark: small words at the right of the title.
        span: least range of the y axis.
    """

    title: str
    side: str
    columns: tuple[str, ...]
    level: float | None = None
    remark: str = ""
    span: tuple[float, float] | None = None


@styled
def label_curves(
    runs: Sequence[RunLog], directions: Mapping[str, float] | None = None, columns: int = 3
) -> Figure:
    """Corr-coef and mean absolute error of each property's label: two rows of panels.

    Args:
        runs: one without a property has no line there, and one without any no place in the legend.
        directions: property -> mean corr-coef of direction finding, a dashed line.
        columns: panels side by side; 1 for narrow screens.

    Raises:
        ValueError: no run has labels.
    """
    panels = [
        _label_panel(name, measure, directions)
        for measure in _COLUMNS
        for name in label_properties(runs)
    ]
    extra = [_level_handle("direction finding")] if directions else []
    return _figure(runs, panels, columns, extra)


@styled
def label_curve(
    runs: Sequence[RunLog],
    name: str,
    measure: LabelMeasure,
    directions: Mapping[str, float] | None = None,
) -> Figure:
    """One panel of `label_curves`, by itself."""
    panel = _label_panel(name, measure, directions)
    return _figure(runs, [panel], 1, [_level_handle("direction finding")] if panel.remark else [])


@styled
def concept_curves(
    runs: Sequence[RunLog], thresholds: Mapping[str, float], columns: int = 2
) -> Figure:
    """Mean probabilities of the filter's attributes over training.

    Args:
        runs: some of them with attributes.
        thresholds: attribute -> where an image passes, a dashed line.
        columns: panels side by side.
    """
    panels = []
    for name in [name for name in ATTRIBUTES if any(name in run.attributes for run in runs)]:
        level = thresholds.get(name)
        sign = "≥" if name in _WANTED_HIGH else "≤"
        remark = "" if level is None else f"{sign} {level:g} passes"
        panels.append(_Panel(name, "mean of samples", (name,), level, remark, (0.0, 1.0)))
    return _figure(runs, panels, columns, [_level_handle("filter's threshold")])


@styled
def training_curves(runs: Sequence[RunLog], columns: int = 2) -> Figure:
    """Losses, AUROC of real against fake, and the discriminator's mean scores of both."""
    auroc = "share of pairs told right"
    panels = [
        _Panel("discriminator's loss", "loss", (c.D_LOSS,)),
        _Panel("generator's loss", "loss", (c.G_LOSS,)),
        _Panel("AUROC, real against fake", auroc, (c.REAL_FAKE_AUROC,), 0.5, "", (0.45, 1.0)),
        _Panel("discriminator's scores", "mean score", (c.REAL_SCORES_MEAN, c.FAKE_SCORES_MEAN)),
    ]
    extra = [
        _handle("real", MUTED, "-"),
        _handle("fake", MUTED, _FAKE),
        _level_handle("chance"),
    ]
    return _figure(runs, panels, columns, extra)


def finetune_figures(
    logs: Sequence[RunLog],
    thresholds: Mapping[str, float],
    directions: Mapping[str, float] | None = None,
) -> dict[str, Plot]:
    """All plots of the runs by file name; those of single labels have no narrow version."""

    def both(draw, *given) -> Plot:
        return both_widths(lambda narrow: draw(*given, **({"columns": 1} if narrow else {})))

    figures = {}
    names = label_properties(logs)
    if names:
        figures[LABELS] = both(label_curves, logs, directions)
        for name in names:
            for measure in ("corr", "mae"):
                single = label_curve(logs, name, measure, directions)
                figures[f"{name}_{measure}"] = Plot(figure_png(single))
    if any(log.attributes for log in logs):
        figures[CONCEPT] = both(concept_curves, logs, thresholds)
    figures[TRAINING] = both(training_curves, logs)
    return figures


def label_properties(runs: Sequence[RunLog]) -> list[str]:
    """The properties that any of the runs has labels of, in their order."""
    return list(dict.fromkeys(name for run in runs for name in run.properties))


def _label_panel(
    name: str, measure: LabelMeasure, directions: Mapping[str, float] | None
) -> _Panel:
    column, side = _COLUMNS[measure](name), _SIDES[measure]
    if measure == "mae":
        return _Panel(f"{plain(name)}: error", side, (column,), span=(0.0, 1.0))
    level = (directions or {}).get(name)
    remark = "" if level is None else f"directions {signed(level)}"
    return _Panel(f"{plain(name)}: corr-coef", side, (column,), level, remark, (-0.2, 1.0))


def _figure(
    runs: Sequence[RunLog], panels: Sequence[_Panel], columns: int, extra: Sequence[Line2D]
) -> Figure:
    drawn = {column for panel in panels for column in panel.columns}
    looks = [(run, *_look(index)) for index, run in enumerate(runs)]  # the same in every plot
    shown = [line for line in looks if drawn & {*line[0].table.columns}]
    if not shown:
        raise ValueError("no run has a log of what this plot shows")
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    handles = [*(_handle(run.name, *look) for run, *look in shown), *extra]
    ncols = min(len(handles), 2 if columns == 1 else 3 * columns - 2)
    width = {1: 5.0, 2: 8.6}.get(columns, 10.8)
    figure = new_figure(width, 0.35 + 2.45 * rows + 0.2 * -(-len(handles) // ncols))
    figure.get_layout_engine().set(wspace=0.05, hspace=0.06)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _draw(axes, shown, panel)
    for side, span in {(panel.side, panel.span) for panel in panels if panel.span}:
        alike = [axes for axes, panel in zip(grid, panels, strict=False) if panel.side == side]
        _align(alike, span)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, handlelength=2.4)
    return figure


def _draw(axes: Axes, runs: Sequence[tuple[RunLog, str, _Dash]], panel: _Panel) -> None:
    if panel.level is not None:
        axes.axhline(panel.level, **_REFERENCE)
    for run, colour, dash in runs:
        for column, own in zip(panel.columns, (dash, _FAKE), strict=False):
            if column in run.table:
                _line(axes, run.table[c.STEP], run.table[column], colour, own)
    axes.set_title(panel.title)
    axes.set_title(panel.remark, loc="right", fontsize=8.5, color=MUTED, fontweight="normal")
    axes.set_xlabel("batches")
    axes.set_ylabel(panel.side)
    last = max(1, *(run.batches for run, *_ in runs))
    axes.set_xlim(-0.02 * last, 1.02 * last)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: n_text(step)))
    axes.grid(axis="y")


def _align(panels: Sequence[Axes], span: tuple[float, float]) -> None:
    """One y axis for all the panels, that shows the span and all that is drawn."""
    limits = [axes.dataLim.intervaly for axes in panels if np.isfinite(axes.dataLim.y0)]
    low = min([span[0], *(limit[0] for limit in limits)])
    high = max([span[1], *(limit[1] for limit in limits)])
    edge = 0.03 * (high - low)
    for axes in panels:
        axes.set_ylim(low - edge, high + edge)


def _line(axes: Axes, steps: pd.Series, values: pd.Series, colour: str, dash: _Dash) -> None:
    window = len(values) // SMOOTHED
    if window > 1:
        axes.plot(steps, values, color=colour, alpha=0.28, linewidth=0.8, zorder=3)
        values = values.rolling(window, center=True, min_periods=1).mean()
    alone = "o" if np.isfinite(values).sum() < 2 else None
    look = {"color": colour, "linestyle": dash, "marker": alone}
    axes.plot(steps, values, linewidth=1.9, zorder=4, **look)


def _look(index: int) -> tuple[str, _Dash]:
    return COLOURS[index % len(COLOURS)], _DASHES[index // len(COLOURS) % len(_DASHES)]


def _handle(label: str, colour: str, dash: _Dash) -> Line2D:
    return Line2D([], [], color=colour, linestyle=dash, linewidth=1.9, label=label)


def _level_handle(label: str) -> Line2D:
    return Line2D([], [], label=label, **_REFERENCE)
