"""The n-curves: mean corr-coefs against the number of samples, a line a method and layer.

A method is a family of colours, a layer a shade of it and a marker, so that lines are told apart
by readers with any colour vision and in grey. A second table, such as the reference system's, lies
over the first in the same colours, thin and dashed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from reports import columns as c
from reports.analysis.findings import Finding
from reports.plots.style import new_figure, styled
from reports.text import plain

SUM = "sum"
OVERLAY = ", overlay"
"""What the legend adds to the name of a line of the second table."""

_FAMILIES = {
    "svm": ("#0d3f63", "#2f8ac4", "#86c3e8"),
    "gradient": ("#7f2c05", "#dd6b1f", "#f3b075"),
    "mixed": ("#17604a", "#35a37d", "#93d3ba"),
}
_OTHERS = (("#4b3878", "#8b6cc0", "#c0aee0"), ("#5c4a08", "#a8821a", "#d8bd6b"))
_LAYERS = ("mapping_split1", "mapping_split2", "w")
_MARKERS = ("o", "s", "^", "D", "v")
_DODGE = 0.045  # octaves between the points of two lines at one n, where they have intervals
_BLANK = Line2D([], [], linestyle="none", label=" ")  # keeps a place in a legend
_APART = 1.3  # least ratio of two n's that both have a tick

Line = tuple[str, str]
"""A method and a layer."""


@styled
def n_curves(
    table: pd.DataFrame,
    what: str,
    overlay: pd.DataFrame | None = None,
    narrow: bool = False,
) -> Figure:
    """Mean corr-coefs against n, with their intervals where the table has them.

    Args:
        table: columns method, layer, n and that of `what`; as from `reports.reading.read_curve`.
        what: "sum", or a property.
        overlay: a second table, drawn thin and dashed.
        narrow: the legend below the plot instead of beside it, for narrow screens.

    Raises:
        ValueError: the table has no such column.
    """
    closer = overlay is not None and _squeezed(table, overlay, _column(what))
    width, height = (4.9, 4.4) if narrow else (9.8, 4.6)
    height += (2.6 if closer else 0.0) + (1.9 if narrow else 0.0)
    figure = new_figure(width, height)
    panels = figure.subplots(1 + closer, sharex=True, squeeze=False)[:, 0]
    draw_curves(panels[0], table, what, overlay)
    panels[0].set_title(title_of(what))
    if closer:
        panels[0].set_xlabel("")
        draw_curves(panels[1], table, what, every_n=overlay[c.N])
        panels[1].set_title("the same, closer, without the overlay", fontweight="normal")
    own, over = legend_handles(lines_of(table), lines_of(overlay))
    if narrow:
        look = {"fontsize": 7.2, "handlelength": 2.4, "columnspacing": 1.2}
        handles = _columns(own, over)
        figure.legend(handles=handles, loc="outside lower center", ncols=1 + bool(over), **look)
    else:
        handles = [*own, _BLANK, *over] if over else own
        figure.legend(handles=handles, loc="outside right center", handlelength=3.0)
    return figure


@styled
def finding_figure(
    table: pd.DataFrame,
    finding: Finding,
    overlay: pd.DataFrame | None = None,
    narrow: bool = False,
) -> Figure:
    """The lines that a finding speaks of: a panel a property, and one of the overlay beside it.

    The two have scales of their own, since a finding compares lines within one table.

    Args:
        table: as `n_curves` takes it.
        finding: as from `reports.analysis.findings.seven_findings`.
        overlay: a second table.
        narrow: panels below each other, for narrow screens.

    Raises:
        ValueError: the table has none of these lines.
    """
    table, overlay = _about(table, finding), _about(overlay, finding)
    names = [name for name in finding.properties if _column(name) in table.columns]
    if table.empty or not names:
        methods = ", ".join(finding.methods)
        raise ValueError(
            f"the n-curve has no line of {methods} for {', '.join(finding.properties)}"
        )
    shown = [(name, False) for name in names]
    if overlay is not None:
        known = [name for name in names if _column(name) in overlay.columns and len(overlay)]
        shown += [(name, True) for name in known]
    if narrow:
        shown.sort(key=lambda item: names.index(item[0]))
    columns = 1 if narrow else len(names) if len(names) > 1 else len(shown)
    rows = -(-len(shown) // columns)
    over = overlay if len(shown) > len(names) else None
    own_handles, over_handles = legend_handles(lines_of(table), lines_of(over))
    ncols = (1 + bool(over_handles)) * (1 if narrow else len(finding.methods))
    handles = _columns(own_handles, over_handles) if narrow else own_handles + over_handles
    width = 4.9 if narrow else {1: 6.6, 2: 9.8}.get(columns, 12.0)
    figure = new_figure(width, 2.45 * rows + 0.4 + 0.17 * -(-len(handles) // ncols))
    figure.get_layout_engine().set(wspace=0.05, hspace=0.05)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    numbers = {*table[c.N], *(() if over is None else over[c.N])}
    for panel, (name, is_overlay) in zip(panels, shown, strict=False):
        if is_overlay:
            draw_curves(panel, over.iloc[:0], name, over, numbers)
        else:
            draw_curves(panel, table, name, every_n=numbers)
        panel.set_title(plain(name) + (OVERLAY if is_overlay else ""))
        panel.set_ylabel("mean corr-coef")
    for panel in panels[len(shown) :]:
        panel.set_visible(False)
    look = {"fontsize": 7.2, "handlelength": 2.4, "columnspacing": 1.2}
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, **look)
    return figure


def draw_curves(
    panel: Axes,
    table: pd.DataFrame,
    what: str,
    overlay: pd.DataFrame | None = None,
    every_n: Iterable[int] = (),
) -> None:
    """Draws the lines of one property, or of the sum, on a panel; `every_n` adds ticks."""
    column = _column(what)
    if column not in table.columns:
        raise ValueError(f"the n-curve lacks {column}; it has {', '.join(table.columns)}")
    looks = _looks([*lines_of(table), *lines_of(overlay)])
    numbers = {*table[c.N], *every_n}
    if overlay is not None and column in overlay.columns:
        numbers |= {*overlay[c.N]}
        for line in lines_of(overlay):
            rows = _rows(overlay, line)
            panel.plot(rows[c.N], rows[column], zorder=2, **_overlay_look(*looks[line]))
    lines = lines_of(table)
    low, high = c.low_column(column), c.high_column(column)
    has_intervals = {low, high} <= {*table.columns}
    for index, line in enumerate(lines):
        rows, (colour, marker) = _rows(table, line), looks[line]
        step = _DODGE * (index - (len(lines) - 1) / 2) if has_intervals else 0.0
        x = rows[c.N].to_numpy(float) * 2.0**step
        if has_intervals:
            bars = {"color": colour, "linewidth": 1.1, "alpha": 0.6, "zorder": 3}
            panel.vlines(x, rows[low], rows[high], **bars)
        panel.plot(x, rows[column], zorder=4, **_own_look(colour, marker))
    panel.set_xscale("log")
    shown = _spaced(sorted(numbers))
    panel.xaxis.set_major_locator(FixedLocator(shown))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda n, _: n_text(n)))
    panel.set_xlim(min(numbers) / 1.25, max(numbers) * 1.25)
    panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    panel.set_xlabel("samples (n)")
    sides = "sum of the mean corr-coefs" if what == SUM else f"mean corr-coef of {plain(what)}"
    panel.set_ylabel(sides)
    panel.grid(axis="y")


def lines_of(table: pd.DataFrame | None) -> list[Line]:
    """The table's methods and layers, known ones first, in a fixed order."""
    if table is None:
        return []
    lines = {*zip(table[c.METHOD], table[c.LAYER], strict=True)}
    return sorted(lines, key=lambda line: (_place(line[0], _FAMILIES), _place(line[1], _LAYERS)))


def legend_handles(own: list[Line], overlay: list[Line]) -> tuple[list[Line2D], list[Line2D]]:
    """A legend entry a line: those of the table, and those of the overlay."""
    looks = _looks([*own, *overlay])
    return (
        [Line2D([], [], label=_name(line), **_own_look(*looks[line])) for line in own],
        [
            Line2D([], [], label=_name(line) + OVERLAY, **_overlay_look(*looks[line]))
            for line in overlay
        ],
    )


def n_text(n: float) -> str:
    """A number of samples as it is written: 320, 1K, 1.5K, 160K, 1M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "K")):
        if n >= unit:
            return f"{n / unit:.4g}{letter}"
    return f"{n:g}"


def title_of(what: str) -> str:
    """The title of a plot of the sum or of a property."""
    return "sum of all properties" if what == SUM else plain(what)


def _looks(lines: Iterable[Line]) -> dict[Line, tuple[str, str]]:
    """Colour and marker of each line; the same line looks the same in every plot."""
    lines = list(dict.fromkeys(lines))
    methods = sorted({method for method, _ in lines} - _FAMILIES.keys())
    families = _FAMILIES | {
        method: _OTHERS[index % len(_OTHERS)] for index, method in enumerate(methods)
    }
    layers = [*_LAYERS, *sorted({layer for _, layer in lines} - {*_LAYERS})]
    looks = {}
    for method, layer in lines:
        place, family = layers.index(layer), families[method]
        looks[method, layer] = (family[place % len(family)], _MARKERS[place % len(_MARKERS)])
    return looks


def _own_look(colour: str, marker: str) -> dict:
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.8}
    return {"color": colour, "marker": marker, "linewidth": 2.1, "markersize": 6.6} | edge


def _overlay_look(colour: str, marker: str) -> dict:
    look = {"color": colour, "marker": marker, "linewidth": 1.1, "linestyle": (0, (4, 2.2))}
    return look | {"markersize": 4.4, "markerfacecolor": "white", "markeredgewidth": 0.9}


def _columns(left: list[Line2D], right: list[Line2D]) -> list[Line2D]:
    """Entries for a legend of two columns, which start at the same height."""
    tall = max(len(left), len(right)) if right else 0
    return left + [_BLANK] * (tall - len(left)) + right + [_BLANK] * (tall - len(right))


def _squeezed(table: pd.DataFrame, overlay: pd.DataFrame, column: str) -> bool:
    """Whether the overlay leaves less than half of the height to the table's own lines."""
    if column not in overlay.columns:
        return False
    own, both = table[column], pd.concat([table[column], overlay[column]])
    return bool(own.max() - own.min() < 0.5 * (both.max() - both.min()))


def _about(table: pd.DataFrame | None, finding: Finding) -> pd.DataFrame | None:
    """The rows of the methods and layers that the finding speaks of."""
    if table is None:
        return None
    chosen = table[c.METHOD].isin(finding.methods)
    if finding.layers:
        chosen &= table[c.LAYER].isin(finding.layers)
    return table[chosen]


def _column(what: str) -> str:
    return c.SUM_MEAN_CORR if what == SUM else c.mean_corr_column(what)


def _rows(table: pd.DataFrame, line: Line) -> pd.DataFrame:
    chosen = (table[c.METHOD] == line[0]) & (table[c.LAYER] == line[1])
    return table[chosen].sort_values(c.N)


def _spaced(numbers: list[int]) -> np.ndarray:
    """Those of the rising numbers that leave room for their ticks; the largest is always there."""
    shown: list[int] = []
    for number in reversed(numbers):
        if not shown or shown[-1] / number >= _APART:
            shown.append(number)
    return np.array(shown[::-1])


def _place(name: str, known: Iterable[str]) -> tuple[int, str]:
    order = [*known]
    return (order.index(name) if name in order else len(order), name)


def _name(line: Line) -> str:
    return f"{line[0]} / {line[1]}"
