"""The image-generation test on planted directions: corr-coefs, slopes, leaks, passes, control."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError, ScorerError
from tests.vectorfind.conftest import ToyGenerator, ToyScorer
from vectorfind.config import EvaluateSettings
from vectorfind.evaluation.image_test import completed, random_directions, run_cases
from vectorfind.models.pair import Models

CASES = EvaluateSettings(cases=12, bootstrap=200)


def run_toy(directions, scorer=None, settings=CASES, **changes):
    if scorer is not None:
        directions = replace(directions, models=Models(ToyGenerator(), scorer))
    return run_cases(directions, completed(replace(settings, **changes), directions))


@pytest.fixture(scope="module")
def evaluation(found):
    return run_toy(found())


@pytest.mark.parametrize("method", ["svm", "gradient", "mixed"])
def test_planted_directions_pass_with_the_right_sign(found, method):
    evaluation = run_toy(found(method))
    assert (evaluation.table["passed"] == "O").mean() > 0.9
    assert (evaluation.measured.correlations > 0.85).all()


def test_slopes_are_the_effects_with_leaks_near_zero(found, evaluation):
    slope = evaluation.measured.slope
    assert slope.mean.shape == (3, 8)
    own = [evaluation.scored.index(name) for name in evaluation.properties]
    expected = 2**0.5 / found().score_std[own]
    assert np.allclose(slope.mean[range(3), own], expected, rtol=0.05)
    leaks = slope.mean.copy()
    leaks[range(3), own] = 0
    assert np.abs(leaks).max() < 0.15
    assert (slope.low <= slope.mean).all()
    assert (slope.mean <= slope.high).all()


def test_the_control_does_not_move_as_the_directions_do(evaluation):
    found, control = evaluation.measured, evaluation.control
    assert (found.correlation.low > control.correlation.high).all()
    assert np.abs(control.correlation.mean).max() < 0.6
    assert (control.abs_correlation.mean >= np.abs(control.correlation.mean)).all()
    own = [evaluation.scored.index(name) for name in evaluation.properties]
    assert (np.abs(control.slope.mean[range(3), own]) < found.slope.low[range(3), own]).all()


def test_random_directions_have_unit_norm_and_prefixes():
    many = random_directions(0, (5, 3, 40))
    assert np.allclose(np.linalg.norm(many, axis=2), 1, atol=1e-6)
    assert np.array_equal(random_directions(0, (2, 3, 40)), many[:2])


def test_tables_have_the_references_columns_first(evaluation):
    assert list(evaluation.table.columns) == [
        "case", "group_name", "passed", "eyes_corr", "mouth_corr", "pose_corr", "sum_abs_corr",
    ]  # fmt: skip
    assert list(evaluation.statistics.columns)[:6] == [
        "eyes_corr_mean", "mouth_corr_mean", "pose_corr_mean", "sum_abs_corr_mean",
        "passed", "passed_ratio",
    ]  # fmt: skip
    row = evaluation.statistics.iloc[0]
    table = evaluation.table
    assert row["eyes_corr_mean"] == pytest.approx(table["eyes_corr"].mean())
    assert row["sum_abs_corr_mean"] == pytest.approx(table["sum_abs_corr"].mean())
    assert row["passed"] == (table["passed"] == "O").sum()
    assert row["passed_ratio_low"] <= row["passed_ratio"] <= row["passed_ratio_high"]
    assert row["eyes_corr_low"] <= row["eyes_corr_mean"] <= row["eyes_corr_high"]
    assert set(table["group_name"]) <= {"hh", "hl", "lh", "ll"}


def test_shapes_and_what_is_kept_of_the_cases(evaluation):
    assert evaluation.strengths.shape == (50, 3)
    assert evaluation.measured.scores.shape == (12, 50, 8)
    assert evaluation.measured.scores.dtype == np.float32
    assert evaluation.z.shape == (12, 14)
    assert evaluation.label.shape == (12, 2)
    assert evaluation.base_scores.shape == (12, 8)
    assert evaluation.settings.control_cases == 12
    assert evaluation.settings.thresholds == {"eyes": 0.92, "mouth": 0.88, "pose": 0.88}


def test_edits_never_run_the_mapping_again(found):
    directions = found()
    generator = ToyGenerator()
    run_toy(replace(directions, models=Models(generator, ToyScorer())))
    assert generator.mapped == 1


def test_batch_sizes_and_repeats_change_nothing_but_rounding(found, evaluation):
    again, small = run_toy(found()), run_toy(found(), batch_size=7)
    assert again.measured.scores.tobytes() == evaluation.measured.scores.tobytes()
    assert again.statistics.equals(evaluation.statistics)
    assert np.array_equal(small.z, evaluation.z)
    assert np.abs(small.measured.scores - evaluation.measured.scores).max() < 1e-5


def test_more_cases_keep_the_first(found, evaluation):
    fewer = run_toy(found(), cases=5)
    assert np.array_equal(fewer.z, evaluation.z[:5])
    assert np.allclose(fewer.measured.correlations, evaluation.measured.correlations[:5], atol=1e-5)


def test_seeds_give_other_cases(found, evaluation):
    assert not np.array_equal(run_toy(found(), seed=1, cases=2).z, evaluation.z[:2])


def test_constant_scores_are_failed_cases_and_in_no_mean(found):
    def spoil(scores):
        if len(scores) == 50:
            scores[:, 0] = scores[0, 0] // 1  # the same eyes in all edits of every case
        return scores

    evaluation = run_toy(found(), ToyScorer(spoil), control_cases=0)
    assert evaluation.control is None
    assert evaluation.measured.undefined == 12
    assert (evaluation.table["passed"] == "X").all()
    row = evaluation.statistics.iloc[0]
    assert row["undefined"] == 12
    assert np.isnan(row["eyes_corr_mean"])  # no case is left for this one
    assert row["mouth_corr_mean"] > 0.9


def test_an_undefined_case_is_left_out_of_the_means_of_the_others(found):
    calls = []

    def spoil(scores):
        calls.append(len(scores))
        if len(scores) == 50 and calls.count(50) == 1:
            scores[:, 0] = 3.0
        return scores

    row = run_toy(found(), ToyScorer(spoil), control_cases=0).statistics.iloc[0]
    assert row["undefined"] == 1
    assert row["eyes_corr_mean"] > 0.9
    assert row["sum_abs_corr_mean"] > 2.7


def test_unreadable_edits_are_counted_and_left_out(found):
    def spoil(scores):
        if len(scores) == 50:
            scores[:20] = torch.nan
        return scores

    evaluation = run_toy(found(), ToyScorer(spoil))
    assert evaluation.measured.unreadable == 12 * 20
    assert evaluation.measured.undefined == 0
    assert evaluation.statistics["unreadable"].item() == 240
    assert evaluation.statistics["eyes_corr_mean"].item() > 0.8


def test_more_than_half_unreadable_edits_are_an_error(found):
    def spoil(scores):
        if len(scores) == 50:
            scores[:26] = torch.nan
        return scores

    with pytest.raises(ScorerError, match="could not read 312 of 600 edited images"):
        run_toy(found(), ToyScorer(spoil))


def test_a_case_whose_base_cannot_be_read_has_no_group(found):
    def spoil(scores):
        if len(scores) == 12:
            scores[3] = torch.nan
        return scores

    evaluation = run_toy(found(), ToyScorer(spoil))
    assert evaluation.base_unreadable == 1
    assert evaluation.table["group_name"][3] == "?"
    assert evaluation.table["eyes_corr"][3] > 0.85


def test_strengths_and_thresholds_can_be_given(found):
    evaluation = run_toy(
        found(), strengths={"mouth": (-1.0, 1.0)}, thresholds={"eyes": 1.0}, cases=3
    )
    assert evaluation.strengths.shape == (20, 3)
    assert (evaluation.table["passed"] == "X").all()
    with pytest.raises(InputError, match="unknown property of strengths"):
        run_toy(found(), strengths={"smile": (0, 1)})


def test_a_test_of_more_images_than_can_be_made_is_refused(found):
    strengths = {name: tuple(range(100)) for name in ("eyes", "mouth", "pose")}
    with pytest.raises(InputError, match=r"100 cases of 3 properties make 200,000,100 images, at"):
        completed(EvaluateSettings(strengths=strengths), found())


def test_two_images_a_case_are_refused_and_no_default(found):
    one = replace(found(), settings=replace(found().settings, properties=("eyes",)))
    assert one.strengths == {"eyes": (-1.2, 0.0, 1.2)}
    assert found().strengths["eyes"] == (-1.2, 1.2)
    with pytest.raises(InputError, match=r"2 points, strengths of eyes alone, .* give 3 strengths"):
        completed(EvaluateSettings(strengths={"eyes": (-1, 1)}), one)
    assert completed(EvaluateSettings(strengths={"eyes": (-1, 1)}), found())


def test_an_evaluation_is_a_few_lines_and_a_table_with_pictures(evaluation):
    text, html = repr(evaluation), evaluation._repr_html_()
    assert len(text) < 800
    assert "eyes, mouth, pose by svm at mapping_split2" in text
    assert "toy-generator" in text
    assert f"{(evaluation.table['passed'] == 'O').sum()} of 12" in text
    assert html.count("<img") == 7
    assert len(repr(evaluation.measured)) < 1000
    broken = replace(evaluation, z=evaluation.z[:, :3])
    assert "<table" in broken._repr_html_()
    assert "<img" not in broken._repr_html_()


@pytest.mark.parametrize("narrow", [False, True])
def test_plots_are_figures_of_the_evaluation(evaluation, narrow):
    strengths = evaluation.plot_strengths(narrow)
    titles = [axes.get_title(loc="left") for axes in strengths.axes]
    assert titles == list(evaluation.properties)
    assert len(evaluation.plot_corr_coefs(narrow).axes) == 3
    shown = [text.get_text() for text in evaluation.plot_slopes(narrow).axes[0].texts]
    assert f"{evaluation.measured.slope.mean[0, 0]:+.2f}" in shown
    assert len(evaluation.plot_dependency(narrow).axes) == 3


def test_plots_can_be_made_without_a_control(found):
    alone = run_toy(found(), control_cases=0)
    assert len(alone.plot_strengths().axes) == 3
    assert len(alone.plot_corr_coefs().axes) == 3
    assert "random" not in repr(alone)
