"""The paired comparison: a planted difference is found, holes are counted."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from reports.analysis.comparison import COLUMNS, compare_results
from reports.pages.comparison import comparison_lines, comparison_verdict
from reports.reading import read_results
from tests.vectorfind.run_files import planted_corrs, write_results


def table_of(tmp_path, corrs, name="a.csv"):
    return read_results(write_results(tmp_path / name, corrs).read_text())


def compared(tmp_path, a, b):
    return compare_results(table_of(tmp_path, a), table_of(tmp_path, b)).set_index("measure")


def test_a_shift_of_every_case_is_found_without_doubt(tmp_path):
    corrs = planted_corrs()
    rows = compared(tmp_path, corrs, corrs + np.array([0.02, 0, -0.01]))
    eyes, mouth, pose = (rows.loc[f"{name}_corr"] for name in ("eyes", "mouth", "pose"))
    assert eyes[["difference", "low", "high"]].tolist() == pytest.approx([0.02] * 3)
    assert (eyes["b_higher"], pose["b_higher"]) == (1.0, 0.0)
    assert mouth[["difference", "low", "high", "b_higher"]].tolist() == [0.0] * 4
    assert eyes["mean_b"] - eyes["mean_a"] == pytest.approx(0.02)
    assert eyes["a_low"] < eyes["mean_a"] < eyes["a_high"]
    assert rows.loc["sum_abs_corr", "difference"] == pytest.approx(0.01)


def test_pairing_is_what_makes_the_interval_narrow(tmp_path):
    a = planted_corrs()
    row = compared(tmp_path, a, np.round(a + planted_corrs(seed=1) / 100, 4)).loc["eyes_corr"]
    paired, alone = row["high"] - row["low"], row["a_high"] - row["a_low"]
    assert paired < alone / 10


def test_cases_undefined_in_either_are_left_out_and_counted(tmp_path):
    a, b = planted_corrs(10), planted_corrs(10)
    a[0, 0], b[1, 0], b[2, 1] = np.nan, np.nan, np.nan
    rows = compared(tmp_path, a, b)
    assert rows.loc["eyes_corr", ["cases", "left_out"]].tolist() == [8, 2]
    assert rows.loc["eyes_corr", "mean_a"] == pytest.approx(a[2:, 0].mean())
    assert rows.loc["sum_abs_corr", ["cases", "left_out"]].tolist() == [7, 3]
    a[:, 2] = np.nan
    assert np.isnan(compared(tmp_path, a, b).loc["pose_corr", "difference"])


def test_passes_are_compared_by_mcnemars_exact_test(tmp_path):
    a, b = np.full((20, 3), 0.95), np.full((20, 3), 0.95)
    a[:8, 0], b[6:9, 0] = 0.5, 0.5  # 8 fail in A, 3 in B, 2 of them in both
    row = compared(tmp_path, a, b).loc["passed"]
    assert row[["mean_a", "mean_b"]].tolist() == [12 / 20, 17 / 20]
    assert row["b_higher"] == pytest.approx(6 / 20)
    assert row["p_value"] == pytest.approx(2 * binom.cdf(1, 7, 0.5))
    assert row["a_low"] < 0.6 < row["a_high"]


def test_columns_are_fixed_and_the_same_seed_gives_the_same_table(tmp_path):
    a, b = (table_of(tmp_path, planted_corrs(seed=seed)) for seed in (0, 1))
    table = compare_results(a, b, seed=5)
    assert tuple(table.columns) == COLUMNS
    pd.testing.assert_frame_equal(table, compare_results(a, b, seed=5))
    assert table["measure"].tolist()[-2:] == ["sum_abs_corr", "passed"]


def test_lines_show_sizes_where_directions_are_unsigned(tmp_path):
    a, b = (table_of(tmp_path, planted_corrs() * [1, 1, sign]) for sign in (1, -1))
    lines = comparison_lines(compare_results(a, b))
    firsts = [line.split()[0] for line in lines[1:6]]
    assert firsts == ["eyes_corr", "mouth_corr", "pose_abs_corr", "sum_abs_corr", "passed"]
    assert lines[-2] == "cases: 40, undefined in either: 0"


def test_verdict_names_the_run_that_is_clearly_ahead(tmp_path):
    low, high = table_of(tmp_path, planted_corrs()), table_of(tmp_path, planted_corrs(shift=0.01))
    ahead = "is ahead of {}: the sum of |corr| is higher by 0.030 to 0.030."
    assert comparison_verdict(compare_results(low, high)) == "B " + ahead.format("A")
    assert comparison_verdict(compare_results(high, low), ("x", "y")) == "x " + ahead.format("y")
    assert comparison_verdict(compare_results(low, low)).startswith("Neither is clearly ahead")
