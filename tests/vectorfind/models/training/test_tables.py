"""Tables of scores: what they may look like, and what is said of others."""

from __future__ import annotations

import numpy as np
import pytest

from property_cnn.common.errors import FileError, InputError
from vectorfind.models.training.tables import image_name, read_scores


def table(tmp_path, text):
    path = tmp_path / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_found_by_names_and_by_numbers(tmp_path):
    text = f"image,bright,warm\n{image_name(2)},1.5,-2\n0,3,4\n\nfaces/000003.png,,7\n"
    properties, scores = read_scores(table(tmp_path, text), 5)
    assert properties == ("bright", "warm")
    wanted = [[3, 4], [np.nan] * 2, [1.5, -2], [np.nan] * 2, [np.nan] * 2]
    np.testing.assert_array_equal(scores, np.array(wanted, np.float32))


def test_the_table_says_how_many_images_there_are(tmp_path):
    assert read_scores(table(tmp_path, "image,a\n6,1\n2,nan\n"))[1].shape == (7, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begins with nothing"),
        ("a,b\n0,1\n", "begins with a,b"),
        ("image\n0\n", "first line must be image,PROPERTY"),
        ("image,a,a\n0,1,2\n", "twice"),
        ("image,\n0,1\n", "unknown column"),
        ("image,a\n", "no scores"),
        ("image,a\n0,1\n000000.png,2\n", "line 3: image 0 stands twice"),
        ("image,a\nface,1\n", "line 2: 'face' is no image"),
        ("image,a\n-1,1\n", "is no image"),
        ("image,a\n0,1,2\n", "line 2: 2 scores; need 1"),
        ("image,a\n0,wide\n", "line 2: a is 'wide'"),
        ("image,a\n0,inf\n", "a is 'inf'"),
        ("image,a\n9,1\n", "names image 9, and there are 5 from 0 to 4; give -n 10"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_scores(table(tmp_path, text), 5)


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "scores.csv").write_bytes(b"image,a\n0,\xff\n")
    with pytest.raises(InputError, match="no CSV"):
        read_scores(tmp_path / "scores.csv")
    with pytest.raises(FileError):
        read_scores(tmp_path / "absent.csv")
