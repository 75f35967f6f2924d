"""Runs compared case by case: two, also from bare tables of cases, or any number of folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import read_arrays
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write
from property_cnn.common.folders import flat
from property_cnn.common.tasks import one_thread
from property_cnn.jobs.folder import Claim, open_again
from property_cnn.properties import akin, read_as
from reports import columns as c
from reports.analysis.comparison import Measured, compare_many, compare_results
from reports.folders import Results, read_results_at
from reports.layout import (
    COMPARISON,
    COMPARISON_KIND,
    CONFIG,
    DEPENDENCY,
    DEPENDENCY_FIGURE,
    DIFFERENCES_FIGURE,
    FIGURES,
    JUDGES_CASES,
    LATENTS,
    REPORT,
    RESULT,
    SCORES,
)
from reports.pages.comparison import (
    comparison_figure,
    comparison_lines,
    dependency_figure,
    many_lines,
)
from reports.reading import result_properties
from reports.statistics import passes
from reports.tables import csv_text
from vectorfind.config import default_thresholds
from vectorfind.evaluation.dependency import dependencies, dependency_curve, single_pairs
from vectorfind.evaluation.statistics import case_slopes
from vectorfind.runs.describe import versions
from vectorfind.runs.figures import write_figures
from vectorfind.runs.folder import kind_of
from vectorfind.runs.report import Report, check_replaceable, own_report, reading

_SEED = "evaluate.seed"


@one_thread()
def compare_runs(
    a: str | os.PathLike, b: str | os.PathLike, out: str | os.PathLike | None = None
) -> Report:
    """Compares two runs' folders, or two `test_result.csv`, and writes the comparison if asked to.

    Args:
        a, b: the runs.
        out: folder for `comparison.csv`, the plot and the page; not a run's own. None for none.

    Raises:
        InputError: a file is missing or of another kind, the two are not on the same cases, or
            nothing can be written in `out`.
    """
    table, notes = compare_files(a, b)
    page = None if out is None else write_comparison(a, b, table, out)
    lines = [*comparison_lines(table), *(f"note: {note}" for note in notes)]
    return Report(page, tuple(lines), {Path(COMPARISON).stem: table})


@one_thread()
def compare_files(a: str | os.PathLike, b: str | os.PathLike) -> tuple[pd.DataFrame, list[str]]:
    """The paired comparison of two runs' folders, or of two `test_result.csv`, and notes on it.

    Raises:
        InputError: a file is missing or of another kind, or the two are not on the same cases.
    """
    a, b = Path(a), Path(b)
    with reading():
        runs = [read_results_at(path) for path in (a, b)]
    check_comparable(*runs, (a.resolve().name, b.resolve().name))
    sure = check_latents(a, b)
    seeds = [flat(run.config).get(_SEED) for run in runs]
    notes = []
    if not sure and None in seeds:
        notes.append(
            "the files do not tell whether the cases are the same; it is taken for granted"
        )
    seed = seeds[0] if isinstance(seeds[0], int) else 0
    try:
        return compare_results(*(_marked(run) for run in runs), seed), notes
    except ValueError as error:
        raise InputError(str(error)) from error


def check_comparable(a: Results, b: Results, names: tuple[str, str]) -> None:
    """Raises InputError where the settings of two runs say that their cases differ."""
    for key, what in (
        (_SEED, "the seed of the test"),
        ("models.generator", "the generator"),
        ("models.scorer", "the scorer"),
    ):
        there, here = flat(a.config).get(key), flat(b.config).get(key)
        if there not in (None, "") and here not in (None, "") and there != here:
            raise InputError(
                f"{what} differs: {there} in {names[0]}, {here} in {names[1]}; compare runs on the "
                "same cases and models"
            )


def check_latents(a: Path, b: Path) -> bool:
    """Whether two folders hold the same latents of their cases; False where one holds none.

    Raises:
        InputError: they hold different ones.
    """
    if not ((a / LATENTS).exists() and (b / LATENTS).exists()):
        return False
    one, other = (read_arrays(path / LATENTS, ("z", "label")) for path in (a, b))
    if any(not np.array_equal(one[key], other[key]) for key in ("z", "label")):
        raise InputError(f"the latents of {a} and {b} differ; compare runs on the same cases")
    return True


def write_comparison(
    a: str | os.PathLike, b: str | os.PathLike, table: pd.DataFrame, out: str | os.PathLike
) -> Path:
    """Writes the folder of a comparison: names, `comparison.csv`, the plot; returns its page.

    Raises:
        InputError: `out` is a run's own folder, or nothing can be written there.
    """
    check_replaceable(Path(out), COMPARISON_KIND)
    names = (_short(a), _short(b))
    names = ("A", "B") if names[0] == names[1] else names
    config = {"kind": COMPARISON_KIND, "names": names, c.P_VALUE: float(table.iloc[-1][c.P_VALUE])}
    written = (REPORT, COMPARISON, f"{FIGURES}/{DIFFERENCES_FIGURE}*.png")
    claim = Claim(CONFIG, config | {"versions": versions()}, kind_of, written)
    with open_again(out, claim) as work:
        atomic_write(work.folder / COMPARISON, csv_text(table))
        write_figures(work.folder, {DIFFERENCES_FIGURE: comparison_figure(table, names)})
        return own_report(work.folder).page


def _marked(run: Results) -> pd.DataFrame:
    """The table with marks by the thresholds, the run's own where they are known."""
    names = result_properties(run.table)
    own = (run.config.get("evaluate") or {}).get("thresholds") or {}
    passed, _ = passes(run.table, default_thresholds(names) | dict(own))
    return run.table.assign(**{c.PASSED: np.where(passed, c.PASS_MARK, c.FAIL_MARK)})


def _short(path: str | os.PathLike) -> str:
    path = Path(path).resolve()
    return path.name if path.name != RESULT else f"{path.parent.name}/{path.name}"


@one_thread()
def compare_several(
    paths: Sequence[str | os.PathLike], out: str | os.PathLike | None = None
) -> Report:
    """Compares runs' folders on the same cases, two as `compare_runs` does.

    Of each: share of passes, sum of |corr|, leak at an equal change of the target, and identity
    where a judge tells it, by the scorer and by the judges; and the differences to the first run.

    Args:
        paths: of the folders.
        out: folder for the tables, the plot and the page; not a run's own. None for none.

    Raises:
        InputError: fewer than two, a file is missing or of another kind, they are not on the same
            cases, or nothing can be written in `out`.
    """
    paths = [Path(path) for path in paths]
    if len(paths) < 2:
        raise InputError(f"{len(paths)} runs given; give two or more")
    if len(paths) == 2:
        return compare_runs(*paths, out)
    with reading():
        runs = [read_results_at(path) for path in paths]
    names = [_short(path) for path in paths]
    names = names if len({*names}) == len(names) else [str(path) for path in paths]
    for path, run, name in zip(paths[1:], runs[1:], names[1:], strict=True):
        check_comparable(runs[0], run, (names[0], name))
        check_latents(paths[0], path)
        if not np.array_equal(runs[0].table[c.CASE], run.table[c.CASE]):
            raise InputError(f"the cases of {names[0]} and {name} differ; compare the same")
    seed = flat(runs[0].config).get(_SEED)
    seed = seed if isinstance(seed, int) else 0
    scores = [read_arrays(path / SCORES) if (path / SCORES).exists() else {} for path in paths]
    measured = [_measures(*each) for each in zip(paths, runs, scores, strict=True)]
    table = compare_many(measured, names, seed)
    curves = [
        _dependency(each, seed).assign(**{c.RUN: name})
        for name, each in zip(names, scores, strict=True)
        if each
    ]
    curve = pd.concat(curves, ignore_index=True) if curves else None
    page = None if out is None else _write_several(names, table, curve, out)
    return Report(page, tuple(many_lines(table)), {Path(COMPARISON).stem: table})


def _write_several(
    names: Sequence[str], table: pd.DataFrame, curve: pd.DataFrame | None, out: str | os.PathLike
) -> Path:
    """Writes the folder of a comparison of several runs; returns its page."""
    check_replaceable(Path(out), COMPARISON_KIND)
    config = {"kind": COMPARISON_KIND, "names": list(names), "versions": versions()}
    figures = tuple(f"{FIGURES}/{name}*.png" for name in (DIFFERENCES_FIGURE, DEPENDENCY_FIGURE))
    claim = Claim(CONFIG, config, kind_of, (REPORT, COMPARISON, DEPENDENCY, *figures))
    with open_again(out, claim) as work:
        atomic_write(work.folder / COMPARISON, csv_text(table))
        if curve is not None and len(curve):
            atomic_write(work.folder / DEPENDENCY, csv_text(curve))
            write_figures(work.folder, {DEPENDENCY_FIGURE: dependency_figure(curve)})
        return own_report(work.folder).page


def _measures(
    path: Path, run: Results, scores: Mapping[str, np.ndarray]
) -> dict[tuple[str, str], Measured]:
    """What a run's cases say, by the scorer and by each judge."""
    table = _marked(run)
    found = _results(table, c.SCORER, table[[c.SUM_ABS_CORR]].to_numpy(np.float64))
    if scores:
        reads = (scores["properties"], scores["scored"], scores["base"], scores["edited"])
        found |= _leak(c.SCORER, *reads, scores)
    if not (path / JUDGES_CASES).exists():
        return found
    cases = pd.read_csv(path / JUDGES_CASES)
    for place, judge in enumerate(map(str, scores.get("judges", ()))):
        rows = cases[cases[c.JUDGE] == judge]
        corrs = rows[[name for name in rows if name.endswith(c.corr_column(""))]]
        corrs = corrs.dropna(axis=1, how="all")  # what the judge does not read
        sums = corrs.abs().sum(axis=1, skipna=False)
        found |= _results(rows, judge, sums.to_numpy()[:, None])
        own = {part: scores.get(f"judge_{place}_{part}") for part in ("scored", "base", "edited")}
        found |= _leak(judge, scores["properties"], *own.values(), scores)
        cosine = scores.get(f"judge_{place}_cosine")
        if cosine is not None:
            found[judge, c.IDENTITY] = Measured(_row_means(cosine)[:, None])
    return found


def _results(table: pd.DataFrame, judge: str, sums: np.ndarray) -> dict:
    passed = (table[c.PASSED] == c.PASS_MARK).to_numpy(np.float64)
    return {(judge, c.PASSED): Measured(passed[:, None]), (judge, c.SUM_ABS_CORR): Measured(sums)}


def _leak(
    judge: str,
    properties: np.ndarray,
    scored: np.ndarray,
    base: np.ndarray,
    edited: np.ndarray,
    scores: Mapping[str, np.ndarray],
) -> dict[tuple[str, str], Measured]:
    """The mean leak at an equal change of the target, from slopes of the cases."""
    std, crossed = _deviation(base), slice(*scores["strengths"].shape[:1])
    crossed = slice(int(scores["crossed"])) if "crossed" in scores else crossed
    slopes = case_slopes(scores["strengths"][crossed], edited[:, crossed], std)  # (C, P, A)
    places = _own_and_others(properties, scored, std)
    if not places:
        return {}

    def figure(means: np.ndarray) -> np.ndarray:
        sizes = np.abs(means.reshape(-1, *slopes.shape[1:]))
        with np.errstate(divide="ignore", invalid="ignore"):
            leaks = [
                sizes[:, place][:, others].mean(axis=1) / sizes[:, place, own]
                for place, own, others in places
            ]
        return np.mean(leaks, axis=0)

    return {(judge, c.LEAK): Measured(slopes.reshape(len(slopes), -1), figure)}


def _dependency(scores: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """Attribute dependency of a run by the scorer, in deviations over the unedited cases."""
    std = _deviation(scores["base"])
    unit = np.where(std > 0, std, 1.0)
    crossed = int(scores["crossed"]) if "crossed" in scores else None
    pairs = single_pairs(scores["strengths"], crossed)
    tables = [pd.DataFrame(columns=[c.PROPERTY, *c.DEPENDENCY_COLUMNS])]
    for place, own, others in _own_and_others(scores["properties"], scores["scored"], std):
        if len(pairs[place]):
            base, edited = scores["base"] / unit, scores["edited"] / unit
            curve = dependency_curve(*dependencies(pairs[place], base, edited, own, others), seed)
            curve.insert(0, c.PROPERTY, str(scores["properties"][place]))
            tables.append(curve)
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _own_and_others(
    properties: np.ndarray, scored: np.ndarray, std: np.ndarray
) -> list[tuple[int, int, list[int]]]:
    """Of each property that is read: its place, that of its score, and those of the others."""
    names, found = [str(name) for name in scored], []
    for place, name in enumerate(map(str, properties)):
        own = read_as(name, names)
        others = [
            at for at, each in enumerate(names) if own and not akin(own, each) and std[at] > 0
        ]
        if own is not None and others:
            found.append((place, names.index(own), others))
    return found


def _deviation(base: np.ndarray) -> np.ndarray:
    """Standard deviations of the unedited cases' scores (C, A) that could be read."""
    read = base[~np.isnan(base).any(axis=1)].astype(np.float64)
    return read.std(axis=0) if len(read) else np.zeros(base.shape[1])


def _row_means(values: np.ndarray) -> np.ndarray:
    """Means of rows (C, S) without their NaN; NaN for a row without any."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1)
