"""The report of a table of cases: its page, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports import build_page, corr_histogram, figure_png, slope_heatmap
from reports import columns as c
from reports.pages.html import Interval, Measure, Page, Picture, Section, Table, signed, table_of
from reports.tables import csv_text
from vectorfind.runs.figures import Figure, ends_of
from vectorfind.runs.folder import FIGURES, REPORT, flat
from vectorfind.runs.report_files import Results
from vectorfind.runs.result_summary import Summary, file_notes
from vectorfind.runs.run_page import NOTES, interval_at

_METHODS = {"svm": "SVM", "gradient": "gradient", "mixed": "mixed"}
_NOT_SETTINGS = ("kind", "versions", "command")


def result_files(results: Results, summary: Summary) -> dict[str, bytes | str]:
    """The report's files: path within its folder -> content."""
    figures = result_figures(results, summary)
    return {
        "test_statistics.csv": csv_text(summary.statistics),
        "group_statistics.csv": csv_text(summary.groups),
        **{f"{FIGURES}/{name}.png": figure.wide for name, figure in figures.items()},
        REPORT: build_page(result_page(results, summary, figures)),
    }


def result_figures(results: Results, summary: Summary) -> dict[str, Figure]:
    """The plots that the tables alone can make, by file name."""
    names, thresholds = summary.properties, summary.thresholds

    def corr_coefs(columns: int) -> bytes:
        return figure_png(corr_histogram(summary.corrs, names, thresholds, columns=columns))

    figures = {"corr_coefs": Figure(corr_coefs(3), corr_coefs(1))}
    if results.slopes is not None:
        strengths, scores, effects = slope_arrays(results.slopes)

        def slopes(narrow: bool) -> bytes:
            return figure_png(slope_heatmap(effects[0], strengths, scores, *effects[1:], narrow))

        figures["slopes"] = Figure(slopes(False), slopes(True))
    return figures


def slope_arrays(table: pd.DataFrame) -> tuple[list[str], list[str], list[np.ndarray]]:
    """Strengths (P), scores (Q; the strengths' own first), and mean, low and high, each (P, Q)."""
    strengths = [*dict.fromkeys(table[c.STRENGTH])]
    scores = [*dict.fromkeys([*strengths, *table[c.SCORE]])]
    scores = [name for name in scores if name in {*table[c.SCORE]}]
    cells = table.drop_duplicates([c.STRENGTH, c.SCORE]).set_index([c.STRENGTH, c.SCORE])
    grid = pd.MultiIndex.from_product([strengths, scores])
    cells = cells.reindex(grid)
    shape = (len(strengths), len(scores))
    arrays = [cells[name].to_numpy(np.float64).reshape(shape) for name in (c.SLOPE, c.LOW, c.HIGH)]
    return strengths, scores, arrays


def result_page(results: Results, summary: Summary, figures: Mapping[str, Figure]) -> Page:
    """The page: verdict and headline figures, then plots and tables, then settings."""
    row, cases = summary.statistics.iloc[0], len(summary.passed)
    low, high = (100 * row[f"{c.PASSED_RATIO}_{end}"] for end in (c.LOW, c.HIGH))
    passed = int(summary.passed.sum())
    share = f"{100 * passed / cases:.1f}\u00a0%"
    facts = {
        "cases passed": f"{passed:,} of {cases:,} ({share})",
        "95 % interval of the share": f"{low:.1f} to {high:.1f}\u00a0%",
        "mean sum of |corr|": _four(float(summary.sum_abs_correlation.mean)),
        "undefined cases": f"{int(row[c.UNDEFINED]):,}",
    }
    terms = ["corr-coef", "passed"]
    terms += ["random directions", "clear of chance"] if results.control is not None else []
    terms += ["slope and leak"] if results.slopes is not None else []
    notes = {term: NOTES[term] for term in terms}
    return Page(
        kind="vectorfind · report from files",
        verdict=_verdict(summary, passed, cases),
        summary=_what(results, summary),
        measures=_headline(results, summary),
        facts=facts,
        sections=_sections(results, summary, figures),
        notes=notes,
        settings=settings_shown(results.config),
        versions={name: str(text) for name, text in results.config.get("versions", {}).items()},
        command=str(results.config.get("command", "")),
    )


def settings_shown(config: Mapping[str, Any]) -> dict[str, str]:
    """A run's settings as the page shows them."""
    kept = {name: value for name, value in config.items() if name not in _NOT_SETTINGS}
    shown = {}
    for name, value in flat(kept).items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        shown[name.replace("_", " ").replace(".", ": ")] = "–" if value in (None, []) else text
    return shown


def _verdict(summary: Summary, passed: int, cases: int) -> str:
    """One sentence: how many pass, and how far the properties follow their numbers."""
    means = summary.abs_correlation.mean
    texts = [
        f"{_plain(name)} {signed(mean)}"
        for name, mean in zip(summary.properties, means, strict=True)
    ]
    return f"{passed:,} of {cases:,} cases pass; mean |corr|: {', '.join(texts)}."


def _what(results: Results, summary: Summary) -> str:
    """Where the figures come from, in a sentence or two."""
    find = results.config.get("find") or {}
    least = ", ".join(f"{_plain(name)} {value:g}" for name, value in summary.thresholds.items())
    found = ""
    if {c.METHOD, c.LAYER, c.N} <= find.keys():
        method = _METHODS.get(find[c.METHOD], find[c.METHOD])
        found = f"Directions by {method} at {find[c.LAYER]} from {find[c.N]:,} samples. "
    return (
        f"{found}Statistics made anew from {len(summary.passed):,} cases in {results.name}; a case "
        f"passes where |corr-coef| reaches {least}."
    )


def _headline(results: Results, summary: Summary) -> list[Measure]:
    """Each property's mean signed corr-coef, beside that of random directions where it is known."""
    measures = []
    for index, name in enumerate(summary.properties):
        value = interval_at(summary.correlation, index)
        chance = _control_of(results.control, c.corr_column(name))
        if name in summary.reversed:
            words, good = ("below zero, unsigned", value[2] < 0)
            words = words if good else "not clear of zero"
        else:
            good = bool(value[1] > (chance[2] if chance else 0.0))
            words = "clear of chance" if chance else "above zero"
            words = words if good else f"not {words}"
        least = summary.thresholds[name] * (-1 if name in summary.reversed else 1)
        measures.append(Measure(_plain(name), value, chance, least, words, bool(good)))
    return measures


def _control_of(control: pd.DataFrame | None, measure: str) -> Interval | None:
    if control is None:
        return None
    rows = control[(control[c.DIRECTIONS] == c.RANDOM) & (control[c.MEASURE] == measure)]
    return tuple(float(rows.iloc[0][key]) for key in (c.MEAN, c.LOW, c.HIGH)) if len(rows) else None


def _sections(results: Results, summary: Summary, figures: Mapping[str, Figure]) -> list[Section]:
    names = ", ".join(_plain(name) for name in summary.properties)
    sections = []
    notes = file_notes(summary)
    if notes:
        sections.append(
            Section("What to know of this file", [f"{_capital(note)}." for note in notes])
        )
    sections += _images(results)
    corrs = Picture(
        figures["corr_coefs"].wide,
        f"Histograms of corr-coefs for {names}",
        "Each case's corr-coefs; shaded is where a case passes for that property.",
        figures["corr_coefs"].narrow,
    )
    tables = [_means(results, summary)]
    if results.curve is not None:
        tables.append(_fits(results.curve))
    sections.append(Section("How reliably", (), [corrs], tables))
    if len(summary.groups) > 1:
        sections.append(Section("By group", (), (), [_groups(summary)]))
    if results.slopes is not None:
        slopes = Picture(
            figures["slopes"].wide,
            "Heat map of the effect of each strength on each score",
            "Mean slope with its 95 % interval. Outlined: the effect wanted. Elsewhere: leaks.",
            figures["slopes"].narrow,
        )
        leaks = table_of(results.slopes, "Slopes and leaks.", folded=True)
        sections.append(Section("What else moves", (), [slopes], [leaks]))
    cases = table_of(results.table, "Every case.", folded=True)
    return [*sections, Section("The cases", (), (), [cases])]


def _images(results: Results) -> list[Section]:
    """The pictures that only the run itself could make, as its folder holds them."""
    found = results.pictures
    strips = []
    for name in [name for name in found if name.startswith("strip_")]:
        stem = name.removeprefix("strip_")
        low, high = ends_of(stem)
        caption = f"From {low} to {high} as the number rises."
        alt = f"Strip of images: {_plain(stem)} from {low} to {high}"
        strips.append(Picture(found[name], alt, caption))
    sections = []
    if strips:
        words = "Each row is one case; along it only one number changes. Pictures of the run."
        sections.append(Section("What the numbers do", [words], strips, beside=True))
    if "grid" in found:
        grid = Picture(found["grid"], "All combinations of the strengths for one case")
        sections.append(Section("Every combination", ["All edits of one case."], [grid]))
    if "strength" in found:
        caption = "Change of each score with its own strength; mean and middle 80 % of the cases."
        strength = Picture(found["strength"], "Lines of score against strength", caption)
        sections.append(Section("From number to score", (), [strength]))
    return sections


def _means(results: Results, summary: Summary) -> Table:
    """One row a measure: found, and random where there is a control."""
    estimates: list[tuple[str, Interval]] = []
    for index, name in enumerate(summary.properties):
        estimates.append((c.corr_column(name), interval_at(summary.correlation, index)))
        estimates.append((c.abs_corr_column(name), interval_at(summary.abs_correlation, index)))
    estimates.append((c.SUM_ABS_CORR, interval_at(summary.sum_abs_correlation)))
    slopes = results.control
    if slopes is not None:
        own = slopes[(slopes[c.DIRECTIONS] == c.FOUND) & slopes[c.MEASURE].str.endswith("_slope")]
        for row in own.to_dict("records"):
            estimates.append((row[c.MEASURE], (row[c.MEAN], row[c.LOW], row[c.HIGH])))
    columns = ["measure", "mean over cases", "95 % interval"]
    rows = [[measure, *_cells(value)] for measure, value in estimates]
    chances = [_control_of(results.control, measure) for measure, _ in estimates]
    if any(chances):
        columns += ["random", "95 % interval"]
        rows = [
            [*row, *(_cells(chance) if chance else ["–", "–"])]
            for row, chance in zip(rows, chances, strict=True)
        ]
    return Table("Means over cases with bootstrap intervals.", columns, rows)


def _groups(summary: Summary) -> Table:
    """One row a group of images."""
    names = summary.properties
    rows = []
    for row in summary.groups.to_dict("records"):
        share, low, high = (
            100 * row[c.PASSED_RATIO + end] for end in ("", f"_{c.LOW}", f"_{c.HIGH}")
        )
        means = [_four(row[c.corr_mean_column(name)]) for name in names]
        cells = [
            f"{row[c.CASES]:,}",
            str(row[c.PASSED]),
            f"{share:.1f} %",
            f"{low:.1f} to {high:.1f} %",
        ]
        rows.append([str(row[c.GROUP_NAME]), *cells, *means, _four(row[c.SUM_ABS_CORR_MEAN])])
    columns = [
        "group",
        "cases",
        "passed",
        "share",
        "95 % interval",
        *map(_plain, names),
        "sum |corr|",
    ]
    return Table("Cases passed and mean corr-coefs by group of images.", columns, rows)


def _fits(curve: pd.DataFrame) -> Table:
    """Accuracy or error of each property's fit, from the run's row of an n-curve."""
    row = curve.iloc[0]
    kept = [name for name in curve.columns if name.startswith(("svm_", "nn_"))]
    rows = [[name, f"{row[name]:.3f}"] for name in kept]
    caption = "The fits on samples held out from them: a figure for what was learnt, not for edits."
    return Table(caption, ["fit", "value"], rows)


def _cells(value: Sequence[float]) -> list[str]:
    mean, low, high = value
    return [_four(mean), f"{_four(low)} to {_four(high)}"]


def _four(value: float) -> str:
    return f"{value:.4f}".replace("-", "−") if np.isfinite(value) else "–"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(name: str) -> str:
    return name.replace("_", " ")
