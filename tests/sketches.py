"""Figures that are small and take no time to lay out; how they look is for `tests/reports`."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pytest
from matplotlib.figure import Figure

from reports.layout import CORRS_FIGURE, SLOPES_FIGURE, STRENGTH_FIGURE, STRIP_FIGURE
from reports.plots.style import Plot

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""The smallest picture that there is."""


def sketch(figure: Figure) -> bytes:
    """The figure as a PNG of a few pixels."""
    figure.set_layout_engine(None)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=20, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def sketched() -> Iterator[None]:
    """Every figure is a sketch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.plots.style.figure_png", sketch)
        yield


@contextmanager
def undrawn() -> Iterator[None]:
    """Figures are sketches; those of a run, and its map of samples, are one point each."""
    with pytest.MonkeyPatch.context() as patch:
        undraw(patch)
        yield


def undraw(patch: pytest.MonkeyPatch) -> None:
    """As `undrawn`, until the patch is undone."""
    point = sketch(Figure(figsize=(0.1, 0.1)))
    plot = Plot(point, point)
    figures = {name: plot for name in (STRIP_FIGURE, STRENGTH_FIGURE, CORRS_FIGURE, SLOPES_FIGURE)}
    patch.setattr("reports.plots.style.figure_png", sketch)
    patch.setattr("vectorfind.runs.test.run_figures", lambda *_: figures)
    for name in ("tsne_figure", "dependency_plot"):
        patch.setattr(f"vectorfind.runs.test.{name}", lambda *_: plot)
