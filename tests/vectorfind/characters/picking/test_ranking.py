"""Ranking of cases by planted scores."""

import numpy as np
import pandas as pd
import pytest

from vectorfind.characters.picking.cases import Cases
from vectorfind.characters.picking.ranking import ranked, smoothness

LEVELS = np.linspace(-1, 1, 5)
GRID = np.stack(np.meshgrid(LEVELS, LEVELS, indexing="ij"), axis=-1).reshape(-1, 2)


def cases(scores, passed="OOO", corrs=(0.95, 0.95, 0.95), **more):
    table = pd.DataFrame(
        {
            "case": range(len(scores)),
            "group_name": "all",
            "passed": list(passed),
            "eyes_corr": corrs,
            "mouth_corr": 0.99,
        }
    )
    z = np.zeros((len(scores), 4), np.float32)
    more = {"cosine": None, "hair": None} | more
    return Cases(
        z, z[:, :0], table, ("eyes", "mouth"), ("eyes", "mouth", "hair"), GRID, len(GRID),
        np.stack(scores).astype(np.float32), **more,
    )  # fmt: skip


def answer(leak=0.0, bend=0.0):
    """Scores (S, 3) of eyes and mouth that answer with 1, and leak into each other."""
    eyes, mouth = GRID.T
    own = np.stack([eyes + leak * mouth + bend * eyes**2, mouth + leak * eyes], axis=1)
    return np.column_stack([own, np.zeros(len(GRID))])


STD = np.ones(3)


def test_leaks_are_shares_of_the_own_effect():
    found = ranked(cases([answer(), answer(0.25), answer(0.5)]), STD)
    assert found["case"].tolist() == [0, 1, 2]
    np.testing.assert_allclose(found["leak"], [0, 0.25, 0.5], atol=1e-6)
    assert found["suitability"].is_monotonic_decreasing


def test_the_worst_corr_counts():
    found = ranked(cases([answer()] * 3, corrs=(0.93, 0.99, 0.96)), STD)
    assert found["case"].tolist() == [1, 2, 0]
    assert found["worst_corr"].tolist() == [0.99, 0.96, 0.93]


def test_judges_and_hair_count_where_they_were_asked():
    cosine = np.full((3, 25), 0.9)
    cosine[1] = 0.5
    hair = np.full((3, 25), 0.8)
    hair[2], hair[0, :5] = 0.1, np.nan
    found = ranked(cases([answer()] * 3, cosine=cosine, hair=hair), STD)
    assert found["case"].iloc[0] == 0
    assert found.set_index("case")["identity"].tolist() == pytest.approx([0.9, 0.5, 0.9])
    assert found.set_index("case")["hair"].tolist() == pytest.approx([0.8, 0.8, 0.1])


def test_edits_that_turn_back_are_not_smooth():
    found = smoothness(cases([answer(), answer(bend=2.0), answer(bend=0.2)]))
    assert found[0] == pytest.approx(1)
    assert found[1] < 0.9
    assert found[2] == pytest.approx(1)


def test_cases_that_failed_are_left_out_unless_none_passed():
    some = cases([answer()] * 3, passed="XOX")
    assert ranked(some, STD)["case"].tolist() == [1]
    assert len(ranked(some, STD, passed_only=False)) == 3
    assert len(ranked(cases([answer()] * 3, passed="XXX"), STD)) == 3


def test_a_case_that_could_not_be_read_comes_last():
    unread = answer()
    unread[:] = np.nan
    found = ranked(cases([unread, answer(0.9), answer()]), STD)
    assert found["case"].tolist() == [2, 1, 0]
    assert np.isnan(found["suitability"].iloc[-1])
