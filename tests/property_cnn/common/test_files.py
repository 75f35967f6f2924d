"""Files are whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from property_cnn.common.arrays import write_npz
from property_cnn.common.errors import CheckpointError, FileError, VectorfindError
from property_cnn.common.files import (
    PARTIAL,
    atomic_path,
    atomic_write,
    file_digest,
    is_file,
    load_tensors,
    make_folder,
    reading,
    save_tensors,
)


def test_atomic_write_makes_folders_and_takes_text_and_bytes(tmp_path):
    path = tmp_path / "new" / "folder" / "note.txt"
    atomic_write(path, "größer")
    assert path.read_bytes() == "größer".encode()
    atomic_write(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    atomic_write(path, "before")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_written_files_have_the_usual_permissions(tmp_path):
    atomic_write(tmp_path / "ours", "")
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_tensors_and_metadata_come_back(tmp_path):
    path = tmp_path / "tensors.safetensors"
    tensors = {"a": torch.arange(6.0).view(2, 3).T, "b": torch.tensor(3, dtype=torch.uint8)}
    save_tensors(path, tensors, {"format": "test"})
    loaded, metadata = load_tensors(path)
    assert metadata == {"format": "test"}
    assert torch.equal(loaded["a"], tensors["a"])
    assert torch.equal(loaded["b"], tensors["b"])
    save_tensors(path, tensors)
    assert load_tensors(path)[1] == {}


def test_missing_truncated_and_foreign_tensor_files_are_refused(tmp_path):
    path = tmp_path / "tensors.safetensors"
    with pytest.raises(CheckpointError, match="no file"):
        load_tensors(path)
    with pytest.raises(CheckpointError, match="no file"):
        load_tensors(tmp_path)
    save_tensors(path, {"a": torch.zeros(100)})
    whole = path.read_bytes()
    for broken in (whole[:-4], whole[:20], b"", b"PK\x03\x04 something else entirely"):
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match="not a whole"):
            load_tensors(path)


def test_the_digest_is_the_start_of_sha256(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"abc")
    assert file_digest(path) == hashlib.sha256(b"abc").hexdigest()[:16] == "ba7816bf8f01cfea"


def write_arrays(path):
    write_npz(path, "test", {"a": np.zeros(100_000)}, {})


def write_tensors(path):
    save_tensors(path, {"a": torch.zeros(100_000)})


def write_text(path):
    atomic_write(path, "text" * 100_000)


WRITERS = [write_text, write_tensors, write_arrays]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("folder", errno.EISDIR, "cannot write .*folder: Is a directory; a folder is there"),
        ("file/inside", errno.ENOTDIR, "cannot write .*inside: Not a directory|File exists"),
        ("n" * 300, errno.ENAMETOOLONG, "File name too long; choose a shorter name"),
        ("a\0b", errno.EINVAL, r"a\\0b: a NUL in the name; choose another name"),
    ],
)
def test_what_the_system_refuses_is_one_error_of_ours(tmp_path, write, name, number, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=said) as caught:
        write(tmp_path / name)
    assert isinstance(caught.value, VectorfindError)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno in (number, errno.EEXIST)
    assert "\n" not in str(caught.value)
    assert PARTIAL not in str(caught.value)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir(tmp_path / "folder") == []


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("cannot mount a file system here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(small_disk, write):
    path = small_disk / "ours"
    atomic_write(path, "before")
    with pytest.raises(FileError, match=r"cannot write .*ours: No space left on device; make room"):
        write(path)
    assert path.read_text() == "before"
    assert os.listdir(small_disk) == ["ours"]


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("n" * 250 + ".txt")
    atomic_write(path, "text")
    assert path.read_text() == "text"


def test_what_cannot_be_read_says_so(tmp_path):
    with pytest.raises(FileError, match=f"cannot read {tmp_path}: Is a directory"):
        file_digest(tmp_path)

    def fail():
        with reading(tmp_path / "ours"):
            raise OSError(errno.EIO, "")

    with pytest.raises(FileError, match=r"cannot read .*ours: Input/output error"):
        fail()


def test_whether_a_file_is_there(tmp_path):
    (tmp_path / "ours").write_text("")
    assert is_file(tmp_path / "ours")
    assert not is_file(tmp_path)
    assert not is_file(tmp_path / "none")
    with pytest.raises(FileError, match=r"cannot read .*: File name too long"):
        is_file(tmp_path / ("n" * 300))


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"cannot write .*: (File exists|Not a directory)"):
        make_folder(tmp_path / "file" / "inside")


def test_errors_that_are_not_the_systems_pass_as_they_are(tmp_path):
    error = ValueError("of a network")

    def fail():
        with atomic_path(tmp_path / "ours"):
            raise error

    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the very one
        fail()
    assert caught.value is error


def test_abandoned_writes_are_removed_and_none_begins(tmp_path):
    code = f"""
import sys, threading
sys.path[:0] = {sys.path!r}
from property_cnn.common.files import abandon_writes, atomic_path, atomic_write
writing = atomic_path({str(tmp_path / "ours")!r})
writing.__enter__().write_text("half")
abandon_writes()
other = threading.Thread(target=atomic_write, args=({str(tmp_path / "other")!r}, ""), daemon=True)
other.start()
other.join(0.2)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert os.listdir(tmp_path) == []
