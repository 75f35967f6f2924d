"""The plots of a run: strength against score, corr-coefs, slopes and leaks.

Each takes arrays and returns a matplotlib `Figure`; `reports.plots.style.figure_png` makes bytes of
it. `columns` says how many panels stand side by side: three on paper, one on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reports.plots.style import COLOURS, CONTROL_COLOUR, HAIRLINE, INK, MUTED, new_figure, styled
from reports.text import signed

_DIVERGING = LinearSegmentedColormap.from_list(
    "clay_blue", ["#a8430f", "#dd9467", "#f6f6f4", "#74abce", "#155a87"]
)
_BINS = np.linspace(-1.0, 1.0, 41)


def marginal_curves(strengths: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each case's mean score at each strength of one property, over all other strengths.

    Args:
        strengths: (S,) the property's strength in each of a case's images.
        scores: (C, S) the scores read off them; NaN where an image could not be read.

    Returns:
        The distinct strengths, rising (L,), and the curves (C', L), each less its own mean.
        A case that has no readable image at some strength is left out.
    """
    levels = np.unique(strengths)
    curves = []
    for case in scores:
        at_levels = [case[strengths == level] for level in levels]
        if all(np.isfinite(values).any() for values in at_levels):
            curve = np.array([np.nanmean(values) for values in at_levels])
            curves.append(curve - curve.mean())
    return levels, np.array(curves).reshape(-1, len(levels))


@styled
def strength_against_score(
    strengths: np.ndarray,
    scores: np.ndarray,
    properties: Sequence[str],
    control_scores: np.ndarray | None = None,
    columns: int = 3,
) -> Figure:
    """How far each property's own score follows its strength, and how that varies over cases.

    Args:
        strengths: (S, P) the grid of strengths of a case.
        scores: (C, S, P) scores of the same properties in population standard deviations.
        properties: their P names.
        control_scores: (C', S, P) the same for random directions, drawn as a grey band.
        columns: panels side by side.
    """
    figure, panels = _panels(len(properties), columns, share_y=True)
    for index, (panel, name) in enumerate(zip(panels, properties, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        levels, curves = marginal_curves(strengths[:, index], scores[:, :, index])
        if control_scores is not None:
            _band(panel, *marginal_curves(strengths[:, index], control_scores[:, :, index]))
        panel.plot(levels, levels - levels.mean(), color=INK, linewidth=1, linestyle=(0, (4, 3)))
        _band(panel, levels, curves, colour)
        if len(curves):
            panel.plot(levels, curves.mean(axis=0), color=colour, linewidth=2.2, marker="o")
        panel.set_title(name)
        panel.set_xlabel(f"strength of {name}")
        panel.set_xticks(levels)
        panel.grid(axis="y")
    for panel in panels[::columns]:
        panel.set_ylabel("change of the score (std)")
    handles = [
        Line2D([], [], color=MUTED, linewidth=2.2, marker="o", label="mean of the cases"),
        Patch(color=MUTED, alpha=0.28, linewidth=0, label="10–90 % of the cases"),
        Line2D([], [], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="1 std a unit"),
    ]
    if control_scores is not None:
        grey = Patch(facecolor=HAIRLINE, edgecolor=CONTROL_COLOUR, label="random, 10–90 %")
        handles.insert(2, grey)
    _legend(figure, handles, columns)
    return figure


@styled
def corr_histogram(
    corrs: np.ndarray,
    properties: Sequence[str],
    thresholds: Mapping[str, float],
    control_corrs: np.ndarray | None = None,
    columns: int = 3,
) -> Figure:
    """Where the cases' corr-coefs lie, against the pass threshold and against chance.

    Args:
        corrs: (C, P) signed corr-coefs in [-1, 1]; NaN where undefined, which is not drawn.
        properties: their P names.
        thresholds: the least |corr| to pass, by property; a property without one is unmarked.
        control_corrs: (C', P) corr-coefs of random directions.
        columns: panels side by side.
    """
    figure, panels = _panels(len(properties), columns, share_y=True)
    for index, (panel, name) in enumerate(zip(panels, properties, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        if name in thresholds:
            for low in (thresholds[name], -1.0):
                panel.axvspan(low, low + 1 - thresholds[name], color=colour, alpha=0.12, lw=0)
            panel.axvline(thresholds[name], color=INK, linewidth=1, linestyle=(0, (4, 3)))
        if control_corrs is not None:
            _shares(panel, control_corrs[:, index], color=CONTROL_COLOUR, alpha=0.5)
            _shares(panel, control_corrs[:, index], color=CONTROL_COLOUR, histtype="step", lw=1)
        _shares(panel, corrs[:, index], color=colour, alpha=0.8)
        least = f"|corr| ≥ {thresholds[name]:g} passes" if name in thresholds else ""
        panel.set_title(name)
        panel.set_title(least, loc="right", fontsize=8.5, color=MUTED, fontweight="normal")
        panel.set_xlabel("corr-coef of strength and score")
        panel.set_xlim(-1.02, 1.02)
        panel.set_xticks([-1, -0.5, 0, 0.5, 1])
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panel.yaxis.set_major_locator(MaxNLocator(5))
        panel.grid(axis="y")
    for panel in panels[::columns]:
        panel.set_ylabel("share of the cases")
    handles = [
        Patch(color=MUTED, alpha=0.9, label="directions found"),
        Line2D([], [], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="pass threshold"),
    ]
    if control_corrs is not None:
        grey = Patch(facecolor="#c6cad0", edgecolor=CONTROL_COLOUR, label="random directions")
        handles.insert(1, grey)
    _legend(figure, handles, columns)
    return figure


@styled
def slope_heatmap(
    slopes: np.ndarray,
    properties: Sequence[str],
    scores: Sequence[str],
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
    transpose: bool = False,
) -> Figure:
    """What one unit of each strength does to every score: own effects outlined, the rest leaks.

    Args:
        slopes: (P, Q) mean effects in population standard deviations a unit of strength.
        properties: the P properties whose strength is turned.
        scores: the Q scores that are read.
        low, high: (P, Q) ends of the intervals, printed small under the means.
        transpose: scores down the side, for narrow screens.
    """
    rows, columns = (scores, properties) if transpose else (properties, scores)
    orient = (lambda grid: np.asarray(grid).T) if transpose else np.asarray
    values = orient(slopes)
    width = 1.9 + (1.05 if transpose else 0.93) * len(columns)
    figure = new_figure(width, 0.95 + (0.52 if transpose else 0.66) * len(rows))
    panel = figure.add_subplot()
    finite = np.abs(values[np.isfinite(values)])
    limit = max(float(finite.max()) if finite.size else 0.0, 0.1)
    mesh = panel.imshow(values, cmap=_DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.66 * limit else INK
        centred = {"ha": "center", "va": "center", "color": colour}
        own = rows[row] == columns[column]
        weight = "bold" if own else "normal"
        above = 0.1 if low is not None else 0.0
        panel.text(
            column, row - above, signed(value, plus=True), fontsize=10.5, weight=weight, **centred
        )
        if low is not None and high is not None:
            ends = (orient(low)[row, column], orient(high)[row, column])
            interval = f"{signed(ends[0], plus=True)} to {signed(ends[1], plus=True)}"
            size = 7 if transpose else 6.2
            panel.text(column, row + 0.24, interval, fontsize=size, **centred)
        if own:
            corner = (column - 0.47, row - 0.47)
            panel.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor=INK, lw=1.6))
    panel.set_xticks(range(len(columns)), [name.replace("_", "\n") for name in columns])
    panel.set_yticks(range(len(rows)), [name.replace("_", "\n") for name in rows])
    panel.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
    panel.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    panel.grid(which="minor", color="white", linewidth=2)
    panel.tick_params(which="both", length=0)
    panel.tick_params(axis="both", labelcolor=INK)
    panel.spines[:].set_visible(False)
    sides = ("strength of", "effect on the score of")
    panel.set_xlabel(sides[0] if transpose else sides[1])
    panel.set_ylabel(sides[1] if transpose else sides[0])
    bar = figure.colorbar(mesh, ax=panel, fraction=0.04, pad=0.02, aspect=14)
    bar.outline.set_visible(False)
    bar.set_label("std a unit", color=MUTED)
    return figure


def _panels(count: int, columns: int, share_y: bool) -> tuple[Figure, list[Axes]]:
    columns = min(columns, count)
    rows = -(-count // columns)
    width = 9.6 if columns > 1 else 4.6
    figure = new_figure(width, 0.5 + 2.65 * rows)
    figure.get_layout_engine().set(wspace=0.06)
    grid = figure.subplots(rows, columns, sharey=share_y, squeeze=False)
    for empty in grid.flat[count:]:
        empty.set_visible(False)
    return figure, list(grid.flat[:count])


def _band(panel: Axes, levels: np.ndarray, curves: np.ndarray, colour: str | None = None) -> None:
    if not len(curves):
        return
    low, high = np.percentile(curves, [10, 90], axis=0)
    if colour is None:
        panel.fill_between(levels, low, high, facecolor=HAIRLINE, edgecolor=CONTROL_COLOUR, lw=0.8)
    else:
        panel.fill_between(levels, low, high, color=colour, alpha=0.28, linewidth=0)


def _shares(panel: Axes, corrs: np.ndarray, **look) -> None:
    defined = corrs[np.isfinite(corrs)]
    if defined.size:
        panel.hist(defined, bins=_BINS, weights=np.full(defined.size, 1 / len(corrs)), **look)


def _legend(figure: Figure, handles: list, columns: int) -> None:
    ncols = len(handles) if columns > 1 else 2
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, handlelength=1.8)
