"""The page of a test: made from its run's folder, or from a bare table of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports import columns as c
from reports import layout
from reports.analysis.summary import Summary, file_notes, least_text, summarise
from reports.folders import Results
from reports.pages.dependency import NOTE as DEPENDENCY_NOTE
from reports.pages.dependency import dependency_plot, dependency_section
from reports.pages.html import (
    Measure,
    Page,
    Section,
    Table,
    build_page,
    settings_shown,
    table_of,
    versions_shown,
)
from reports.pages.judges import NOTE as JUDGE_NOTE
from reports.pages.judges import disagreement, judge_lines, judge_section
from reports.pages.pictures import picture_of
from reports.plots.measurements import corr_histogram, slope_heatmap
from reports.plots.style import Plot, both_widths
from reports.statistics import Interval
from reports.tables import csv_text
from reports.text import capital, ends_of, listed, percent, plain, signed, span

NOTES = {
    "corr-coef": "Pearson's correlation, within one case, between the strengths asked for and the "
    "scores read off the images. Directions are signed, so it should be positive. It tells order, "
    "not size: read it beside the slope.",
    "random directions": "The control: the same test on the same cases and grid, with random unit "
    "directions instead of those found. A score drifts along any line through latent space, so a "
    "single case often correlates by chance, with either sign; the mean over cases is near 0.",
    "clear of chance": "The 95 % bootstrap interval of the mean lies wholly above that of random "
    "directions.",
    "passed": "A case passes where |corr-coef| reaches the threshold for every property at once. "
    "A case with an undefined corr-coef (its scores do not vary) fails, and is counted.",
    "slope and leak": "The least-squares effect of one unit of strength on a score, in standard "
    "deviations of that score over the population. On its own score it is the effect wanted; on "
    "any other it is a leak.",
    "attribute dependency": DEPENDENCY_NOTE,
    "judge": JUDGE_NOTE,
    "unreadable": "Images for which the scorer gave no answer. They are left out and counted.",
}

_METHODS = {
    c.SVM: "SVM",
    c.GRADIENT: "Gradient",
    c.MIXED: "Mixed (eyes by gradient, rest by SVM)",
}
"""Of runs whose `config.json` does not say in words how directions were found."""


def run_files(results: Results, defaults: Mapping[str, float]) -> tuple[dict, list[str]]:
    """The report of a test: path within its folder -> content; and the result in a few lines.

    A run's own figures are shown, and those that it lacks are drawn.

    Args:
        results: what the folder or the file holds.
        defaults: property -> the least |corr| of a pass, where the run has none of its own.
    """
    summary = summarise(results, defaults)
    figures = dict(results.figures)
    drawn = _missing_figures(results, summary)
    page = run_page(results, summary, figures | drawn)
    files: dict[str, bytes | str] = {layout.STATISTICS: csv_text(summary.statistics)}
    files[layout.GROUP_STATISTICS] = csv_text(summary.groups)
    files |= {layout.figure_path(name): plot.wide for name, plot in drawn.items()}
    files[layout.REPORT] = build_page(page)
    return files, run_lines(results, summary)


def run_page(results: Results, summary: Summary, figures: Mapping[str, Plot]) -> Page:
    """The page: verdict and headline figures, then pictures, plots and tables, then settings."""
    terms = ["corr-coef", "passed"]
    terms += ["random directions", "clear of chance"] if summary.random else []
    terms += ["slope and leak"] if results.slopes is not None else []
    terms += ["attribute dependency"] if results.dependency is not None else []
    terms += ["judge"] if results.judges is not None else []
    terms += ["unreadable"] if results.statistics is not None else []
    measures = headline(summary)
    of_run = _of_run(results)
    return Page(
        kind="vectorfind · " + ("image-generation test" if of_run else "report from files"),
        verdict=verdict(measures) if of_run else _count_verdict(summary),
        summary=" ".join(filter(None, (_what(results, summary), disagreement(results)))),
        measures=measures,
        facts=_facts(results, summary),
        sections=_sections(results, summary, figures),
        notes={term: NOTES[term] for term in NOTES if term in terms},
        settings=_settings(results.config),
        versions=versions_shown(results.config),
        command=str(results.config.get("command", "")),
    )


def run_lines(results: Results, summary: Summary) -> list[str]:
    """The result in a few lines, to be printed."""
    names = summary.properties
    lines = ["mean corr-coef of strength and score, with its 95 % interval:"]
    for name in names:
        column = c.corr_column(name)
        known = ((which, values.get(column)) for which, values in _sides(summary))
        texts = [_estimate_text(which, value) for which, value in known if value is not None]
        lines.append(f"  {name}: {', '.join(texts)}")
    if not _of_run(results):
        sizes = [f"{name} {summary.found[c.abs_corr_column(name)][0]:.4f}" for name in names]
        means = [abs(summary.statistics[c.corr_mean_column(name)].iloc[0]) for name in names]
        of_means = [f"{name} {mean:.4f}" for name, mean in zip(names, means, strict=True)]
        lines.append(f"mean |corr|: {', '.join(sizes)}")
        lines.append(f"|mean corr|, as the reference gives it: {', '.join(of_means)}")
    share, low, high = summary.share
    lines.append(
        f"cases passed: {summary.passed.sum()} of {len(summary.passed)} ({percent(share, ' ')}, "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
    )
    hair = _hair(results)
    if hair is not None:
        lines.append(f"hair mask kept by the edits: {_estimate_text('IoU', hair)}")
    lines += judge_lines(results)
    return [*lines, *(f"note: {note}" for note in file_notes(summary))]


def headline(summary: Summary) -> list[Measure]:
    """Each property's mean signed corr-coef, beside that of random directions where it is known."""
    measures = []
    for name in summary.properties:
        value = summary.found[c.corr_column(name)]
        chance = summary.random.get(c.corr_column(name))
        if name in summary.reversed:
            good, words = value[2] < 0, "below zero, unsigned"
            words = words if good else "not clear of zero"
        else:
            good = value[1] > (chance[2] if chance else 0.0)
            words = "clear of chance" if chance else "above zero"
            words = words if good else f"not {words}"
        least = summary.thresholds[name] * (-1 if name in summary.reversed else 1)
        measures.append(Measure(plain(name), value, chance, least, words, bool(good)))
    return measures


def verdict(measures: Sequence[Measure]) -> str:
    """One sentence on which properties follow their strengths by more than chance."""
    good = [measure.name for measure in measures if measure.good]
    bad = [measure.name for measure in measures if not measure.good]
    limit = "clear of chance" if all(measure.control for measure in measures) else "above zero"
    if not good:
        return f"{listed(bad).capitalize()}: no direction is {limit}."
    verb, its = ("follow", "their numbers") if len(good) > 1 else ("follows", "its number")
    rest = f"; {listed(bad)} {'do' if len(bad) > 1 else 'does'} not" if bad else ""
    return f"{listed(good).capitalize()} {verb} {its}, {limit}{rest}."


def slope_arrays(table: pd.DataFrame) -> tuple[list[str], list[str], list[np.ndarray]]:
    """Strengths (P), scores (Q; the strengths' own first), and mean, low and high, each (P, Q)."""
    strengths = [*dict.fromkeys(table[c.STRENGTH])]
    scores = [*dict.fromkeys([*strengths, *table[c.SCORE]])]
    scores = [name for name in scores if name in {*table[c.SCORE]}]
    cells = table.drop_duplicates([c.STRENGTH, c.SCORE]).set_index([c.STRENGTH, c.SCORE])
    cells = cells.reindex(pd.MultiIndex.from_product([strengths, scores]))
    shape = (len(strengths), len(scores))
    arrays = [cells[name].to_numpy(np.float64).reshape(shape) for name in (c.SLOPE, c.LOW, c.HIGH)]
    return strengths, scores, arrays


def _missing_figures(results: Results, summary: Summary) -> dict[str, Plot]:
    """The plots that the tables alone can make and the folder lacks, by name."""
    names, thresholds = summary.properties, summary.thresholds
    drawn = {}
    if layout.CORRS_FIGURE not in results.figures:
        drawn[layout.CORRS_FIGURE] = both_widths(
            lambda narrow: corr_histogram(
                summary.corrs, names, thresholds, columns=1 if narrow else 3
            )
        )
    if results.slopes is not None and layout.SLOPES_FIGURE not in results.figures:
        strengths, scores, effects = slope_arrays(results.slopes)
        drawn[layout.SLOPES_FIGURE] = both_widths(
            lambda narrow: slope_heatmap(effects[0], strengths, scores, *effects[1:], narrow)
        )
    if results.dependency is not None and layout.DEPENDENCY_FIGURE not in results.figures:
        drawn[layout.DEPENDENCY_FIGURE] = dependency_plot(results.dependency)
    return drawn


def _count_verdict(summary: Summary) -> str:
    """One sentence: how many pass, and how far the properties follow their numbers."""
    sizes = [
        f"{plain(name)} {signed(summary.found[c.abs_corr_column(name)][0])}"
        for name in summary.properties
    ]
    passed, cases = int(summary.passed.sum()), len(summary.passed)
    return f"{passed:,} of {cases:,} cases pass; mean |corr|: {', '.join(sizes)}."


def _what(results: Results, summary: Summary) -> str:
    """What was done, in a sentence or two."""
    find, tested = (results.config.get(key) or {} for key in ("find", "tested"))
    words = results.config.get("words") or {}
    cases, least = f"{len(summary.passed):,}", least_text(summary)
    if {c.METHOD, c.LAYER, c.N} <= find.keys():
        method = words.get("method") or _METHODS.get(find[c.METHOD], find[c.METHOD])
        edits = f" with {tested['edits']:,} edited images each" if "edits" in tested else ""
        done = (
            f"{method} directions at {find[c.LAYER]}, found from {find[c.N]:,} samples, tried on "
            f"{cases} fresh cases{edits}."
        )
    else:
        source = f" in {results.name}" if results.name else ""
        done = f"Statistics made anew from {cases} cases{source}."
    return f"{done} A case passes where |corr-coef| reaches {least}."


def _facts(results: Results, summary: Summary) -> dict[str, str]:
    share, low, high = summary.share
    tested = results.config.get("tested") or {}
    facts = {
        "cases passed": f"{summary.passed.sum():,} of {len(summary.passed):,} ({percent(share)})",
        "95 % interval of the share": f"{100 * low:.1f} to {percent(high)}",
        "mean sum of |corr|": signed(summary.found[c.SUM_ABS_CORR][0]),
    }
    if c.SUM_ABS_CORR in summary.random:
        facts["the same by chance"] = signed(summary.random[c.SUM_ABS_CORR][0])
    if results.picked is not None:
        kept = int((results.picked[c.SUITABLE] == c.PASS_MARK).sum())
        share = kept / max(int(summary.passed.sum()), 1)
        facts["suitable cases"] = f"{kept:,} of {summary.passed.sum():,} passed ({percent(share)})"
    hair = _hair(results)
    if hair is not None:
        facts["hair mask kept (IoU)"] = f"{hair[0]:.3f}"
    facts["undefined cases"] = f"{int(summary.statistics[c.UNDEFINED].iloc[0]):,}"
    if "unreadable_samples" in tested:
        facts["unreadable samples"] = f"{tested['unreadable_samples']:,}"
    if results.statistics is not None and c.UNREADABLE in results.statistics:
        facts["unreadable edits"] = f"{int(results.statistics[c.UNREADABLE].iloc[0]):,}"
    return facts


def _foreign(results: Results) -> list[str]:
    """That the scorer did not learn from such images, where it told."""
    shift = (results.config.get("tested") or {}).get("feature_shift")
    if not isinstance(shift, int | float):
        return []
    return [
        f"the scorer did not learn from such images: the means of its features are shifted by "
        f"{shift:.2f} squared deviations, at home by 0.05 at most; its scores may say nothing"
    ]


def _sections(results: Results, summary: Summary, figures: Mapping[str, Plot]) -> list[Section]:
    sections, names = [], listed(summary.properties)
    notes = [*file_notes(summary), *_foreign(results)]
    if notes:
        texts = [f"{capital(note)}." for note in notes]
        sections.append(Section("What to know of these cases", texts))
    sections += _image_sections(results, summary, figures)
    if layout.STRENGTH_FIGURE in figures:
        grey = "; grey is what random directions do on the same cases" if summary.random else ""
        strength = picture_of(
            figures[layout.STRENGTH_FIGURE],
            f"Lines of score against strength for {names}",
            "Change of each score with its own strength, averaged over all strengths of the "
            f"others: mean over cases and the range of the middle 80 %{grey}. The dashed line is "
            "an effect of one standard deviation a unit.",
        )
        sections.append(Section("From number to score", (), [strength]))
    if results.slopes is not None:
        slopes = picture_of(
            figures[layout.SLOPES_FIGURE],
            "Heat map of the effect of each strength on each score",
            "Mean slope with its 95 % interval. Outlined: the effect wanted. Elsewhere: leaks.",
        )
        leaks = table_of(results.slopes, "Slopes and leaks.", folded=True)
        sections.append(Section("What else moves", (), [slopes], [leaks]))
    more = (dependency_section(results, figures), judge_section(results))
    sections += [section for section in more if section is not None]
    corrs = picture_of(
        figures[layout.CORRS_FIGURE],
        f"Histograms of corr-coefs for {names}",
        "Each case's corr-coefs; shaded is where a case passes for that property.",
    )
    tables = [_means(summary)]
    if results.fits is not None and len(results.fits):
        tables.append(_fits(results))
    tables.append(table_of(results.table, "Every case.", folded=True))
    sections.append(Section("How reliably", (), [corrs], tables))
    if len(summary.groups) > 1:
        sections.append(Section("By group", (), (), [_groups(summary)]))
    return [*sections, *_latent_sections(figures)]


def _image_sections(
    results: Results, summary: Summary, figures: Mapping[str, Plot]
) -> list[Section]:
    """The edited images: strips of one property, and the grid of all."""
    strips = []
    for name in summary.properties:
        figure = figures.get(layout.slug(layout.STRIP_FIGURE + name))
        if figure is None:
            continue
        low, high = ends_of(name)
        caption = f"From {low} to {high} as the number rises."
        effect = _own_slope(results.slopes, name)
        if effect is not None:
            caption += (
                f" One unit moves the score of {plain(name)} by {signed(effect)} population "
                "standard deviations."
            )
        alt = f"Strip of images: {plain(name)} from {low} to {high}"
        strips.append(picture_of(figure, alt, caption, photo=True))
    sections = []
    if strips:
        words = "Each row is one case; along it only one number changes. The cases are the first "
        words += "of the test, not chosen."
        sections.append(Section("What the numbers do", [words], strips, beside=True))
    if layout.GRID_FIGURE in figures:
        edits = (results.config.get("tested") or {}).get("edits", "")
        words = f"All {edits} edits of the first case".replace("  ", " ")
        words += ", with all numbers turned together, as the test does."
        alt = f"All combinations of {listed(summary.properties)} for one case"
        grid = picture_of(figures[layout.GRID_FIGURE], alt, photo=True)
        sections.append(Section("Every combination", [words], [grid]))
    return sections


def _latent_sections(figures: Mapping[str, Plot]) -> list[Section]:
    """What becomes of the hair, and the map of samples."""
    sections = []
    if layout.HAIR_FIGURE in figures:
        words = "Eyes and mouth shall leave the hair alone; a turning head takes it along. A "
        words += "network masks it before and after each edit, and the two masks' overlap (IoU) "
        words += "is averaged."
        alt = "Hair masks of one case before and after edits of each property"
        picture = picture_of(figures[layout.HAIR_FIGURE], alt, photo=True)
        sections.append(Section("What happens to the hair", [words], [picture]))
    if layout.MAP_FIGURE in figures:
        words = "t-SNE of the samples with the lowest and the highest scores in the largest group: "
        words += "a map that keeps neighbours together. Where the two sides part, a plane can part "
        words += "them."
        alt = "Maps of the samples with the highest and lowest scores"
        picture = picture_of(figures[layout.MAP_FIGURE], alt)
        sections.append(Section("The samples that were told apart", [words], [picture]))
    return sections


def _means(summary: Summary) -> Table:
    """One row a measure: found, and random where there is a control."""
    sides = _sides(summary)
    rows = []
    for measure in summary.found:
        cells = [measure]
        for _, values in sides:
            mean, *ends = values.get(measure, (np.nan,) * 3)
            cells += [signed(mean, 3), span(*ends, decimals=3) if np.isfinite(mean) else "–"]
        rows.append(cells)
    columns = ["measure", *(name for side, _ in sides for name in (side, "95 % interval"))]
    beside = ", beside those of random directions" if summary.random else ""
    return Table(f"Means over cases with bootstrap intervals{beside}.", columns, rows)


def _fits(results: Results) -> Table:
    """How well each property's fit did on samples that it had not seen: means over the groups."""
    words = (results.config.get("words") or {}).get("fits") or {}
    rows = []
    keys = [c.PROPERTY, c.FIT, c.MEASURE]
    for (name, fit, measure), of_fit in results.fits.groupby(keys, sort=False):
        groups = f", {len(of_fit)} groups" if len(of_fit) > 1 else ""
        mean = signed(of_fit[c.VALUE].mean(), 3)
        rows.append([plain(name), f"{words.get(fit, fit)}{groups}", measure, mean])
    caption = "The fits on samples held out from them: a figure for what was learnt, not for edits."
    return Table(caption, ["property", "fit", "measure", "value"], rows)


def _groups(summary: Summary) -> Table:
    """One row a group of images."""
    names, rows = summary.properties, []
    for row in summary.groups.to_dict("records"):
        share, low, high = (
            100 * row[column]
            for column in (
                c.PASSED_RATIO,
                c.low_column(c.PASSED_RATIO),
                c.high_column(c.PASSED_RATIO),
            )
        )
        counts = [f"{row[c.CASES]:,}", f"{row[c.PASSED]:,}"]
        shares = [f"{share:.1f} %", f"{low:.1f} to {high:.1f} %"]
        means = [signed(row[c.corr_mean_column(name)], 3) for name in names]
        total = signed(row[c.SUM_ABS_CORR_MEAN], 3)
        rows.append([str(row[c.GROUP_NAME]), *counts, *shares, *means, total])
    shares = ["cases", "passed", "share", "95 % interval"]
    columns = ["group", *shares, *map(plain, names), "sum |corr|"]
    return Table("Cases passed and mean corr-coefs by group of images.", columns, rows)


def _settings(config: Mapping[str, Any]) -> dict[str, str]:
    """A test's settings in words; those of any other folder as they are."""
    find, test, tested = (config.get(key) or {} for key in ("find", "evaluate", "tested"))
    if config.get("kind") not in layout.TEST_KINDS or "n" not in find:
        return settings_shown(config)
    models = config.get("models") or {}
    quantiles = find.get("quantiles", 2)
    strengths = tested.get("strengths") or {}
    shown = {
        "samples (n)": f"{find['n']:,}",
        "layer": find.get("layer"),
        "method": find.get("method"),
        "properties": ", ".join(find.get("properties") or ()),
        "groups by": ", ".join(find.get("group_by") or ()) or "–",
        "parts of each": quantiles if quantiles > 2 else None,
        "ratio": find.get("ratio"),
        "seed of finding": find.get("seed"),
        "cases": f"{test.get('cases', 0):,}",
        "cases of the control": tested.get("control_cases"),
        "seed of the test": test.get("seed"),
        **{
            f"strengths of {name}": ", ".join(f"{value:g}" for value in values)
            for name, values in strengths.items()
        },
        "conditions": ", ".join(
            f"{plain(name)} without {listed(others)}"
            for name, others in (config.get("conditions") or {}).items()
        ),
        "batch size": find.get("batch_size"),
        "device, precision": f"{config.get('device', '?')}, {find.get('dtype', '?')}",
        "generator": models.get("generator") or "an object without a digest",
        "scorer": models.get("scorer") or "an object without a digest",
        "hair segmenter": models.get("hair"),
        "judges": ", ".join(
            f"{name} {digest}".strip() for name, digest in (config.get("judges") or {}).items()
        ),
    }
    return {name: str(value) for name, value in shown.items() if value not in (None, "")}


def _own_slope(slopes: pd.DataFrame | None, name: str) -> float | None:
    if slopes is None:
        return None
    own = slopes[(slopes[c.STRENGTH] == name) & (slopes[c.SCORE] == name)]
    return float(own[c.SLOPE].iloc[0]) if len(own) else None


def _of_run(results: Results) -> bool:
    """Whether the cases are those of a run's folder, and not of a bare table."""
    return results.config.get("kind") in layout.TEST_KINDS


def _hair(results: Results) -> Interval | None:
    """Mean overlap of the hair masks with its interval, where it was measured."""
    columns = [ending(c.HAIR_IOU) for ending in (c.mean_column, c.low_column, c.high_column)]
    if results.statistics is None or not {*columns} <= {*results.statistics.columns}:
        return None
    return tuple(float(results.statistics[column].iloc[0]) for column in columns)


def _sides(summary: Summary) -> list[tuple[str, dict[str, Interval]]]:
    """Directions found, and random ones where there is a control."""
    sides = [(c.FOUND, summary.found)]
    return [*sides, (c.RANDOM, summary.random)] if summary.random else sides


def _estimate_text(name: str, value: Interval) -> str:
    return f"{name} {value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"
