"""Scripts: what lies between their rows, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from property_cnn.common.errors import InputError
from vectorfind.characters.rendering.scripts import checked_script, read_script, script_frames

NAMES = ("eyes", "mouth")


def frames(text, rate=4.0, between="linear", path=None):
    path.write_text(text)
    return pd.DataFrame(script_frames(read_script(path, NAMES), rate, between))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "script.csv"


def test_frames_lie_straight_between_rows(path):
    found = frames("time,eyes,mouth\n0,0,1\n1,1,-1\n2,1,0\n", path=path)
    np.testing.assert_allclose(found["eyes"], [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(found["mouth"], [1, 0.5, 0, -0.5, -1, -0.75, -0.5, -0.25, 0])


def test_eased_frames_rest_in_rows(path):
    found = frames("time,eyes\n0,0\n1,1\n", 100, "eased", path)["eyes"].to_numpy()
    np.testing.assert_allclose(found[[0, 50, 100]], [0, 0.5, 1], atol=1e-12)
    assert found[1] < 0.001
    assert found[25] == pytest.approx((1 - np.cos(np.pi / 4)) / 2)
    assert (np.diff(found) > 0).all()


def test_rows_are_frames_where_asked(path):
    found = frames("time,eyes\n0,0\n7,1\n9,0.5\n", 25, "rows", path)
    assert found["eyes"].tolist() == [0, 1, 0.5]


def test_empty_cells_lie_between_the_rows_around(path):
    found = frames("time, eyes, mouth\n0,0,\n1,,0.5\n2,1,\n", 1, path=path)
    assert found["eyes"].tolist() == [0, 0.5, 1]
    assert found["mouth"].tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("eyes\n1\n", "has the columns eyes; a script has time and some of eyes, mouth"),
        ("time,nose\n0,1\n", "has the columns time, nose"),
        ("time\n0\n", "has the columns time"),
        ("time,eyes,eyes\n0,1,1\n", "has the columns"),
        ("time,eyes\n", "has no rows"),
        ("time,eyes\n0,wide\n", "line 2: 'wide' in eyes is no number"),
        ("time,eyes\n,1\n", "line 2: 'nan' in time is no number"),
        ("time,eyes\n0,inf\n", "line 2: 'inf' in eyes is no number"),
        ("time,eyes\n0,1\n1,0\n1,1\n", "line 4: its time does not come after"),
        ("time,eyes,mouth\n0,1,\n", "mouth has no numbers"),
        ("", "is no CSV"),
        ("time,eyes\n0,1\n1000000,0\n", "the script has 4,000,001 frames"),
        ("time,eyes\n-1e308,1\n1e308,0\n", "the script has inf frames"),
        ("time,eyes\n0,1,0\n1,0,1\n", "rows of more cells than its first line"),
    ],
)
def test_bad_scripts_are_refused(path, text, said):
    with pytest.raises(InputError, match=said):
        frames(text, path=path)


def test_commas_at_the_ends_of_lines_shift_nothing(path):
    assert frames("time,eyes\n0,1,\n1,0,\n", 1, path=path)["eyes"].tolist() == [1, 0]


def test_no_file(path):
    with pytest.raises(InputError, match="no file"):
        read_script(path, NAMES)


def test_tables_may_be_given():
    table = checked_script(pd.DataFrame({"time": [0, 1], "eyes": [0, 1]}), NAMES, "the table")
    assert len(script_frames(table, 10)) == 11
