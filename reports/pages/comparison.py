"""The page of a paired comparison: made from the folder that it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from reports import columns as c
from reports import layout
from reports.analysis.comparison import COLUMNS, COLUMNS_OF_MANY, main_rows
from reports.folders import ReadingError, read_config, read_figures, read_file
from reports.pages.html import Page, Section, Table, build_page, versions_shown
from reports.pages.pictures import picture_of
from reports.plots.dependency import dependency_curves
from reports.plots.paired import paired_differences
from reports.plots.style import Plot, both_widths
from reports.tables import read_table
from reports.text import percent, signed, span

NOTES = {
    "difference": "The mean over cases of B less A within a case, with a 95 % bootstrap interval. "
    "A case undefined in either run is left out, and counted.",
    "B higher": "The share of cases in which B is higher than A.",
    "passed": "The share of cases that pass, with Wilson's interval; p is McNemar's exact test on "
    "the cases that pass in one run only.",
    "clear": "The interval of the difference leaves out 0.",
}


NOTES_OF_MANY = {
    "leak at equal change": "Of each property the mean over the other scores of |slope on it| / "
    "|slope on its own score|, averaged over properties: how far the others move for one standard "
    "deviation of the property, whatever the length of the directions. Units are the standard "
    "deviations over the unedited cases, the same for all runs.",
    "identity": "The mean cosine of a judge's embeddings of edited and unedited faces; 1 is the "
    "same face. It falls with the length of the edits, too.",
    "less the first": "The difference to the first run on the same cases, with the 95 % bootstrap "
    "interval of that difference; it is clear where that leaves out 0.",
}

_TITLES = {
    c.PASSED: "passed",
    c.SUM_ABS_CORR: "sum of |corr|",
    c.LEAK: "leak at equal change",
    c.IDENTITY: "identity",
}


def comparison_figure(table: pd.DataFrame, names: tuple[str, str]) -> Plot:
    """The plot of the differences; the share of passed cases has a scale of its own."""
    shown = main_rows(table).iloc[:-1]
    return both_widths(lambda narrow: paired_differences(shown, names, narrow))


def comparison_files(folder: Path) -> tuple[dict, list[str]]:
    """The page of a comparison's folder: path -> content; and the comparison in a few lines.

    Raises:
        ReadingError: a file is missing or damaged.
    """
    config = read_config(folder)
    names = config.get("names")
    if isinstance(names, list) and len(names) > 2:
        return _files_of_many(folder, [str(name) for name in names], config)
    if not (isinstance(names, list) and len(names) == 2):
        raise ReadingError(f"{folder / layout.CONFIG} does not name two runs; compare them again")
    path = folder / layout.COMPARISON
    table = read_file(path, lambda text: read_table(text, COLUMNS))
    p_value = config.get(c.P_VALUE)  # the table's is rounded
    if isinstance(p_value, float):
        table.loc[table.index[-1], c.P_VALUE] = p_value
    names = (str(names[0]), str(names[1]))
    plot = read_figures(folder).get(layout.DIFFERENCES_FIGURE) or comparison_figure(table, names)
    page = comparison_page(table, names, plot, config)
    return {layout.REPORT: build_page(page)}, comparison_lines(table)


def comparison_lines(table: pd.DataFrame) -> list[str]:
    """The comparison as a short table of text."""
    lines = [f"{'':<15} {'A':>8} {'B':>8} {'B - A':>8}  95 % interval of it  B higher"]
    for row in main_rows(table).to_dict("records"):
        interval = f"[{row[c.LOW]:+.4f}, {row[c.HIGH]:+.4f}]"
        lines.append(
            f"{row[c.MEASURE]:<15} {row[c.MEAN_A]:>8.4f} {row[c.MEAN_B]:>8.4f} "
            f"{row[c.DIFFERENCE]:>+8.4f}  {interval:<19} {100 * row[c.B_HIGHER]:7.1f} %"
        )
    passed = table.iloc[-1]
    lines.append(f"cases: {passed[c.CASES]}, undefined in either: {table[c.LEFT_OUT].max()}")
    return [*lines, f"passed, McNemar's exact test: p = {passed[c.P_VALUE]:.3g}"]


def comparison_page(
    table: pd.DataFrame, names: tuple[str, str], plot: Plot, config: Mapping[str, Any]
) -> Page:
    """The page: which run is ahead, the differences, how to read them.

    Args:
        table: as from `reports.analysis.comparison.compare_results`.
        names: of the runs A and B.
        plot: as from `comparison_figure`.
        config: of the comparison's folder.
    """
    passed = table.iloc[-1]
    picture = picture_of(
        plot,
        "Mean paired differences with their intervals",
        "Mean paired difference of each measure with its 95 % interval; grey where the interval "
        "holds 0.",
    )
    return Page(
        kind="vectorfind · paired comparison",
        verdict=comparison_verdict(table, names),
        summary=f"A is {names[0]}, B is {names[1]}: {passed[c.CASES]:,} cases, the same in both.",
        facts={
            "A passes": percent(passed[c.MEAN_A]),
            "B passes": percent(passed[c.MEAN_B]),
            "McNemar's exact p": f"{passed[c.P_VALUE]:.3g}",
            "undefined in either": f"{table[c.LEFT_OUT].max():,}",
        },
        sections=[Section("B less A", (), [picture], [_table(table)])],
        notes=NOTES,
        versions=versions_shown(config),
    )


def comparison_verdict(table: pd.DataFrame, names: tuple[str, str] = ("A", "B")) -> str:
    """One sentence on the sum of |corr|."""
    row = table[table[c.MEASURE] == c.SUM_ABS_CORR].iloc[0]
    if row[c.LOW] > 0 or row[c.HIGH] < 0:
        ahead, behind = names[::-1] if row[c.LOW] > 0 else names
        low, high = sorted(abs(row[end]) for end in (c.LOW, c.HIGH))
        sentence = f"the sum of |corr| is higher by {low:.3f} to {high:.3f}"
        return f"{ahead} is ahead of {behind}: {sentence}."
    ends = " to ".join(signed(row[end], 3, plus=True) for end in (c.LOW, c.HIGH))
    return f"Neither is clearly ahead: the sum of |corr| differs by {ends}."


def _table(table: pd.DataFrame) -> Table:
    rows = []
    for row in table.to_dict("records"):
        means = [signed(row[key], 4) for key in (c.MEAN_A, c.MEAN_B, c.DIFFERENCE)]
        interval = span(row[c.LOW], row[c.HIGH], decimals=4)
        counts = [f"{row[c.CASES]:,}", f"{row[c.LEFT_OUT]:,}"]
        rows.append([row[c.MEASURE], *means, interval, percent(row[c.B_HIGHER]), *counts])
    columns = ["measure", "A", "B", "B − A", "95 % interval", "B higher", "cases", "left out"]
    return Table("Means over the cases that are defined in both.", columns, rows)


def dependency_figure(table: pd.DataFrame) -> Plot:
    """The plot of several runs: what else moves at an equal change, a line a run."""
    return both_widths(
        lambda narrow: dependency_curves(table, c.RUN, 1 if narrow else 3, largest=False)
    )


def many_lines(table: pd.DataFrame) -> list[str]:
    """Several runs as a short table of text: a line a run and judge."""
    lines = []
    for (run, judge), rows in table.groupby([c.RUN, c.JUDGE], sort=False):
        parts = []
        for row in rows.to_dict("records"):
            text = f"{_TITLES[row[c.MEASURE]]} {row[c.MEAN]:.3f} [{row[c.LOW]:.3f}, "
            text += f"{row[c.HIGH]:.3f}]"
            if pd.notna(row[c.DIFFERENCE]):
                ends = (row[end(c.DIFFERENCE)] for end in (c.low_column, c.high_column))
                text += f", {row[c.DIFFERENCE]:+.3f} [{', '.join(f'{end:+.3f}' for end in ends)}]"
            parts.append(text)
        lines.append(f"{run} by {judge}: {'; '.join(parts)}")
    return lines


def _files_of_many(
    folder: Path, names: Sequence[str], config: Mapping[str, Any]
) -> tuple[dict, list[str]]:
    """The page of a comparison of more than two runs."""
    table = read_file(folder / layout.COMPARISON, lambda text: read_table(text, COLUMNS_OF_MANY))
    unknown = {*table[c.MEASURE]} - {*_TITLES}
    if unknown:
        raise ReadingError(f"{folder / layout.COMPARISON} holds unknown measures; compare again")
    plot = read_figures(folder).get(layout.DEPENDENCY_FIGURE)
    pictures = []
    if plot is not None:
        caption = "Mean change of the other scores against the change of the property's own, by "
        caption += "the scorer, in standard deviations, with 95 % intervals."
        pictures = [
            picture_of(plot, "Change of other scores at equal change, a line a run", caption)
        ]
    page = Page(
        kind="vectorfind · comparison of runs",
        verdict=_verdict_of_many(table, names),
        summary=f"{len(names)} runs on the same {int(table[c.CASES].max()):,} cases; differences "
        f"are to {names[0]}.",
        sections=[
            Section("What each reaches", (), (), [_wide_table(table), _differences(table)]),
            *([Section("At what cost to the rest", (), pictures)] if pictures else []),
        ],
        notes=NOTES_OF_MANY,
        versions=versions_shown(config),
    )
    return {layout.REPORT: build_page(page)}, many_lines(table)


def _verdict_of_many(table: pd.DataFrame, names: Sequence[str]) -> str:
    """One sentence: whose leak is least, and whose sum of |corr| largest, by the scorer."""
    own = table[table[c.JUDGE] == c.SCORER]
    parts = []
    for measure, best, words in (
        (c.SUM_ABS_CORR, "idxmax", "the largest sum of |corr|"),
        (c.LEAK, "idxmin", "the least leak at equal change"),
    ):
        rows = own[(own[c.MEASURE] == measure) & own[c.MEAN].notna()]
        if len(rows):
            row = rows.loc[getattr(rows[c.MEAN], best)()]
            parts.append(f"{row[c.RUN]} has {words}, {signed(row[c.MEAN])}")
    return f"Of {len(names)} runs, {' and '.join(parts)}." if parts else f"{len(names)} runs."


def _wide_table(table: pd.DataFrame) -> Table:
    """A row a run and judge, a column a measure."""
    measures = list(dict.fromkeys(table[c.MEASURE]))
    rows = []
    for (run, judge), some in table.groupby([c.RUN, c.JUDGE], sort=False):
        figures = {row[c.MEASURE]: row for row in some.to_dict("records")}
        cells = [_figure(figures.get(each), c.MEAN, (c.LOW, c.HIGH)) for each in measures]
        rows.append([run, judge, *cells])
    columns = ["run", "by", *(_TITLES[each] for each in measures)]
    return Table("Figures of each run with their 95 % intervals.", columns, rows)


def _differences(table: pd.DataFrame) -> Table:
    """A row a run but the first and judge, a column a measure: less the first run's."""
    ends = (c.low_column(c.DIFFERENCE), c.high_column(c.DIFFERENCE))
    measures = list(dict.fromkeys(table[c.MEASURE]))
    rows = []
    for (run, judge), some in table.groupby([c.RUN, c.JUDGE], sort=False):
        figures = {row[c.MEASURE]: row for row in some.to_dict("records")}
        cells = [_figure(figures.get(each), c.DIFFERENCE, ends) for each in measures]
        if any(cell != "–" for cell in cells):
            rows.append([run, judge, *cells])
    columns = ["run", "by", *(_TITLES[each] for each in measures)]
    return Table("Less the first run on the same cases.", columns, rows)


def _figure(row: Mapping[str, Any] | None, mean: str, ends: tuple[str, str]) -> str:
    if row is None or pd.isna(row[mean]):
        return "–"
    return f"{signed(row[mean], 3)} ({span(row[ends[0]], row[ends[1]], decimals=3)})"
