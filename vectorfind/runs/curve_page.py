"""The report of n-curves: the four plots, the seven findings, and the page about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from reports import build_page, figure_png
from reports import columns as c
from reports.findings import LITTLE, MARGIN, SLIGHT, STILL, Finding, findings_table, seven_findings
from reports.pages.html import Page, Picture, Section, Table, table_of
from reports.plots.curves import SUM, finding_figure, lines_of, n_curves, n_text, title_of
from reports.reading import curve_properties
from reports.tables import csv_text
from vectorfind.runs.figures import Figure
from vectorfind.runs.folder import FIGURES, REPORT
from vectorfind.runs.result_page import settings_shown

CURVE = "n_curve.csv"
OVERLAY = "overlay.csv"
FINDINGS = "findings.csv"

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


def curve_files(
    table: pd.DataFrame,
    overlay: pd.DataFrame | None = None,
    config: Mapping[str, Any] | None = None,
    name: str = "",
    control: pd.DataFrame | None = None,
    skipped: Sequence[str] = (),
) -> dict[str, bytes | str]:
    """The files of a report on n-curves: path within its folder -> content.

    Args:
        table: as from `reports.reading.read_curve`.
        overlay: another, drawn over it; the findings are tried on both.
        config: settings to show.
        name: of the file or folder that the table comes from.
        control: what random directions give, as from `curve_cell.control_table`.
        skipped: what could not be run, and why.
    """
    findings = seven_findings(table)
    others = [] if overlay is None else seven_findings(overlay)
    tried = findings_table(findings)
    if others:
        beside = findings_table(others)[[c.HOLDS, c.EVIDENCE]]
        tried = tried.join(beside.add_suffix("_overlay"))
    figures = curve_figures(table, overlay)
    for index, finding in enumerate(findings, start=1):
        if finding.holds != "not measured":
            figures[f"finding_{index}"] = _finding(table, finding, overlay)
    page = _page(table, overlay, findings, others, figures, config or {}, name)
    page = replace(page, sections=[*page.sections, *_more_sections(control, skipped)])
    texts = {CURVE: csv_text(table), FINDINGS: csv_text(tried)}
    if overlay is not None:
        texts[OVERLAY] = csv_text(overlay)
    pictures = {f"{FIGURES}/{stem}.png": figure.wide for stem, figure in figures.items()}
    return {**texts, **pictures, REPORT: build_page(page)}


def _more_sections(control: pd.DataFrame | None, skipped: Sequence[str]) -> list[Section]:
    sections = []
    if control is not None and len(control):
        words = "The same cases and strengths with random unit directions, once a line."
        table = table_of(control, "Mean corr-coefs of random directions.", 3)
        sections.append(Section("What chance gives", [words], (), [table]))
    if skipped:
        sections.append(Section("What could not be run", list(skipped)))
    return sections


def curve_figures(table: pd.DataFrame, overlay: pd.DataFrame | None = None) -> dict[str, Figure]:
    """The plots of the sum and of each property against n, by file name."""
    return {
        f"n_curve_{what}": Figure(
            *(figure_png(n_curves(table, what, overlay, narrow)) for narrow in (False, True))
        )
        for what in (SUM, *curve_properties(table))
    }


def curve_lines(table: pd.DataFrame) -> list[str]:
    """What the n-curves say, in a few lines."""
    names = [f"{method} / {layer}" for method, layer in lines_of(table)]
    lines = [f"lines: {len(names)} ({', '.join(names)})", f"n: {_span(table)}"]
    for what in (*curve_properties(table), SUM):
        row = _best(table, what)
        if row is not None:
            where = f"{row[c.METHOD]} / {row[c.LAYER]} at {n_text(row[c.N])}"
            lines.append(f"best {title_of(what)}: {row[_column(what)]:.4f} by {where}")
    lines.append("the reference's findings:")
    return [*lines, *(f"  {finding.title}: {finding.holds}" for finding in seven_findings(table))]


def _page(
    table: pd.DataFrame,
    overlay: pd.DataFrame | None,
    findings: Sequence[Finding],
    others: Sequence[Finding],
    figures: Mapping[str, Figure],
    config: Mapping[str, Any],
    name: str,
) -> Page:
    names = curve_properties(table)
    pictures = [
        Picture(
            figures[f"n_curve_{what}"].wide,
            f"Lines of the mean corr-coef against n: {title_of(what)}",
            "",
            figures[f"n_curve_{what}"].narrow,
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
    for what in (*names, SUM):
        row = _best(table, what)
        if row is not None:
            by = f"{row[c.METHOD]} / {row[c.LAYER]}, {n_text(row[c.N])}"
            facts[f"best {title_of(what)}"] = f"{row[_column(what)]:.3f} ({by})"
    return Page(
        kind="vectorfind · n-curves",
        verdict=findings_verdict(findings),
        summary=_what(table, overlay, name),
        facts=facts,
        sections=[
            Section("Against the number of samples", [words], pictures, tables),
            Section("The reference's findings", (), (), [_overview(findings, others)]),
            *_finding_sections(findings, others, figures),
        ],
        notes=NOTES,
        settings=settings_shown(config),
        versions={key: str(text) for key, text in config.get("versions", {}).items()},
        command=str(config.get("command", "")),
    )


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
    counts = {
        words: sum(finding.holds == verdict for finding in findings)
        for verdict, words in (
            ("holds", "hold"),
            ("partly", "hold partly"),
            ("does not hold", "do not hold"),
            ("not measured", "were not measured"),
        )
    }
    if counts["were not measured"] == len(findings):
        return "Mean corr-coefs against the number of samples."
    parts = [f"{count} {words}" for words, count in counts.items() if count]
    return f"Of the reference's seven findings, {_listed(parts)}."


def _what(table: pd.DataFrame, overlay: pd.DataFrame | None, name: str) -> str:
    lines, source = len(lines_of(table)), f" in {name}" if name else ""
    cases = ""
    if c.CASES in table.columns and table[c.CASES].nunique() == 1:
        cases = f" of {int(table[c.CASES].max()):,} cases each"
    text = (
        f"{lines} line{'s' * (lines != 1)}{source}, {len(table)} points{cases}, n {_span(table)}."
    )
    if overlay is not None:
        text += f" Laid over them: {len(lines_of(overlay))} lines, n {_span(overlay)}."
    return text


def _overview(findings: Sequence[Finding], others: Sequence[Finding]) -> Table:
    columns = ["finding", "here", *(["overlay"] if others else [])]
    rows = [
        [finding.title, finding.holds, *([others[index].holds] if others else [])]
        for index, finding in enumerate(findings)
    ]
    return Table("Tried on the means; the rules stand at the end of the page.", columns, rows)


def _finding_sections(
    findings: Sequence[Finding], others: Sequence[Finding], figures: Mapping[str, Figure]
) -> list[Section]:
    sections = []
    for index, finding in enumerate(findings, start=1):
        text = [_sentences(finding.holds, finding.summary)]
        other = others[index - 1] if others else None
        if other is not None:
            text.append(_sentences(f"in the overlay: {other.holds}", other.summary))
        figure = figures.get(f"finding_{index}")
        pictures = [Picture(figure.wide, finding.title, "", figure.narrow)] if figure else []
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
    return f"{verdict[:1].upper()}{verdict[1:]}. {summary[:1].upper()}{summary[1:]}."


def _finding(table: pd.DataFrame, finding: Finding, overlay: pd.DataFrame | None) -> Figure:
    return Figure(
        *(figure_png(finding_figure(table, finding, overlay, narrow)) for narrow in (False, True))
    )


def _best(table: pd.DataFrame, what: str) -> pd.Series | None:
    column = table[_column(what)]
    return None if column.isna().all() else table.loc[column.idxmax()]


def _column(what: str) -> str:
    return c.SUM_MEAN_CORR if what == SUM else c.mean_corr_column(what)


def _span(table: pd.DataFrame) -> str:
    low, high = n_text(table[c.N].min()), n_text(table[c.N].max())
    return low if low == high else f"{low} to {high}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
