"""Files are whole or absent."""

from __future__ import annotations

import hashlib
import os

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import (
    atomic_path,
    atomic_write,
    file_digest,
    load_tensors,
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
