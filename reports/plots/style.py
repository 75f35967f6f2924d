"""The look that all figures share, and their way to PNG bytes that never vary.

Figures are made without pyplot, so nothing here touches a program's own plots or settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from typing import ParamSpec, TypeVar

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

INK = "#22272e"
MUTED = "#66707b"
HAIRLINE = "#e3e6ea"
CONTROL_COLOUR = "#8d95a0"
COLOURS = ("#1f6f9f", "#c2571a", "#23876a", "#7d63ab", "#a8821a", "#a8456b")
"""One colour a property, in order; told apart by readers with any colour vision."""

DPI = 150
_SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs everywhere
    "font.size": 9.5,
    "text.parse_math": False,  # a $ in a name from a file is a $
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.edgecolor": "#b8bfc7",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def styled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Runs the function under this module's settings, whatever the user's matplotlibrc says."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with matplotlib.style.context(["default", _SETTINGS]):
            return function(*args, **kwargs)

    return call


@styled
def new_figure(width: float, height: float, layout: str | None = "constrained") -> Figure:
    """An empty figure of that many inches, drawn by Agg."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


@styled
def figure_png(figure: Figure) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes (no date, no software name)."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


@dataclass(frozen=True)
class Plot:
    """A figure as PNG in its wide version, and in one for narrow screens where it has one."""

    wide: bytes
    narrow: bytes | None = None


def both_widths(draw: Callable[[bool], Figure]) -> Plot:
    """A figure in both versions, from what draws it when told whether for a narrow screen."""
    return Plot(figure_png(draw(False)), figure_png(draw(True)))
