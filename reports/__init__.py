"""Tables, plots, pictures and one self-contained HTML page of a run; knows no other package."""

from __future__ import annotations

from reports.pages.html import Page, build_page
from reports.plots.images import case_grid, image_strip
from reports.plots.measurements import corr_histogram, slope_heatmap, strength_against_score
from reports.plots.style import figure_png

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
