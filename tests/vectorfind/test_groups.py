"""Groups: a letter a property, high at or above the median."""

import numpy as np

from vectorfind.groups import all_groups, group_medians, group_names


def test_letters_follow_the_medians_which_count_as_high():
    scores = np.array([[1.0, 9.0], [2.0, 5.0], [3.0, 1.0]], np.float32)
    medians = group_medians(scores)
    assert medians.tolist() == [2.0, 5.0]
    assert group_names(scores, medians).tolist() == ["lh", "hh", "hl"]


def test_unreadable_rows_count_in_no_median_and_have_no_group():
    scores = np.array([[0.0], [np.nan], [4.0], [2.0]], np.float32)
    medians = group_medians(scores)
    assert medians.tolist() == [2.0]
    assert group_names(scores, medians).tolist() == ["l", "?", "h", "h"]


def test_without_properties_there_is_one_group():
    scores = np.empty((3, 0), np.float32)
    assert group_names(scores, group_medians(scores)).tolist() == ["all"] * 3
    assert all_groups(0) == ("all",)


def test_four_properties_make_sixteen_sorted_groups():
    names = all_groups(4)
    assert len(names) == 16
    assert (names[0], names[-1]) == ("hhhh", "llll")
    assert list(names) == sorted(names)
