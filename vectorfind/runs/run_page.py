"""The HTML page of a run: what its figures and tables say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from reports import columns as c
from reports.pages.html import Interval, Measure, Page, Picture, Section, Table, signed, table_of
from reports.tables import slopes_table
from vectorfind.directions.directions import Directions
from vectorfind.evaluation.image_test import Evaluation
from vectorfind.evaluation.statistics import Estimate
from vectorfind.runs.figures import TSNE, Figure, ends_of
from vectorfind.runs.hair_figures import HAIR

_METHODS = {"svm": "SVM", "gradient": "Gradient", "mixed": "Mixed (eyes by gradient, rest by SVM)"}

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
    "unreadable": "Images for which the scorer gave no answer. They are left out and counted.",
}


def run_page(
    directions: Directions,
    evaluation: Evaluation,
    figures: Mapping[str, Figure],
    comparison: pd.DataFrame,
    settings: Mapping[str, str],
    versions: Mapping[str, str],
    command: str,
) -> Page:
    """The page of a run: verdict first, then pictures, plots, tables and settings.

    Args:
        directions, evaluation: what the page is about.
        figures: as from `run_figures`.
        comparison: the table of directions found beside random ones.
        settings, versions, command: shown as they are.
    """
    measures = headline(evaluation)
    statistics = evaluation.statistics.iloc[0]
    cases, passed = len(evaluation.table), int(statistics[c.PASSED])
    method = _METHODS.get(directions.method, directions.method)
    summary = (
        f"{method} directions at {directions.layer}, found from {directions.settings.n:,} samples, "
        f"tried on {cases:,} fresh cases with {len(evaluation.strengths)} edited images each."
    )
    found, control = evaluation.measured, evaluation.control
    facts = {
        "cases passed": f"{passed} of {cases:,} ({100 * passed / cases:.1f}\u00a0%)",
        "mean sum of |corr|": signed(found.sum_abs_correlation.mean),
    }
    if control is not None:
        facts["the same by chance"] = signed(control.sum_abs_correlation.mean)
    if evaluation.hair is not None:
        facts["hair mask kept (IoU)"] = f"{evaluation.hair.mean():.3f}"
    facts["undefined cases"] = f"{found.undefined:,}"
    facts["unreadable samples"] = f"{directions.unreadable:,}"
    facts["unreadable edits"] = f"{found.unreadable:,}"
    return Page(
        kind="vectorfind · image-generation test",
        verdict=verdict(measures),
        summary=summary,
        measures=measures,
        facts=facts,
        sections=_sections(directions, evaluation, figures, comparison),
        notes=NOTES,
        settings=settings,
        versions=versions,
        command=command,
    )


def headline(evaluation: Evaluation) -> list[Measure]:
    """Each property's mean corr-coef beside that of chance, and whether it is clear of it."""
    measures = []
    for index, name in enumerate(evaluation.properties):
        value = interval_at(evaluation.measured.correlation, index)
        chance = evaluation.control and interval_at(evaluation.control.correlation, index)
        good = bool(value[1] > (chance[2] if chance else 0.0))
        words = "clear of chance" if chance else "above zero"
        words = words if good else f"not {words}"
        threshold = evaluation.settings.thresholds.get(name)
        measures.append(Measure(_plain(name), value, chance, threshold, words, good))
    return measures


def verdict(measures: Sequence[Measure]) -> str:
    """One sentence on which properties follow their strengths by more than chance."""
    good = [measure.name for measure in measures if measure.good]
    bad = [measure.name for measure in measures if not measure.good]
    limit = "clear of chance" if all(measure.control for measure in measures) else "above zero"
    if not good:
        return f"{_listed(bad).capitalize()}: no direction is {limit}."
    verb, its = ("follow", "their numbers") if len(good) > 1 else ("follows", "its number")
    sentence = f"{_listed(good).capitalize()} {verb} {its}, {limit}"
    return (
        f"{sentence}; {_listed(bad)} {'do' if len(bad) > 1 else 'does'} not."
        if bad
        else (f"{sentence}.")
    )


def interval_at(estimate: Estimate, index: int | tuple[int, ...] = ()) -> Interval:
    """Mean, lower and upper end of one entry of an Estimate."""
    return tuple(float(part[index]) for part in (estimate.mean, estimate.low, estimate.high))


def _sections(
    directions: Directions,
    evaluation: Evaluation,
    figures: Mapping[str, Figure],
    comparison: pd.DataFrame,
) -> list[Section]:
    def picture(name: str, alt: str, caption: str = "") -> Picture:
        return Picture(figures[name].wide, alt, caption, figures[name].narrow)

    names, slope = evaluation.properties, evaluation.measured.slope
    strips = []
    for index, name in enumerate(names):
        if f"strip_{name}" in figures:
            low, high = ends_of(name)
            effect = signed(slope.mean[index, evaluation.scored.index(name)])
            alt = f"Strip of images: {_plain(name)} from {low} to {high}"
            caption = (
                f"From {low} to {high} as the number rises. One unit moves the score of "
                f"{_plain(name)} by {effect} population standard deviations."
            )
            strips.append(picture(f"strip_{name}", alt, caption))
    sections = []
    if strips:
        words = "Each row is one case; along it only one number changes. The cases are the first "
        words += "of the test, not chosen."
        sections.append(Section("What the numbers do", [words], strips, beside=True))
    if "grid" in figures:
        words = f"All {len(evaluation.strengths)} edits of the first case, with all numbers "
        words += "turned together, as the test does."
        grid = picture("grid", f"All combinations of {_listed(names)} for one case")
        sections.append(Section("Every combination", [words], [grid]))
    chance = "; grey is what random directions do on the same cases" if evaluation.control else ""
    strength = picture(
        "strength",
        f"Lines of score against strength for {_listed(names)}",
        "Change of each score with its own strength, averaged over all strengths of the others: "
        f"mean over cases and the range of the middle 80 %{chance}. The dashed line is an effect "
        "of one standard deviation a unit.",
    )
    slopes = picture(
        "slopes",
        "Heat map of the effect of each strength on each score",
        "Mean slope with its 95 % interval. Outlined: the effect wanted. Elsewhere: leaks.",
    )
    table = evaluation.measured.slope
    leaks = slopes_table(table.mean, table.low, table.high, names, evaluation.scored)
    corrs = picture(
        "corr_coefs",
        f"Histograms of corr-coefs for {_listed(names)}",
        "Each case's corr-coefs; shaded is where a case passes for that property.",
    )
    maps = []
    if TSNE in figures:
        words = "t-SNE of the samples that an SVM tells apart, in the largest group: a map that "
        words += "keeps neighbours together. Where the two sides part, a plane can part them."
        top = picture(TSNE, "Maps of the samples with the highest and lowest scores")
        maps = [Section("What the SVMs saw", [words], [top])]
    hair = []
    if HAIR in figures:
        words = "Eyes and mouth shall leave the hair alone; a turning head takes it along. A "
        words += "network masks it before and after each edit, and the two masks' overlap (IoU) "
        words += "is averaged."
        top = picture(HAIR, "Hair masks of one case before and after edits of each property")
        hair = [Section("What happens to the hair", [words], [top])]
    tables = [
        _compared(comparison),
        _fits(directions),
        table_of(evaluation.table, "Every case", folded=True),
    ]
    return [
        *sections,
        Section("From number to score", (), [strength]),
        Section(
            "What else moves", (), [slopes], [table_of(leaks, "Slopes and leaks", folded=True)]
        ),
        Section("How reliably", (), [corrs], tables),
        *hair,
        *maps,
    ]


def _compared(comparison: pd.DataFrame) -> Table:
    """One row a measure: directions found and random ones side by side."""
    rows: dict[str, list[str]] = {}
    for row in comparison.to_dict("records"):
        interval = (row[c.MEAN], row[c.LOW], row[c.HIGH])
        cells = [f"{signed(interval[0])}", f"{signed(interval[1])} to {signed(interval[2])}"]
        rows.setdefault(row[c.MEASURE], [row[c.MEASURE]]).extend(cells)
    width = max(len(row) for row in rows.values())
    columns = ["measure", "found", "95 % interval", "random", "95 % interval"][:width]
    return Table("Means over cases, beside those of random directions.", columns, [*rows.values()])


def _fits(directions: Directions) -> Table:
    """How well each property's fit did on samples that it had not seen."""
    rows = []
    for name in directions.properties:
        if directions.method == "imported":
            rows.append([name, f"imported, {len(directions.groups)} groups", "", ""])
        elif directions.settings.method_of(name) == "svm":
            groups = f"SVM, {len(directions.groups)} groups"
            rows.append([name, groups, "accuracy", f"{directions.mean_accuracy[name]:.3f}"])
        else:
            for measure, value in directions.metrics[name].items():
                rows.append([name, "gradient network", measure, f"{value:.3f}"])
    caption = "The fits on samples held out from them: a figure for what was learnt, not for edits."
    return Table(caption, ["property", "fit", "measure", "value"], rows)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _listed(names: Sequence[str]) -> str:
    words = [_plain(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
