"""dlib's files: out of the pinned archive, and only those whose bytes are known."""

import hashlib
import io
import tarfile

import pytest

from property_cnn.common.errors import CheckpointError
from property_cnn.dlib_faces import files
from property_cnn.dlib_faces.files import SHA256, checked_file, dlib_folder, fetch_dlib, unpack

CONTENT = {name: f"networks of {name}".encode() for name in SHA256}


@pytest.fixture
def pinned(monkeypatch):
    """Takes short files for dlib's."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}
    monkeypatch.setattr(files, "SHA256", digests)


def archive(path, content=CONTENT, inside=files._INSIDE):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {**content, "../setup.py": b"raise SystemExit('run')"}.items():
            member = tarfile.TarInfo(f"{inside}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_the_files_are_copied_and_nothing_else(pinned, tmp_path):
    unpack(archive(tmp_path / "a.tar.gz"), tmp_path / "out")
    out = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert out == CONTENT
    assert checked_file(tmp_path / "out", files.POINTS_FILE).read_bytes()


def test_other_bytes_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="get it again by: vectorfind fetch dlib"):
        unpack(archive(tmp_path / "a.tar.gz"), tmp_path / "out")


@pytest.mark.parametrize("damage", ["no archive", "cut", "lacks"])
def test_damaged_archives_are_refused(pinned, tmp_path, damage):
    path = archive(tmp_path / "a.tar.gz", CONTENT if damage != "lacks" else {})
    data = path.read_bytes()
    path.write_bytes({"no archive": b"none", "cut": data[:60], "lacks": data}[damage])
    with pytest.raises(CheckpointError, match="is damaged or lacks a network"):
        unpack(path, tmp_path / "out")


def test_what_is_absent_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert dlib_folder() == tmp_path / "vectorfind" / "dlib"
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch dlib"):
        checked_file(dlib_folder(), files.POINTS_FILE)


def test_two_files_need_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match="name a folder"):
        fetch_dlib(tmp_path / "dlib.safetensors")
