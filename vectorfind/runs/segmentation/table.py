"""Rows of networks that were scored, and the tables of a comparison in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from property_cnn.segmentation.training import Course
from reports.analysis.segmentation import (
    BEST,
    LAST,
    MEANS,
    MODEL,
    ROWS,
    WEIGHTS,
    class_names,
    means,
)


def course_rows(
    courses: Mapping[str, Course], fold: int, seed: int, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Two rows a network, of its last and its best weights on all test images, in per cent.

    Args:
        courses: name -> how a network fared.
        fold: its number, from 1.
        seed: of the networks.
        classes: names.
    """
    return [
        score_row(name, fold, seed, weights, getattr(course, weights), classes)
        for name, course in courses.items()
        for weights in (LAST, BEST)
    ]


def check_rows(
    courses: Mapping[str, Course], fold: int, seed: int, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """A row a network and check, on the images of a check."""
    return [
        score_row(name, fold, seed, "check", check, classes)
        for name, course in courses.items()
        for check in course.checks
    ]


def score_row(
    model: str,
    fold: int,
    seed: int,
    weights: str,
    scores: Mapping[str, Any],
    classes: Sequence[str],
) -> dict[str, Any]:
    """One row, in per cent; `scores` as from `ClassScores.result`, with the iteration."""
    head = dict(zip(ROWS, (model, fold, seed, weights, scores.get("iteration", 0)), strict=True))
    ious = {name: 100 * value for name, value in zip(classes, scores["iou"], strict=True)}
    three = (scores["miou"], scores["macc"], scores["aacc"])
    return head | ious | {name: 100 * value for name, value in zip(MEANS, three, strict=True)}


def frame_of(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> pd.DataFrame:
    """The rows as a table."""
    return pd.DataFrame(list(rows), columns=[*ROWS, *classes, *MEANS])


def markdown(table: pd.DataFrame) -> str:
    """The comparison's means over folds, as Markdown: first of the last, then the best weights."""
    parts = []
    for weights, title in ((LAST, "Last iteration"), (BEST, "Best check")):
        if (table[WEIGHTS] == weights).any():
            lines = _lines(means(table, weights))
            head = f"{title}, IoU in per cent, means over folds; ± over folds and seeds:"
            parts += [head, "", *lines, ""]
    absent = [name for name in class_names(table) if table[name].isna().all()]
    if absent:
        parts.append(f"No test image shows {', '.join(absent)}; left out of the means.")
    return "\n".join(parts).rstrip() + "\n"


def scores_markdown(row: Mapping[str, Any], classes: Sequence[str]) -> str:
    """One network's scores as Markdown."""
    frame = pd.DataFrame([{MODEL: row[MODEL], **{name: row[name] for name in (*classes, *MEANS)}}])
    return "\n".join(_lines(frame)) + "\n"


def _lines(frame: pd.DataFrame) -> list[str]:
    heads = [str(name) for name in frame.columns]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for values in frame.itertuples(index=False, name=None):
        lines.append(f"| {' | '.join(_cell(value) for value in values)} |")
    return lines


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.2f}"
    return str(value)
