"""What a folder of results shows: tables, plots, pictures and one self-contained HTML page.

`layout` and `columns` name what lies in a folder, `folders` reads it, and `pages` makes its page:
the same bytes wherever the folder is. It knows no other package.
"""

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
