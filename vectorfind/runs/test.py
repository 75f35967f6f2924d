"""A whole run: find, evaluate, and leave tables, arrays, figures and a page in one folder.

The same settings give the same bytes in every file but `timings.json` and the column `time` of
`n_curve.csv`, which hold seconds. An interrupted run goes on from the directions it had found.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import write_npz
from property_cnn.common.checks import is_url
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.folders import json_text, writable_folder
from property_cnn.common.shards.store import remove_store
from property_cnn.common.tasks import one_thread
from property_cnn.jobs.folder import Work
from reports import columns as c
from reports.layout import (
    CASES,
    CONFIG,
    CONTROL,
    CORRS_FIGURE,
    DEPENDENCY,
    DEPENDENCY_FIGURE,
    DIRECTIONS,
    FIGURES,
    FITS,
    GRID_FIGURE,
    GROUP_STATISTICS,
    HAIR_FIGURE,
    IDENTITY,
    JUDGES,
    JUDGES_CASES,
    JUDGES_SLOPES,
    LATENTS,
    MAP_FIGURE,
    N_CURVE,
    REPORT,
    RESULT,
    SCORES,
    SLOPES,
    SLOPES_FIGURE,
    STATISTICS,
    STRENGTH_FIGURE,
    STRIP_FIGURE,
    TIMINGS,
    TRAINING,
    figure_path,
)
from reports.pages.dependency import dependency_plot
from reports.statistics import Interval
from reports.tables import comparison_table, csv_text, fits_table, n_curve_table, slopes_table
from vectorfind.config import ALL, EvaluateSettings, FindSettings
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.directions.finding import check_early, draw, fit_samples, models_for
from vectorfind.directions.packing import directions_file
from vectorfind.evaluation.cases import Onlookers
from vectorfind.evaluation.image_test import Evaluation, completed, completed_early
from vectorfind.evaluation.judge_tables import judge_arrays, judge_tables
from vectorfind.evaluation.measuring import Measurement
from vectorfind.methods.conditions import check_conditions
from vectorfind.models.judges import check_judges_early, load_judges
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Generator, Scorer, digest_of
from vectorfind.models.segmenters import segmenter_for
from vectorfind.pipeline import run_evaluation, tell_images
from vectorfind.runs.figures import hair_figure, run_figures, write_figures
from vectorfind.runs.folder import (
    add_timing,
    load_found,
    open_run,
    read_timings,
    samples_folder,
)
from vectorfind.runs.record import (
    command_line,
    condition_entry,
    condition_words,
    judge_words,
    number_words,
    run_config,
    tested,
)
from vectorfind.runs.report import Report, finished_report, own_report
from vectorfind.runs.tsne import tsne_figure
from vectorfind.sampling.groups import grouped
from vectorfind.sampling.store import holds_samples

_DRAWN = (STRIP_FIGURE, GRID_FIGURE, HAIR_FIGURE, MAP_FIGURE, STRENGTH_FIGURE, SLOPES_FIGURE)
_EVALUATED = (
    *(REPORT, TIMINGS, RESULT, STATISTICS, GROUP_STATISTICS, SLOPES, CONTROL, FITS, N_CURVE),
    *(JUDGES, JUDGES_SLOPES, JUDGES_CASES, IDENTITY),
    *(DEPENDENCY, LATENTS, SCORES, f"{CASES}/*"),
    *(f"{FIGURES}/{name}*.png" for name in (*_DRAWN, CORRS_FIGURE, DEPENDENCY_FIGURE)),
)
_WRITTEN = (DIRECTIONS, f"{TRAINING}/*", *_EVALUATED)
"""Patterns of what an evaluation and a test write."""

_MAP = (figure_path(MAP_FIGURE), figure_path(MAP_FIGURE, narrow=True))


@one_thread()
def run_test(  # noqa: PLR0913 - public, its keywords are the interface
    find: FindSettings,
    test: EvaluateSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    store: str | os.PathLike | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    judges: Sequence[str | os.PathLike | Scorer] = (),
    conditions: Mapping[str, Sequence[str]] | None = None,
) -> Report:
    """Finds directions, evaluates them and writes the folder; returns its page and result.

    If the folder holds the same run already, what is finished there is used again: shards of
    samples, rounds of a network's training, the directions, blocks of cases.

    Args:
        find, test: the settings of the two stages.
        out: the folder.
        generator, scorer: "default", a checkpoint's path, or an object with the protocol.
        store: folder of the samples, which several runs may share; None for `samples` in `out`.
        overwrite: start afresh, whatever run the folder holds.
        quiet: tell no progress.
        judges: other scorers, see `vectorfind.pipeline.evaluate`, whose figures stand beside the
            scorer's.
        conditions: property -> others that its direction shall leave alone, see
            `Directions.conditioned`; the folder's directions are conditioned too.

    Raises:
        InputError: a setting is not allowed, a judge reads none of the properties, nothing can be
            written in `out`, or it holds a run with other settings.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    check_early(find, scorer)
    if find.properties not in (None, ALL):
        check_judges_early(judges, find.properties)
    folder = writable_folder(out)
    models, find = models_for(find, generator, scorer)
    test_early = completed_early(test, find, models.scored)
    check_conditions(find.properties, conditions or {})
    loaded = load_judges(judges, find.properties, find.device)
    beside = Onlookers(segmenter_for(models.generator) if test.hair else None, loaded)
    config = run_config("test", find, test, models, beside.segmenter, loaded)
    config |= condition_entry(conditions)
    config["command"] = command_line(find, test, generator, scorer, judges)
    if config["command"]:
        config["command"] += condition_words(conditions)
    if not quiet:
        tell_images(find.n, test_early, bool(judges))
    with open_run(folder, config, _WRITTEN, overwrite) as work:
        report = _all_there(work)
        if report is None:
            own = samples_folder(folder, work, models, find.seed) if store is None else store
            directions = _directions(work, models, find, own, quiet, conditions)
            report = _evaluate_into(work, directions, test, config, quiet, beside)
    return replace(report, page=folder / REPORT)


def _all_there(work: Work) -> Report | None:
    """What a finished run says; None where more than its page must be made (again)."""
    if not work.finished or set(work.faults) - {REPORT, GROUP_STATISTICS}:
        return None
    if not work.faults:
        return finished_report(work.folder)
    report = own_report(work.folder)
    work.finish()
    return replace(report, lines=(*work.told(), *report.lines))


def _directions(
    work: Work,
    models: Models,
    settings: FindSettings,
    store: str | os.PathLike,
    quiet: bool,
    conditions: Mapping[str, Sequence[str]] | None = None,
) -> Directions:
    """The run's directions: those in its folder, or found and left there, with the map."""
    path, directions = work.folder / DIRECTIONS, None
    if work.whole(DIRECTIONS):
        directions = load_found(path, models, settings)
    if directions is not None and not any(name in work.faults for name in _MAP):
        return directions
    named = all(digest_of(network) for network in (models.generator, models.scorer))
    started = time.monotonic()
    own = not is_url(store) and Path(store).parent == work.folder
    if own and not holds_samples(Path(store), models, settings.seed):
        remove_store(Path(store))  # of a run that was refused
    samples = draw(models, settings, store, quiet, fresh=not named)
    groups = grouped(samples, settings.group_by, settings.quantiles)
    samples.write_groups(settings.group_by, groups.cuts)
    add_timing(work.folder, "sample", time.monotonic() - started)
    started = time.monotonic()
    if directions is None:
        training = work.on_the_way(TRAINING) if named else None
        directions = fit_samples(models, samples, settings, quiet, training, groups)
        directions = directions.conditioned(conditions or {})
    figure = tsne_figure(samples, directions, groups, settings.seed)
    if figure is not None:
        write_figures(work.folder, {MAP_FIGURE: figure})
    directions.save(path)
    work.remove(f"{TRAINING}/")
    add_timing(work.folder, "fit", time.monotonic() - started)
    return directions


@one_thread()
def run_evaluate(  # noqa: PLR0913 - public, its keywords are the interface
    directions_path: str | os.PathLike,
    test: EvaluateSettings,
    out: str | os.PathLike,
    generator: str | os.PathLike | Generator = "default",
    scorer: str | os.PathLike | Scorer = "default",
    device: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    judges: Sequence[str | os.PathLike | Scorer] = (),
    conditions: Mapping[str, Sequence[str]] | None = None,
    properties: Sequence[str] | None = None,
) -> Report:
    """Evaluates directions from a file and writes the same folder, but for its row of an n-curve.

    Args and errors are those of `run_test`; the networks must be those of the directions. Of
    `properties` alone the directions are tested, where they are given.
    """
    choose_device(device)
    folder = writable_folder(out)
    directions = load_directions(directions_path, generator, scorer, device=device)
    directions = directions.conditioned(conditions or {})
    directions = directions if properties is None else directions.only(properties)
    completed(test, directions)
    loaded = load_judges(judges, directions.properties, device)
    beside = Onlookers(segmenter_for(directions.models.generator) if test.hair else None, loaded)
    config = run_config(
        "evaluate", directions.settings, test, directions.models, beside.segmenter, loaded
    )
    config["directions"] = file_digest(directions_file(directions_path))
    words = ["vectorfind", "evaluate", str(directions_path), "--cases", str(test.cases)]
    words += ["--hair"] if test.hair else []
    words += ["--target"] if test.target else []
    words += [] if test.steps == 1 else ["--steps", str(test.steps)]
    words += [] if properties is None else ["--properties", ",".join(properties)]
    words += judge_words(judges)
    config |= condition_entry(conditions)
    words += ["--seed", str(test.seed), *number_words(test)]
    config["command"] = shlex.join(words) + condition_words(conditions)
    with open_run(folder, config, _EVALUATED, overwrite) as work:
        report = _all_there(work)
        if report is None:
            report = _evaluate_into(work, directions, test, config, quiet, beside)
    return replace(report, page=folder / REPORT)


def n_curve_row(directions: Directions, evaluation: Evaluation, seconds: float) -> pd.DataFrame:
    """The run's row of a curve over n."""
    fits = directions.curve_columns()
    means = evaluation.measured.correlation.mean
    corrs = {name: float(mean) for name, mean in zip(evaluation.properties, means, strict=True)}
    return n_curve_table(directions.settings.n, directions.k, seconds, fits, corrs)


def compare(evaluation: Evaluation) -> pd.DataFrame:
    """Means with intervals of the directions found, beside those of the random control."""
    control = evaluation.control
    found = _measures(evaluation, evaluation.measured)
    random = {} if control is None else _measures(evaluation, control)
    counts = len(evaluation.table), 0 if control is None else len(control.correlations)
    return comparison_table(found, random, counts)


def _measures(evaluation: Evaluation, measured: Measurement) -> dict[str, Interval]:
    """Signed and absolute corr-coefs, own slopes, and the sum, each with its interval."""
    values = {}
    for index, name in enumerate(evaluation.properties):
        own = (index, evaluation.scored.index(name))
        values[c.corr_column(name)] = measured.correlation.at(index)
        values[c.abs_corr_column(name)] = measured.abs_correlation.at(index)
        values[c.slope_column(name)] = measured.slope.at(*own)
    return values | {c.SUM_ABS_CORR: measured.sum_abs_correlation.at()}


def _evaluate_into(
    work: Work,
    directions: Directions,
    test: EvaluateSettings,
    config: dict,
    quiet: bool,
    beside: Onlookers,
) -> Report:
    folder, started, segmenter = work.folder, time.monotonic(), beside.segmenter
    cached = work.on_the_way(CASES)
    evaluation = run_evaluation(directions, test, quiet, cached, segmenter, beside.judges)
    add_timing(folder, "evaluate", time.monotonic() - started)
    slope = evaluation.measured.slope
    tables = {
        RESULT: evaluation.table,
        STATISTICS: evaluation.statistics,
        SLOPES: slopes_table(
            slope.mean, slope.low, slope.high, evaluation.properties, evaluation.scored
        ),
        CONTROL: compare(evaluation),
        FITS: fits_table(directions.fits()),
        **judge_tables(evaluation),
    }
    dependency = evaluation.dependency()
    if len(dependency):
        tables[DEPENDENCY] = dependency
    if config["kind"] == "test":
        seconds = sum(read_timings(folder).values())
        tables[N_CURVE] = n_curve_row(directions, evaluation, seconds)
    for name, table in tables.items():
        atomic_write(folder / name, csv_text(table))
    cases = {"z": evaluation.z, "label": evaluation.label}
    write_npz(folder / LATENTS, "vectorfind latents", cases, {"seed": evaluation.settings.seed})
    write_scores(folder / SCORES, evaluation)
    figures = run_figures(directions, evaluation)
    if len(dependency):
        figures[DEPENDENCY_FIGURE] = dependency_plot(dependency)
    if segmenter is not None:
        figures[HAIR_FIGURE] = hair_figure(directions, evaluation, segmenter)
    write_figures(folder, figures)
    atomic_write(folder / CONFIG, json_text(config | tested(directions, evaluation)))
    report = own_report(folder)
    work.finish()
    return replace(report, lines=(*work.told(), *report.lines))


def write_scores(path: Path, evaluation: Evaluation) -> None:
    """All that was read off the test's images: the cases unedited, edited, and by the control.

    What judges read stands beside it, see `vectorfind.evaluation.judge_tables.judge_arrays`.
    """
    arrays = {
        "base": evaluation.base_scores,
        "edited": evaluation.measured.scores,
        "strengths": evaluation.strengths,
        "properties": np.array(evaluation.properties),
        "scored": np.array(evaluation.scored),
    }
    if evaluation.crossed is not None:
        arrays["crossed"] = np.array(evaluation.crossed)
    if evaluation.hair is not None:
        arrays[c.HAIR_IOU] = evaluation.hair
    if evaluation.control is not None:
        arrays["control"] = evaluation.control.scores
    arrays |= judge_arrays(evaluation)
    write_npz(path, "vectorfind scores", arrays, {"seed": evaluation.settings.seed})
