"""Statistics made anew from cases: known means, passes by the thresholds, what a reader is told."""

import numpy as np
import pytest

from reports.analysis.summary import file_notes, summarise
from reports.folders import Results
from reports.pages.run import run_lines
from reports.reading import read_results
from reports.statistics import passes, wilson
from tests.vectorfind.run_files import LEAST, planted_corrs, write_results

THRESHOLDS = {"eyes": 0.92, "mouth": 0.88, "pose": 0.88}


def results_of(tmp_path, corrs, passed=None, config=None):
    path = write_results(tmp_path / "test_result.csv", corrs, passed)
    return Results(read_results(path.read_text()), "test", config or {})


def test_statistics_are_those_of_the_cases(tmp_path):
    corrs = planted_corrs()
    summary = summarise(results_of(tmp_path, corrs), THRESHOLDS)
    row, passed = summary.statistics.iloc[0], int((corrs >= LEAST).all(axis=1).sum())
    assert row["eyes_corr_mean"] == pytest.approx(corrs[:, 0].mean())
    assert row["eyes_corr_low"] < row["eyes_corr_mean"] < row["eyes_corr_high"]
    assert (row["passed"], row["cases"], row["undefined"]) == (passed, 40, 0)
    assert 0 < passed < 40
    low, high = wilson(passed, 40)
    assert row[["passed_ratio_low", "passed_ratio_high"]].tolist() == [low, high]
    assert file_notes(summary) == []


def test_groups_have_their_own_shares(tmp_path):
    corrs = planted_corrs(20)
    groups = summarise(results_of(tmp_path, corrs), THRESHOLDS).groups.set_index("group_name")
    assert groups["cases"].to_dict() == {"hh": 10, "ll": 10}
    assert groups.loc["hh", "pose_corr_mean"] == pytest.approx(corrs[::2, 2].mean())
    assert groups["passed"].sum() == (corrs >= LEAST).all(axis=1).sum()


def test_unsigned_directions_are_noticed_and_pass_by_size(tmp_path):
    corrs = planted_corrs()
    summary = summarise(results_of(tmp_path, corrs * [-1, 1, -1]), THRESHOLDS)
    assert summary.reversed == ("eyes", "pose")
    assert summary.passed.sum() == (corrs >= LEAST).all(axis=1).sum()
    assert "eyes, pose are negative" in file_notes(summary)[0]


def test_the_mean_and_the_mean_size_are_told_apart(tmp_path):
    corrs = np.array([[-0.8, -0.9, -0.9], [-0.6, -0.9, 0.3]])
    results = results_of(tmp_path, corrs)
    lines = "\n".join(run_lines(results, summarise(results, THRESHOLDS)))
    assert "\ncases passed: 0 of 2 (0.0 %" in lines
    assert "\nmean |corr|: eyes 0.7000, mouth 0.9000, pose 0.6000\n" in lines
    assert "reference gives it: eyes 0.7000, mouth 0.9000, pose 0.3000\n" in lines


def test_marks_that_disagree_are_counted_and_overruled(tmp_path):
    corrs = np.array([[0.95, 0.95, 0.95], [0.5, 0.95, 0.95], [0.95, 0.95, 0.95]])
    results = results_of(tmp_path, corrs, np.array([False, True, True]))
    passed, disagreeing = passes(results.table, THRESHOLDS)
    assert passed.tolist() == [True, False, True]
    assert disagreeing == 2
    assert "2 cases are marked otherwise" in file_notes(summarise(results, THRESHOLDS))[0]


def test_where_rounding_leaves_a_pass_open_the_mark_decides(tmp_path):
    corrs = np.array([[0.92, 0.95, 0.95], [0.92, 0.95, 0.95], [0.92, 0.95, 0.5]])
    results = results_of(tmp_path, corrs, np.array([True, False, False]))
    passed, disagreeing = passes(results.table, THRESHOLDS)
    assert passed.tolist() == [True, False, False]
    assert disagreeing == 0
    unmarked = results.table.drop(columns="passed")
    assert passes(unmarked, THRESHOLDS)[0].tolist() == [True, True, False]


def test_undefined_cases_fail_and_stay_out_of_means(tmp_path):
    corrs = np.array([[0.95, np.nan, 0.95], [0.95, 0.95, 0.95]])
    summary = summarise(results_of(tmp_path, corrs), THRESHOLDS)
    row = summary.statistics.iloc[0]
    assert (row["passed"], row["undefined"]) == (1, 1)
    assert row["mouth_corr_mean"] == pytest.approx(0.95)
    assert row["sum_abs_corr_mean"] == pytest.approx(2.85)
    assert "1 case has an undefined corr-coef" in file_notes(summary)[0]


def test_a_runs_own_thresholds_count(tmp_path):
    config = {"evaluate": {"thresholds": {"eyes": 0.99}, "seed": 1, "bootstrap": 50}}
    summary = summarise(results_of(tmp_path, planted_corrs(), config=config), THRESHOLDS)
    assert summary.thresholds == THRESHOLDS | {"eyes": 0.99}
    assert not summary.passed.any()
