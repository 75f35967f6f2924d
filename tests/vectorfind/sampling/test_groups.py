"""Groups: a letter or digit a property, high or low, or in which part of the samples."""

import numpy as np
import pytest

from vectorfind.sampling.groups import all_groups, group_cuts, group_names


def test_letters_follow_the_medians_which_count_as_high():
    scores = np.array([[1.0, 9.0], [2.0, 5.0], [3.0, 1.0]], np.float32)
    cuts = group_cuts(scores)
    assert cuts.tolist() == [[2.0], [5.0]]
    assert group_names(scores, cuts).tolist() == ["lh", "hh", "hl"]


@pytest.mark.parametrize("count", [4, 5, 10, 31])
def test_the_cut_of_two_is_the_median(count):
    scores = np.random.default_rng(count).standard_normal((count, 3)).astype(np.float32)
    assert np.array_equal(group_cuts(scores)[:, 0], np.median(scores, axis=0))


def test_digits_rise_with_the_score():
    scores = np.arange(12, dtype=np.float32)[::-1, None]
    cuts = group_cuts(scores, 3)
    assert cuts.tolist() == [[3.5, 7.5]]
    assert group_names(scores, cuts).tolist() == ["2"] * 4 + ["1"] * 4 + ["0"] * 4


@pytest.mark.parametrize("quantiles", [2, 3, 7, 12])
def test_parts_hold_as_many_samples_each(quantiles):
    scores = np.random.default_rng(0).standard_normal((20 * quantiles, 1)).astype(np.float32)
    names, counts = np.unique(group_names(scores, group_cuts(scores, quantiles)), return_counts=1)
    assert tuple(names) == all_groups(1, quantiles)
    assert counts.tolist() == [20] * quantiles


def test_unreadable_rows_count_in_no_median_and_have_no_group():
    scores = np.array([[0.0], [np.nan], [4.0], [2.0]], np.float32)
    cuts = group_cuts(scores)
    assert cuts.tolist() == [[2.0]]
    assert group_names(scores, cuts).tolist() == ["l", "?", "h", "h"]


def test_without_properties_there_is_one_group():
    scores = np.empty((3, 0), np.float32)
    assert group_names(scores, group_cuts(scores)).tolist() == ["all"] * 3
    assert all_groups(0) == all_groups(0, 5) == ("all",)


def test_four_properties_make_sixteen_sorted_groups():
    names = all_groups(4)
    assert len(names) == 16
    assert (names[0], names[-1]) == ("hhhh", "llll")
    assert list(names) == sorted(names)


def test_three_parts_of_two_properties_make_nine_sorted_groups():
    names = all_groups(2, 3)
    assert len(names) == 9
    assert (names[0], names[1], names[-1]) == ("00", "01", "22")
    assert list(names) == sorted(names)
