"""What a folder of results shows: tables, plots, pictures and one self-contained HTML page.

`layout` and `columns` name what lies in a folder, `folders` reads it, and `pages` makes its page:
the same bytes wherever the folder is. It knows no other package.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {
    "Page": "reports.pages.html",
    "build_page": "reports.pages.html",
    "case_grid": "reports.plots.images",
    "corr_histogram": "reports.plots.measurements",
    "figure_png": "reports.plots.style",
    "image_strip": "reports.plots.images",
    "slope_heatmap": "reports.plots.measurements",
    "strength_against_score": "reports.plots.measurements",
}
"""Public name -> the module that has it, imported once asked for: those that draw take seconds."""

__all__ = [
    "Page",
    "build_page",
    "case_grid",
    "corr_histogram",
    "figure_png",
    "image_strip",
    "slope_heatmap",
    "strength_against_score",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
