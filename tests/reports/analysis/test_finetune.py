"""Logs and verdicts of fine-tuning runs, on logs whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from reports.analysis.finetune import (
    gain_table,
    last_mean,
    read_log,
    reference_verdict,
    verdict_table,
    word_of,
)
from tests.reports.finetune_logs import PER_EPOCH, concept_log, labelled_log, log_text, run_log

NAN = np.nan


def test_steps_are_batches_seen():
    table = read_log(log_text(rows=5, every=30), PER_EPOCH)
    assert table["step"].tolist() == [0, 30, 60, 90, 120, 150]


def test_half_a_last_line_is_left_out():
    text = log_text(rows=3)
    whole = read_log(text, PER_EPOCH)
    cut = read_log(text + "0,4", PER_EPOCH)
    pd.testing.assert_frame_equal(whole, cut)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "lacks epoch"),
        (log_text(rows=0).split("\n")[0] + "\n", "no rows"),
        (log_text(rows=2).replace("0.9", "high"), "no number"),
        (log_text(rows=1) + "," * 8 + "1\n", "lacks epoch or idx"),
        ("", "not a CSV"),
    ],
)
def test_what_is_no_log_is_named(text, said):
    with pytest.raises(ValueError, match=said):
        read_log(text, PER_EPOCH)


def test_last_tenth_leaves_undefined_out():
    assert last_mean(pd.Series([0.0] * 18 + [0.2, 0.4])) == pytest.approx(0.3)
    assert last_mean(pd.Series([0.0] * 20 + [0.1, 0.4, NAN])) == pytest.approx(0.25)  # of three
    assert last_mean(pd.Series([0.7])) == 0.7
    assert np.isnan(last_mean(pd.Series([0.7] * 9 + [NAN])))


@pytest.mark.parametrize(
    ("corr", "word"),
    [
        *((0.8, "learned"), (0.79, "partly"), (0.4, "partly"), (0.39, "hardly"), (0.15, "hardly")),
        *((0.14, "not"), (-0.9, "not"), (NAN, "not")),
    ],
)
def test_words(corr, word):
    assert word_of(corr) == word


def test_verdict_of_a_known_log():
    eyes = np.linspace(-0.2, 0.2, 21)
    mouth = np.full(21, 0.5)
    mouth[[0, 20]] = NAN
    pose = np.full(21, 0.9)
    run = run_log("v5-1", labelled_log(20, eyes=eyes, mouth=mouth, pose=pose))
    table = verdict_table([run, run_log("v9", concept_log())], {"eyes": 0.99, "mouth": 0.9})
    assert len(table) == 1  # v9 has no labels
    row = table.iloc[0]
    assert row["eyes_corr_first"] == pytest.approx(-0.2)
    assert row["eyes_corr_last"] == pytest.approx(np.mean(eyes[-3:]))
    assert row["eyes_corr_best"] == pytest.approx(0.2)
    assert row["mouth_corr_last"] == pytest.approx(0.5)
    assert np.isnan(row["mouth_corr_first"])
    assert (row["eyes_verdict"], row["mouth_verdict"]) == ("hardly", "partly")
    assert (row["pose_verdict"], row["lowest"], row["undefined"]) == ("learned", "eyes", 2)
    assert (row["batches"], row["pose_mae_last"]) == (200, 1.0)
    assert row["eyes_corr_directions"] == 0.99
    assert np.isnan(row["pose_corr_directions"])


def test_a_property_that_is_undefined_at_last_is_the_lowest():
    run = run_log("v5-2", labelled_log(3, eyes=-0.5, mouth=NAN, pose=0.1))
    row = verdict_table([run]).iloc[0]
    assert (row["lowest"], row["mouth_verdict"]) == ("mouth", "not")


def test_the_references_statements():
    reference = [
        run_log("v5-1", labelled_log(eyes=0.0, mouth=0.2, pose=0.1)),
        run_log("v5-2", labelled_log(eyes=0.0, mouth=0.2, pose=0.1)),
        run_log("v5-3", labelled_log(eyes=0.0, mouth=0.5, pose=0.1)),
    ]
    assert [held for _, held, _ in reference_verdict(reference)] == ["holds"] * 3
    assert reference_verdict(reference[:2])[1][1] == "not measured"
    other = [*reference[:2], run_log("v5-3", labelled_log(eyes=0.9, mouth=0.3, pose=0.6))]
    assert [held for _, held, _ in reference_verdict(other)] == ["does not hold"] * 3
    assert [held for _, held, _ in reference_verdict([])] == ["not measured"] * 3


def concept(share, stds, high=0.01):
    values = {"share": share, "share_high": high}
    return values | {f"{name}_std": std for name, std in zip(("eyes", "pose"), stds, strict=True)}


@pytest.mark.parametrize(
    ("base", "run", "ratio", "goal"),
    [
        (concept(0.125, (1.0, 2.0)), concept(0.375, (0.8, 2.0)), 3.0, "O"),
        (concept(0.1, (1.0, 2.0)), concept(0.4, (0.79, 2.0)), 4.0, "X"),
        (concept(0.1, (1.0, 2.0)), concept(0.29, (1.0, 2.0)), 2.9, "X"),
        (concept(0.5, (1.0, 2.0)), concept(0.9, (1.0, 2.0)), 1.8, "O"),  # 90 % will do
        (concept(0.0, (1.0, 2.0)), concept(0.02, (1.0, 2.0)), 2.0, "X"),  # of the upper end
        (concept(0.1, (0.0, 2.0)), concept(0.9, (0.0, 2.0)), 9.0, "X"),
    ],
)
def test_gain_and_goals(base, run, ratio, goal):
    named = [{"run": "a", "generator": which} for which in ("base", "run")]
    table = pd.DataFrame([named[0] | base, named[1] | run])
    row = gain_table(table, ("eyes", "pose"), ["a"]).iloc[0]
    assert row["ratio"] == pytest.approx(ratio)
    assert row["goal"] == goal
    assert row["pose_diversity"] == pytest.approx(1.0)
    assert gain_table(table, ("eyes", "pose"), []).iloc[0]["goal"] == ""
