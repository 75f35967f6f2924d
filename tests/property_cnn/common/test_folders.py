"""JSON of ours: an object, or an error that says so."""

import pytest

from property_cnn.common.errors import FileError, InputError
from property_cnn.common.folders import read_json


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "1", "[" * 100_000])
def test_what_is_no_object_is_an_error(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.json (is not whole JSON|holds no JSON object)"):
        read_json(path)


def test_what_cannot_be_read_is_the_systems_refusal(tmp_path):
    with pytest.raises(FileError, match="Is a directory"):
        read_json(tmp_path)


def test_an_object_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "a.json") == {"a": 1}
