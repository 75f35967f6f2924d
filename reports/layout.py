"""Names of the files in the folders that runs and reports leave: written here once."""

from __future__ import annotations

import hashlib
import re

CONFIG = "config.json"
"""Settings, models, versions and command line; says in `kind` whose folder it is."""

REPORT = "report.html"
FIGURES = "figures"
"""Folder of the PNGs."""

RESULT = "test_result.csv"
STATISTICS = "test_statistics.csv"
GROUP_STATISTICS = "group_statistics.csv"
SLOPES = "slopes.csv"
CONTROL = "control.csv"
FITS = "fits.csv"
N_CURVE = "n_curve.csv"
"""Tables of a test; a run over n has the last, and its own `control.csv`."""

JUDGES = "judges.csv"
JUDGES_SLOPES = "judges_slopes.csv"
JUDGES_CASES = "judges_cases.csv"
IDENTITY = "identity.csv"
"""Of a test with judges: what each says, the last of those that tell people apart."""

DEPENDENCY = "attribute_dependency.csv"
"""Of a test: what else moves at an equal change, by the scorer and by judges."""

DIRECTIONS = "directions.npz"
LATENTS = "latents.npz"
SCORES = "scores.npz"
TIMINGS = "timings.json"
SAMPLES = "samples"
CASES = "cases"
TRAINING = "training"
"""The last three are folders: the samples' store, and what is finished of a test or a fit."""

OVERLAY = "overlay.csv"
FINDINGS = "findings.csv"
CELLS = "cells"
ROW = "row.json"
"""A run over n keeps a folder a cell in `cells`, and there the cell's row."""

PICKED, CHARACTERS = "picked.csv", "characters"
CONTACT_PAGE, CONTACT_PICTURE = "contact_sheet.html", "contact_sheet.webp"
"""Which of a test's cases make characters: a table, their files, and what a person chose from."""

COMPARISON = "comparison.csv"

VERDICT = "verdict.csv"
CONCEPT = "concept.csv"
GAIN = "concept_gain.csv"
MEASURED = "measured"
RUNS = "runs"
"""Of a report on fine-tuning: tables, what was measured, and what it shows of each run."""

TRAIN_LOG = "train_log.csv"
RUN_SAMPLES = "samples-*.png"
"""Of each of these runs: its log, and pictures of its samples by the batches seen."""

STUDENTS, STUDENTS_TEXT = "students.csv", "students.md"
CHECKS = "checks.csv"
STUDENT_DIFFERENCES = "differences.csv"
REFERENCE = "reference.csv"
"""Of a comparison of segmentation students: each network's scores, those on the way, what differs
from the baseline, and figures from elsewhere beside them."""

BASELINE, TEACHER = "baseline", "teacher"
"""Names of the student without terms, and of what the others follow."""

TEST_KINDS = ("test", "evaluate")
CURVE_KIND = "curve"
COMPARISON_KIND = "comparison"
FINETUNE_KIND = "finetune report"
SEGMENTATION_KIND = "segmentation comparison"
"""Values of `kind` in `config.json`."""

STRENGTH_FIGURE, SLOPES_FIGURE, CORRS_FIGURE = "strength", "slopes", "corr_coefs"
GRID_FIGURE, HAIR_FIGURE, MAP_FIGURE = "grid", "hair", "tsne"
DIFFERENCES_FIGURE, OVERLAYS_FIGURE = "differences", "overlays"
DEPENDENCY_FIGURE = "attribute_dependency"
STRIP_FIGURE, CURVE_FIGURE, FINDING_FIGURE = "strip_", "n_curve_", "finding_"
SHOWN_FIGURES = (
    *(STRENGTH_FIGURE, SLOPES_FIGURE, CORRS_FIGURE, GRID_FIGURE, HAIR_FIGURE, MAP_FIGURE),
    *(STRIP_FIGURE, DEPENDENCY_FIGURE, OVERLAYS_FIGURE),
)
"""Beginnings of the names of a run's figures that its page takes as they are."""
"""Names of figures; the last three are beginnings of names."""

NARROW = "_narrow"
"""End of the name of a figure's version for narrow screens."""


def figure_path(name: str, narrow: bool = False) -> str:
    """Where a figure lies within its folder, e.g. figures/slopes_narrow.png.

    Names may come from files: one that is no plain word becomes `slug`'s, which is no path.
    """
    return f"{FIGURES}/{slug(name)}{NARROW if narrow else ''}.png"


def slug(name: str) -> str:
    """The name as part of a file's: as it is where it is a plain word, else with a digest of it."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9_]+', '-', name)[:40].strip('-')}-{digest}"
