"""The page of a comparison of segmentation students: made from the folder that it leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from reports import layout
from reports.analysis.segmentation import (
    BEST,
    CLEAR,
    DIFFERENCE,
    DIFFERENCES,
    LAST,
    MARGIN,
    MIOU,
    MODEL,
    ROWS,
    WEIGHTS,
    WHAT,
    means,
    models,
    pull,
    weak_classes,
)
from reports.folders import read_config, read_figures, read_file
from reports.layout import BASELINE, TEACHER
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
from reports.plots.segmentation import class_differences, miou_curves
from reports.plots.style import Plot, both_widths, figure_png
from reports.tables import read_table
from reports.text import counted, listed, signed

NOTES = {
    "IoU": "Pixels of a class told rightly, of all that are it or are told to be; in per cent, "
    "pooled over whole test images. mIoU is the mean over the classes that a fold's test images "
    "show, mAcc that of the shares of each class's pixels told rightly, aAcc the share of all.",
    "last, best": "The weights of the last iteration, and those with the highest mIoU at a check. "
    "The best are chosen on test images and so flatter every network; the last are not.",
    "clear": "Beyond the 95 % interval of the difference for training again from other seeds on "
    "these folds: t times the baseline's standard deviation over seeds, pooled over folds, for as "
    "many networks as were trained. It takes every student's spread to be the baseline's, and each "
    "cell is a test of its own: of twenty that are none, one will look clear. Where no baseline "
    "tells a class at all there is no spread, and nothing is clear.",
    "pull": "Pearson's correlation, over the classes, of a student's and its teacher's differences "
    "to the baseline: 1 where the student gains and loses what its teacher does.",
    "kl, at, sp": "Distillation terms and their weights beside the cross-entropy with the labels: "
    "KL of softened answers, Attention Transfer, Similarity Preserving. The ending class or pixel: "
    "the teacher is followed where it is ahead of the student on images held out, or by its "
    "probability of the label.",
}

_CURVES, _CELLS = "miou", "differences"


def segmentation_files(folder: Path) -> tuple[dict, list[str]]:
    """The page of a comparison's folder: path -> content; and the comparison in a few lines.

    Raises:
        ReadingError: a file is missing or damaged.
    """
    config = read_config(folder)
    needed = [*ROWS, MIOU]
    table, checks = (
        read_file(folder / name, lambda text: read_table(text, needed))
        for name in (layout.STUDENTS, layout.CHECKS)
    )
    found = read_file(
        folder / layout.STUDENT_DIFFERENCES, lambda text: read_table(text, DIFFERENCES)
    )
    found[CLEAR] = found[CLEAR].astype(object).fillna("")
    reference = None
    if (folder / layout.REFERENCE).exists():
        reference = read_file(folder / layout.REFERENCE, lambda text: read_table(text, [MODEL]))
    figures = {_CURVES: both_widths(lambda narrow: miou_curves(checks, narrow))}
    figures |= {f"{_CELLS}_{weights}": _cells(table, found, weights) for weights in (LAST, BEST)}
    overlays = read_figures(folder).get(layout.OVERLAYS_FIGURE)
    if overlays is not None:
        figures[layout.OVERLAYS_FIGURE] = overlays
    page = segmentation_page(config, table, found, figures, reference)
    files: dict[str, bytes | str] = {
        layout.figure_path(name): plot.wide for name, plot in figures.items()
    }
    if overlays is not None and overlays.narrow is not None:  # no table gives it again
        files[layout.figure_path(layout.OVERLAYS_FIGURE, True)] = overlays.narrow
    return files | {layout.REPORT: build_page(page)}, segmentation_lines(table, found)


def _cells(table: pd.DataFrame, found: pd.DataFrame, weights: str) -> Plot:
    return Plot(figure_png(class_differences(table, found, weights)))


def segmentation_lines(table: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """What a comparison says, in a few lines."""
    scores = means(table, LAST).set_index(MODEL)
    lines = [f"mIoU of the last weights, per cent: baseline {scores[MIOU][BASELINE]:.2f}"]
    for name in models(table):
        if name != BASELINE:
            lines.append(f"  {name}: {scores[MIOU][name]:.2f}, {_apart(found, name, LAST)}")
    return lines


def segmentation_page(
    config: Mapping[str, Any],
    table: pd.DataFrame,
    found: pd.DataFrame,
    figures: Mapping[str, Plot],
    reference: pd.DataFrame | None = None,
) -> Page:
    """The page: do the terms help, then where they help and harm, then every network.

    Args:
        config: of the folder.
        table, found: of `students.csv` and `differences.csv`.
        figures: by name.
        reference: figures from elsewhere.
    """
    names = [name for name in models(table) if name not in (BASELINE, TEACHER)]
    cells = [
        picture_of(
            figures[f"{_CELLS}_{weights}"],
            f"IoU of each class less the baseline's, {weights} weights",
            f"The {weights} weights.",
        )
        for weights in (LAST, BEST)
    ]  # fmt: skip
    curves = picture_of(figures[_CURVES], "mIoU against iterations, a line a network")
    sections = [
        Section(
            "Does a term help?",
            ["The black line is the student without terms, the grey dashed one the teacher. A dot "
             "is one fold and seed."],
            [curves],
            [table_of(means(table, weights), f"Means over folds, {weights} weights.", 2)
             for weights in (LAST, BEST)],
        ),
        Section("Where?", _where(found, names), cells, [_pulls(found, names)]),
    ]  # fmt: skip
    if layout.OVERLAYS_FIGURE in figures:
        sections.append(_seen(figures[layout.OVERLAYS_FIGURE]))
    if reference is not None:
        sections.append(
            Section(
                "Figures from elsewhere",
                ["As given beside; other networks, budgets or folds than these, so that levels do "
                 "not compare, only what differs within one table."],
                (),
                [table_of(reference, "From elsewhere.", 2)],
            )
        )  # fmt: skip
    every = table_of(table, "Every network.", 2, folded=True)
    sections.append(Section("Every network", (), (), [every, _clear(found)]))
    return Page(
        kind="vectorfind · segmentation by distillation",
        verdict=_verdict(found, names),
        summary=_summary(config, table),
        facts=_facts(table, found),
        sections=sections,
        notes=NOTES,
        settings=settings_shown(config),
        versions=versions_shown(config),
        command=str(config.get("command") or ""),
    )


def _seen(overlays: Plot) -> Section:
    picture = picture_of(
        overlays, "Labels that each network tells in test images, and where they are wrong",
        "Test images of the first fold, the last weights; pixels without a label are grey.",
        photo=True,
    )  # fmt: skip
    return Section("What do they tell?", ["Wrong pixels are red."], [picture])


def _verdict(found: pd.DataFrame, names: list[str]) -> str:
    rows = _of(found, LAST, MIOU)
    better = [name for name in names if rows[CLEAR].get(name) == "higher"]
    worse = [name for name in names if rows[CLEAR].get(name) == "lower"]
    if better:
        said = f"{listed(better)} {'is' if len(better) == 1 else 'are'} clearly better than none"
    else:
        said = "No term is clearly better than none"
    return f"{said}; {listed(worse)} clearly worse." if worse else f"{said}."


def _summary(config: Mapping[str, Any], table: pd.DataFrame) -> str:
    study = dict(config.get("study") or {})
    schedule = dict(study.get("schedule") or {})
    data = dict(config.get("data") or {})
    folds = table["fold"].nunique()
    said = f"Students {study.get('student', '')} of a teacher {study.get('teacher', '')}"
    said += f" on {data.get('n', 0):,} images in {counted(folds, 'fold')}"
    said += f" by {data.get('fold_by', 'frame')}"
    if schedule:
        said += (
            f"; {schedule['iterations']:,} iterations of {schedule['batch_size']} crops of "
            f"{schedule['width']} × {schedule['height']}, from random weights"
        )
    return f"{said}."


def _facts(table: pd.DataFrame, found: pd.DataFrame) -> dict[str, str]:
    scores = means(table, LAST).set_index(MODEL)[MIOU]
    facts = {"baseline's mIoU": f"{scores[BASELINE]:.2f} %"}
    if TEACHER in scores:
        facts["teacher's mIoU"] = f"{scores[TEACHER]:.2f} %"
    others = scores.drop([BASELINE, TEACHER], errors="ignore")
    if len(others):
        facts["best term"] = f"{others.idxmax()}, {others.max():.2f} %"
        margin = _of(found, LAST, MIOU)[MARGIN].get(others.idxmax(), math.nan)
        facts["clear from"] = "one seed tells none" if math.isnan(margin) else f"± {margin:.2f}"
    return facts


def _where(found: pd.DataFrame, names: list[str]) -> list[str]:
    weak = weak_classes(found, LAST)
    if not weak:
        return ["The teacher tells no class clearly worse than the student without terms."]
    said = []
    for name in names:
        rows = found[(found[MODEL] == name) & (found[WEIGHTS] == LAST)].set_index(WHAT)
        lost = [each for each in weak if rows[CLEAR].get(each) == "lower"]
        if lost:
            said.append(f"{name} loses {listed(lost)}")
    pulled = f"Of these, {'; '.join(said)}." if said else "No student clearly loses any of these."
    return [f"The teacher tells {listed(weak)} clearly worse than the baseline. {pulled}"]


def _pulls(found: pd.DataFrame, names: list[str]) -> Table:
    rows = [
        [name, *(signed(pull(found, name, weights)) for weights in (LAST, BEST))] for name in names
    ]
    return Table("Pull of the teacher.", ["student", "last", "best"], rows)


def _clear(found: pd.DataFrame) -> Table:
    rows = [
        [row[MODEL], row[WEIGHTS], row[WHAT], signed(row[DIFFERENCE]), f"{row[MARGIN]:.2f}",
         row[CLEAR]]
        for row in found.to_dict("records")
        if row[CLEAR]
    ]  # fmt: skip
    return Table(
        "What is clear: differences to the baseline, in per cent.",
        ["network", "weights", "of", "difference", "clear from", ""], rows, folded=True,
    )  # fmt: skip


def _apart(found: pd.DataFrame, name: str, weights: str) -> str:
    row = _of(found, weights, MIOU).loc[name]
    said = f"{signed(row[DIFFERENCE], plus=True)} to the baseline"
    if math.isnan(row[MARGIN]):
        return f"{said} (one seed: no interval)"
    return f"{said}, {'clearly ' + row[CLEAR] if row[CLEAR] else 'not clear'} (± {row[MARGIN]:.2f})"


def _of(found: pd.DataFrame, weights: str, what: str) -> pd.DataFrame:
    return found[(found[WEIGHTS] == weights) & (found[WHAT] == what)].set_index(MODEL)
