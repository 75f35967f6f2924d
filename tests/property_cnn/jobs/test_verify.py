"""Verification: what is missing, altered, foreign or unfinished, in folders within folders."""

import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from tests.property_cnn.jobs.test_folder import job


def test_a_whole_folder_and_its_store(tmp_path):
    job(tmp_path)
    found = verify(tmp_path)
    assert found.whole
    assert found.lines() == ["9 of 9 files whole"]
    names = {"a.csv", "store/manifest.json", "store/n/00001.npy", "store/checksums/00000.json"}
    assert names <= set(found.files)
    assert verify(tmp_path / "store").whole


@pytest.mark.parametrize(
    ("name", "content", "state"),
    [
        ("a.csv", "x", "altered"),
        ("late.csv", None, "missing"),
        ("store/n/00001.npy", "x", "altered"),
        ("store/n/00000.npy", None, "missing"),
        ("store/checksums/00000.json", "x", "altered"),
        ("files.json", "{}", "altered"),
    ],
)
def test_what_is_not_whole_is_told_in_a_line(tmp_path, name, content, state):
    job(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    found = verify(tmp_path)
    assert not found.whole
    assert f"{name}: {state}" in found.lines()
    assert found.values()["files"][name] == state


@pytest.mark.parametrize("name", ["mine.txt", "store/mine.txt", "figures/mine.png"])
def test_files_of_others_are_named_and_do_no_harm(tmp_path, name):
    job(tmp_path)
    (tmp_path / name).write_text("mine")
    assert verify(tmp_path).whole
    assert verify(tmp_path).foreign == (name,)


def test_unfinished_jobs_are_told(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        job(tmp_path / "inner", stop="late.csv")
    found = verify(tmp_path)
    assert found.lines()[0] == "inner: not finished; give its command again"
    assert not found.foreign


def test_what_is_neither_a_jobs_folder_nor_a_store_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no files\.json and no store"):
        verify(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        verify(tmp_path / "none")
