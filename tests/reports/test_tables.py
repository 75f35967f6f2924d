"""The CSV tables: columns in order, known means, undefined corr-coefs, text that reads back."""

import numpy as np
import pytest

from reports import tables

PROPERTIES = ("eyes", "mouth", "pose")
CORRS = np.array([[0.95, 0.9, -0.9], [0.5, np.nan, 0.1]])


@pytest.fixture
def result():
    return tables.result_table(["hhll", "llhh"], np.array([True, False]), CORRS, PROPERTIES)


def test_result_table_has_the_references_columns(result):
    expected = "case,group_name,passed,eyes_corr,mouth_corr,pose_corr,sum_abs_corr"
    assert list(result.columns) == expected.split(",")
    assert list(result["passed"]) == ["O", "X"]
    assert result["sum_abs_corr"].tolist() == pytest.approx([2.75, np.nan], nan_ok=True)


def test_statistics_leave_undefined_out_of_means_and_count_them(result):
    row = tables.statistics_table(result, PROPERTIES, unreadable=3).iloc[0]
    names = ["eyes_corr_mean", "mouth_corr_mean", "pose_corr_mean", "sum_abs_corr_mean"]
    assert list(row.index[:6]) == [*names, "passed", "passed_ratio"]
    assert row[names].tolist() == pytest.approx([0.725, 0.9, -0.4, 2.75])
    assert (row["passed"], row["passed_ratio"], row["undefined"]) == (1, 0.5, 1)
    assert row["unreadable"] == 3


def test_n_curve_has_the_references_columns():
    frame = tables.n_curve_table(
        4000, 800, 12.5, {"svm_eyes_acc": 0.9}, {"eyes": 0.8, "mouth": 0.7}
    )
    expected = "n,k,time,svm_eyes_acc,eyes_mean_corr,mouth_mean_corr,sum_mean_corr"
    assert list(frame.columns) == expected.split(",")
    assert frame["sum_mean_corr"].iloc[0] == pytest.approx(1.5)


def test_slopes_are_one_row_a_strength_and_score():
    mean = np.arange(6.0).reshape(2, 3)
    frame = tables.slopes_table(mean, mean - 1, mean + 1, ("a", "b"), ("a", "b", "c"))
    assert frame.iloc[5].tolist() == ["b", "c", 5.0, 4.0, 6.0]


def test_comparison_sets_random_beside_found():
    found, random = {"eyes_corr": (0.9, 0.8, 1.0)}, {"eyes_corr": (0.1, -0.1, 0.3)}
    frame = tables.comparison_table(found, random, (100, 20))
    assert frame["directions"].tolist() == ["found", "random"]
    assert frame["cases"].tolist() == [100, 20]


def test_csv_has_four_decimals_and_reads_back(result):
    text = tables.csv_text(result)
    assert text.splitlines()[1] == "0,hhll,O,0.9500,0.9000,-0.9000,2.7500"
    assert text.splitlines()[2] == "1,llhh,X,0.5000,,0.1000,"
    again = tables.read_table(text, ["case", "eyes_corr"])
    assert again["group_name"].tolist() == ["hhll", "llhh"]
    assert np.isnan(again["mouth_corr"][1])


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"])
def test_a_foreign_table_is_refused(text):
    with pytest.raises(ValueError, match=r"not a CSV|lacks case"):
        tables.read_table(text, ["case"])
