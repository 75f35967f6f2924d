"""A whole run: find, evaluate, and leave tables, arrays, figures and a page in one folder.

The same settings give the same bytes in every file but `timings.json` and the column `time` of
`n_curve.csv`, which hold seconds. An interrupted run goes on from the directions it had found.
"""

from __future__ import annotations

import os
import shlex
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from property_cnn.common.arrays import write_npz
from property_cnn.common.devices import choose_device
from property_cnn.common.files import atomic_write, file_digest
from property_cnn.common.folders import json_text, locked, writable_folder
from property_cnn.common.tasks import one_thread
from property_cnn.hair import HairSegmenter, load_hair_segmenter
from reports import columns as c
from reports.layout import (
    CASES,
    CONFIG,
    CONTROL,
    DIRECTIONS,
    FIGURES,
    FITS,
    GROUP_STATISTICS,
    HAIR_FIGURE,
    LATENTS,
    MAP_FIGURE,
    N_CURVE,
    REPORT,
    RESULT,
    SAMPLES,
    SCORES,
    SLOPES,
    STATISTICS,
    TIMINGS,
    TRAINING,
)
from reports.statistics import Interval
from reports.tables import comparison_table, csv_text, fits_table, n_curve_table, slopes_table
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.directions.directions import Directions, load_directions
from vectorfind.directions.finding import check_early, draw, fit_samples, models_for
from vectorfind.directions.packing import directions_file
from vectorfind.evaluation.image_test import Evaluation, Measurement, completed, completed_early
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Generator, Scorer, device_of
from vectorfind.pipeline import run_evaluation
from vectorfind.runs.figures import hair_figure, run_figures, write_figures
from vectorfind.runs.folder import add_timing, claim, read_timings
from vectorfind.runs.record import command_line, run_config, tested
from vectorfind.runs.report import Report, finished_report, own_report
from vectorfind.runs.tsne import tsne_figure
from vectorfind.sampling.groups import grouped

_RESULTS = (
    REPORT,
    TIMINGS,
    SCORES,
    GROUP_STATISTICS,
    N_CURVE,
    f"{FIGURES}/*.png",
    f"{CASES}/*.npz",
)  # not to outlive their run


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

    Raises:
        InputError: a setting is not allowed, nothing can be written in `out`, or it holds a run
            with other settings.
        CheckpointError: a checkpoint is missing, damaged or foreign.
        ScorerError: the scorer's answers cannot be used.
    """
    check_early(find, scorer)
    folder = writable_folder(out)
    models, find = models_for(find, generator, scorer)
    completed_early(test, find, models.scored)
    segmenter = hair_segmenter(test, models)
    config = run_config("test", find, test, models, segmenter)
    config["command"] = command_line(find, test, generator, scorer)
    with locked(folder, "--out"):
        known = claim(folder, config, (DIRECTIONS, *_RESULTS) if overwrite else ())
        named = all(config["models"].values())  # nameless networks may have changed
        if known and named and (folder / REPORT).exists():
            return finished_report(folder)
        path = folder / DIRECTIONS
        if known and named and path.exists():
            directions = load_directions(path, models.generator, models.scorer, dtype=find.dtype)
            directions = replace(directions, settings=find)
        else:
            directions = _find_into(folder, models, find, store, quiet, fresh=not named)
        return _evaluate_into(folder, directions, test, config, quiet, segmenter)


def hair_segmenter(test: EvaluateSettings, models: Models) -> HairSegmenter | None:
    """The shipped segmenter, beside the generator, where the test asks for it."""
    return load_hair_segmenter(device=device_of(models.generator)) if test.hair else None


def _find_into(
    folder: Path,
    models: Models,
    settings: FindSettings,
    store: str | os.PathLike | None,
    quiet: bool,
    fresh: bool,
) -> Directions:
    """Directions, written to the folder; their samples go to the store, or beside them."""
    started = time.monotonic()
    samples = draw(models, settings, folder / SAMPLES if store is None else store, quiet, fresh)
    groups = grouped(samples, settings.group_by, settings.quantiles)
    samples.write_groups(settings.group_by, groups.cuts)
    add_timing(folder, "sample", time.monotonic() - started)
    started = time.monotonic()
    training = folder / TRAINING
    checkpoint = None if fresh else training
    directions = fit_samples(models, samples, settings, quiet, checkpoint, groups)
    figure = tsne_figure(samples, directions, groups, settings.seed)
    if figure is not None:
        write_figures(folder, {MAP_FIGURE: figure})
    directions.save(folder / DIRECTIONS)
    shutil.rmtree(training, ignore_errors=True)
    add_timing(folder, "fit", time.monotonic() - started)
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
) -> Report:
    """Evaluates directions from a file and writes the same folder, but for its row of an n-curve.

    Args and errors are those of `run_test`; the networks must be those of the directions.
    """
    choose_device(device)
    folder = writable_folder(out)
    directions = load_directions(directions_path, generator, scorer, device=device)
    completed(test, directions)
    segmenter = hair_segmenter(test, directions.models)
    config = run_config("evaluate", directions.settings, test, directions.models, segmenter)
    config["directions"] = file_digest(directions_file(directions_path))
    words = ["vectorfind", "evaluate", str(directions_path), "--cases", str(test.cases)]
    words += ["--hair"] if test.hair else []
    config["command"] = shlex.join([*words, "--seed", str(test.seed)])
    with locked(folder, "--out"):
        claim(folder, config, _RESULTS if overwrite else ())
        return _evaluate_into(folder, directions, test, config, quiet, segmenter)


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
    folder: Path,
    directions: Directions,
    test: EvaluateSettings,
    config: dict,
    quiet: bool,
    segmenter: HairSegmenter | None,
) -> Report:
    started = time.monotonic()
    evaluation = run_evaluation(directions, test, quiet, folder / CASES, segmenter)
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
    }
    timings = read_timings(folder)
    if "fit" in timings:
        tables[N_CURVE] = n_curve_row(directions, evaluation, sum(timings.values()))
    for name, table in tables.items():
        atomic_write(folder / name, csv_text(table))
    cases = {"z": evaluation.z, "label": evaluation.label}
    write_npz(folder / LATENTS, "vectorfind latents", cases, {"seed": evaluation.settings.seed})
    write_scores(folder / SCORES, evaluation)
    figures = run_figures(directions, evaluation)
    if segmenter is not None:
        figures[HAIR_FIGURE] = hair_figure(directions, evaluation, segmenter)
    write_figures(folder, figures)
    atomic_write(folder / CONFIG, json_text(config | tested(directions, evaluation)))
    report = own_report(folder)
    shutil.rmtree(folder / CASES, ignore_errors=True)
    return report


def write_scores(path: Path, evaluation: Evaluation) -> None:
    """All that was read off the test's images: the cases unedited, edited, and by the control."""
    arrays = {
        "base": evaluation.base_scores,
        "edited": evaluation.measured.scores,
        "strengths": evaluation.strengths,
        "properties": np.array(evaluation.properties),
        "scored": np.array(evaluation.scored),
    }
    if evaluation.hair is not None:
        arrays[c.HAIR_IOU] = evaluation.hair
    if evaluation.control is not None:
        arrays["control"] = evaluation.control.scores
    write_npz(path, "vectorfind scores", arrays, {"seed": evaluation.settings.seed})
