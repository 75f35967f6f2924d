"""Attribute dependency on the page of a test: a sentence, the plot and the table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from reports import columns as c
from reports import layout
from reports.folders import Results
from reports.pages.html import Section, table_of
from reports.pages.pictures import picture_of
from reports.plots.dependency import dependency_curves
from reports.plots.style import Plot, both_widths
from reports.text import listed, plain, signed

NOTE = (
    "How far the other scores move, up or down, where a property's own score moves by so much: "
    "the mean of the others, and the one that moves most, in standard deviations (Wu et al., "
    "2021). Images are compared that differ in one property alone. Noise of a score counts too."
)
"""Of the term "attribute dependency"."""

_AT = 1.0  # standard deviations at which the sentence tells


def dependency_plot(table: pd.DataFrame) -> Plot:
    """The plot in both widths."""
    return both_widths(lambda narrow: dependency_curves(table, columns=1 if narrow else 3))


def dependency_section(results: Results, figures: Mapping[str, Plot]) -> Section | None:
    """The part of the page; None where it was not measured."""
    table = results.dependency
    if table is None or layout.DEPENDENCY_FIGURE not in figures:
        return None
    picture = picture_of(
        figures[layout.DEPENDENCY_FIGURE],
        "Lines of the change of other scores against the change of each property's own score",
        "Change of the other scores against that of the property's own: the mean of the others "
        "with its 95 % interval, and dashed the one that moves most.",
    )
    folded = table_of(table, "Attribute dependency.", folded=True)
    return Section("At what cost to the rest", [dependency_text(table)], [picture], [folded])


def dependency_text(table: pd.DataFrame) -> str:
    """One sentence: what the other scores do at a change of about one deviation, by the scorer."""
    parts = []
    for name, some in table[table[c.JUDGE] == c.SCORER].groupby(c.PROPERTY, sort=False):
        near = some.loc[(some[c.CHANGE] - _AT).abs().idxmin()]
        mean, largest = signed(near[c.MEAN_DEPENDENCY]), signed(near[c.MAX_DEPENDENCY])
        parts.append(f"{plain(name)} {mean} and {largest} (at {signed(near[c.CHANGE])})")
    if not parts:
        return ""
    return (
        "Where an edit changes a property's own score by about one standard deviation, the other "
        f"scores change by so much on average, and the one that moves most: {listed(parts)}."
    )
