"""Files that hold no weights say what they are, whatever their name."""

from __future__ import annotations

import pickle

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.foreign import foreign_kind
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import detect

PAGE = b"<!DOCTYPE html><html><head><title>Virus scan warning</title></head></html>"
SAFETENSORS = (5000).to_bytes(8, "little") + b'{"w":{"dtype":"F32"'

SAID = {
    "web page": PAGE,
    "page after blanks": b"\n \r\n" * 20 + PAGE,
    "page behind a mark": b"\xef\xbb\xbf" + PAGE,
    "page in UTF-16": PAGE.decode().encode("utf-16"),
    "pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
    'message in JSON, \'{"error": "Repository not found"}\'': (
        b'\n{"error": "Repository not found"}'
    ),
    "text, 'Entry not found'": b"Entry not found\n",
    "text, 'cannot find it.'": b"cannot find it.",  # "c" and "." also begin and end a pickle
    "text, 'Entrée'": "Entrée".encode(),
    "safetensors file that is cut off": SAFETENSORS,
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "compressed by xz": b"\xfd7zXZ\x00" + bytes(50),
    "no file of weights": bytes(50),
}


@pytest.mark.parametrize("said", SAID)
def test_what_a_file_is_instead_is_said_in_a_line(tmp_path, said):
    path = tmp_path / "model.pkl"
    path.write_bytes(SAID[said])
    with pytest.raises(CheckpointError) as raised:
        describe_file(path)
    wanted = "web page" if said.startswith("page") else said
    assert wanted in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.4, 0.95])
def test_a_download_that_was_cut_off_is_told(tmp_path, zipped, share):
    path = tmp_path / "model.pt"
    state = {f"layer{k}": torch.zeros(300) for k in range(5)}
    torch.save({"g_ema": state}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="cut off"):
        describe_file(path)


def test_pickles_of_the_first_protocol_are_no_texts():
    written = pickle.dumps(torch.Size((2,)), protocol=0)
    assert written[:1] == b"c"
    assert detect(written) == "pickle"


def test_nothing_is_said_of_other_bytes():
    assert foreign_kind(b"\x00\x01\x02") == ""
