"""The page of n-curves: the four plots, the reference's seven findings, and every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from reports import columns as c
from reports import layout
from reports.analysis.findings import (
    LITTLE,
    MARGIN,
    SLIGHT,
    STILL,
    Finding,
    findings_table,
    seven_findings,
)
from reports.folders import Curves
from reports.pages.html import (
    Page,
    Section,
    Table,
    build_page,
    settings_shown,
    table_of,
    versions_shown,
)
from reports.pages.pictures import picture_of
from reports.plots.curves import SUM, finding_figure, lines_of, n_curves, n_text, title_of
from reports.plots.style import Plot, both_widths
from reports.reading import curve_properties
from reports.tables import csv_text
from reports.text import capital, counted, listed

NOTES = {
    "corr-coef": "Pearson's correlation, within one case, between the strengths asked for and the "
    "scores read off the images; a point is the mean over the cases, with its 95 % bootstrap "
    "interval where the file has one.",
    "higher": "A method is clearly higher at a layer and n where the difference is beyond its "
    f"interval, the two taken as independent; without intervals, beyond {MARGIN:g}.",
    "rises, falls": "The change of the least-squares line on log n from the smallest n to the "
    f"largest, if beyond its interval; without intervals, beyond {MARGIN:g}. Hardly moving is a "
    f"change of at most {STILL:g}, a slight fall one of at most {SLIGHT:g}.",
    "the layer matters little": f"At one n, the layers' means lie within {LITTLE:g} of each other, "
    "or within the interval of their difference.",
    "holds": "At least three quarters of what was compared bear the finding out; at most one "
    "quarter: it does not hold; between: partly.",
}


def curve_files(curves: Curves) -> tuple[dict, list[str]]:
    """The report of n-curves: path within its folder -> content; and the result in a few lines."""
    table, overlay = curves.table, curves.overlay
    findings = seven_findings(table)
    others = [] if overlay is None else seven_findings(overlay)
    tried = findings_table(findings)
    if others:
        beside = findings_table(others)[[c.HOLDS, c.EVIDENCE]]
        tried = tried.join(beside.add_suffix("_overlay"))
    figures = curve_figures(table, findings, overlay)
    page = curve_page(curves, findings, others, figures)
    files: dict[str, bytes | str] = {layout.N_CURVE: csv_text(table)}
    files[layout.FINDINGS] = csv_text(tried)
    if overlay is not None:
        files[layout.OVERLAY] = csv_text(overlay)
    files |= {layout.figure_path(name): plot.wide for name, plot in figures.items()}
    return files | {layout.REPORT: build_page(page)}, curve_lines(table)


def curve_figures(
    table: pd.DataFrame, findings: Sequence[Finding], overlay: pd.DataFrame | None = None
) -> dict[str, Plot]:
    """The plots of the sum and of each property against n, and of each finding, by name."""
    plots = {
        layout.CURVE_FIGURE + what: both_widths(
            lambda narrow, what=what: n_curves(table, what, overlay, narrow)
        )
        for what in (SUM, *curve_properties(table))
    }
    for index, finding in enumerate(findings, start=1):
        if finding.holds != "not measured":
            plots[f"{layout.FINDING_FIGURE}{index}"] = both_widths(
                lambda narrow, finding=finding: finding_figure(table, finding, overlay, narrow)
            )
    return plots


def curve_lines(table: pd.DataFrame) -> list[str]:
    """What the n-curves say, in a few lines."""
    names = [f"{method} / {layer}" for method, layer in lines_of(table)]
    lines = [f"lines: {len(names)} ({', '.join(names)})", f"n: {_span(table)}"]
    for what, row in _best(table):
        where = f"{row[c.METHOD]} / {row[c.LAYER]} at {n_text(row[c.N])}"
        lines.append(f"best {title_of(what)}: {row[_column(what)]:.4f} by {where}")
    lines.append("the reference's findings:")
    return [*lines, *(f"  {finding.title}: {finding.holds}" for finding in seven_findings(table))]


def curve_page(
    curves: Curves,
    findings: Sequence[Finding],
    others: Sequence[Finding],
    figures: Mapping[str, Plot],
) -> Page:
    """The page: how many findings hold, then plots and points, then each finding.

    Args:
        curves: what the page is about.
        findings, others: as from `seven_findings`, of the curves and of the overlay; the latter
            empty without one.
        figures: as from `curve_figures`.
    """
    table, overlay, config = curves.table, curves.overlay, curves.config
    names = curve_properties(table)
    pictures = [
        picture_of(
            figures[layout.CURVE_FIGURE + what],
            f"Lines of the mean corr-coef against n: {title_of(what)}",
        )
        for what in (SUM, *names)
    ]
    words = "Mean corr-coef over the cases against the number of samples that the directions were "
    words += "found from."
    if any(c.low_column(c.mean_corr_column(name)) in table.columns for name in names):
        words += " Bars are 95 % intervals; points at one n are set a little apart."
    if overlay is not None:
        words += " Dashed: the overlay."
    tables = [_points(table, "Every point.")]
    if overlay is not None:
        tables.append(_points(overlay, "Every point of the overlay."))
    facts = {}
    for what, row in _best(table):
        by = f"{row[c.METHOD]} / {row[c.LAYER]}, {n_text(row[c.N])}"
        facts[f"best {title_of(what)}"] = f"{row[_column(what)]:.3f} ({by})"
    return Page(
        kind="vectorfind · n-curves",
        verdict=findings_verdict(findings),
        summary=_what(curves),
        facts=facts,
        sections=[
            Section("Against the number of samples", [words], pictures, tables),
            Section("The reference's findings", (), (), [_overview(findings, others)]),
            *_finding_sections(findings, others, figures),
            *_more_sections(curves),
        ],
        notes=NOTES,
        settings=settings_shown(config),
        versions=versions_shown(config),
        command=str(config.get("command", "")),
    )


def _more_sections(curves: Curves) -> list[Section]:
    sections = []
    if curves.control is not None and len(curves.control):
        words = "The same cases and strengths with random unit directions, once a line."
        table = table_of(curves.control, "Mean corr-coefs of random directions.", 3)
        sections.append(Section("What chance gives", [words], (), [table]))
    skipped = curves.config.get("skipped")
    if skipped:
        sections.append(Section("What could not be run", list(skipped)))
    return sections


def _points(table: pd.DataFrame, caption: str) -> Table:
    """All rows but their times, which vary; whole numbers without decimals, a dash for none."""
    table = table.drop(columns=c.TIME, errors="ignore")
    whole = {
        name: ["–" if pd.isna(value) else f"{value:,}" for value in table[name]]
        for name in table.columns
        if pd.api.types.is_integer_dtype(table[name])
    }
    return table_of(table.assign(**whole), caption, 4, folded=True)


def findings_verdict(findings: Sequence[Finding]) -> str:
    """One sentence on how many findings hold."""
    verdicts = {
        "holds": ("holds", "hold"),
        "partly": ("holds partly", "hold partly"),
        "does not hold": ("does not hold", "do not hold"),
        "not measured": ("was not measured", "were not measured"),
    }
    counts = {
        verdict: sum(finding.holds == verdict for finding in findings) for verdict in verdicts
    }
    if counts["not measured"] == len(findings):
        return "Mean corr-coefs against the number of samples."
    parts = [f"{n} {verdicts[verdict][n > 1]}" for verdict, n in counts.items() if n]
    return f"Of the reference's seven findings, {listed(parts)}."


def _what(curves: Curves) -> str:
    table, overlay = curves.table, curves.overlay
    source = f" in {curves.name}" if curves.name else ""
    cases = ""
    if c.CASES in table.columns and table[c.CASES].nunique() == 1:
        cases = f" of {int(table[c.CASES].max()):,} cases each"
    lines = counted(len(lines_of(table)), "line")
    text = f"{lines}{source}, {len(table)} points{cases}, n {_span(table)}."
    if overlay is not None:
        text += f" Laid over them: {counted(len(lines_of(overlay)), 'line')}, n {_span(overlay)}."
    return text


def _overview(findings: Sequence[Finding], others: Sequence[Finding]) -> Table:
    columns = ["finding", "here", *(["overlay"] if others else [])]
    rows = [
        [finding.title, finding.holds, *([others[index].holds] if others else [])]
        for index, finding in enumerate(findings)
    ]
    return Table("Tried on the means; the rules stand at the end of the page.", columns, rows)


def _finding_sections(
    findings: Sequence[Finding], others: Sequence[Finding], figures: Mapping[str, Plot]
) -> list[Section]:
    sections = []
    for index, finding in enumerate(findings, start=1):
        text = [_sentences(finding.holds, finding.summary)]
        other = others[index - 1] if others else None
        if other is not None:
            text.append(_sentences(f"in the overlay: {other.holds}", other.summary))
        figure = figures.get(f"{layout.FINDING_FIGURE}{index}")
        pictures = [picture_of(figure, finding.title)] if figure else []
        tables = [_details(finding, other)] if finding.details else []
        sections.append(Section(f"{index}. {finding.title}", text, pictures, tables))
    return sections


def _details(finding: Finding, other: Finding | None) -> Table:
    """The numbers behind a finding, beside those of the overlay."""
    beside = {} if other is None else dict(other.details)
    columns = ["", "here", *(["overlay"] if other is not None else [])]
    rows = [
        [what, text, *([beside.get(what, "–")] if other is not None else [])]
        for what, text in finding.details
    ]
    return Table("The numbers behind it.", columns, rows)


def _sentences(verdict: str, summary: str) -> str:
    return f"{capital(verdict)}. {capital(summary)}."


def _best(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """Each property, and the sum, with the row where its mean is largest."""
    columns = {what: table[_column(what)] for what in (*curve_properties(table), SUM)}
    return [
        (what, table.loc[column.idxmax()])
        for what, column in columns.items()
        if column.notna().any()
    ]


def _column(what: str) -> str:
    return c.SUM_MEAN_CORR if what == SUM else c.mean_corr_column(what)


def _span(table: pd.DataFrame) -> str:
    low, high = n_text(table[c.N].min()), n_text(table[c.N].max())
    return low if low == high else f"{low} to {high}"
