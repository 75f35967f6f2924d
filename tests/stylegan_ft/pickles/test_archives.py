"""Archives: entries lie where zipfile says, and what contradicts itself is refused."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.archives import read_archive


def archive(entries: dict[str, bytes], way: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as file:
        for name, held in entries.items():
            file.writestr(name, held)
    return out.getvalue()


def contents(data: bytes, start: int = 0) -> dict[str, bytes]:
    spans = read_archive(data, start)
    return {name: data[span.start : span.start + span.length] for name, span in spans.items()}


ENTRIES = {"a/data.pkl": b"pickle", "a/data/0": bytes(range(256)) * 3, "a/empty": b"", "a/é": b"x"}


def test_entries_are_those_of_zipfile():
    assert contents(archive(ENTRIES)) == ENTRIES
    assert contents(b"before" + archive(ENTRIES), 6) == ENTRIES


@pytest.mark.parametrize("force", [False, True])
def test_64_bit_sizes_are_read(force):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, held in ENTRIES.items():
            with file.open(name, "w", force_zip64=force) as entry:
                entry.write(held)
    assert contents(out.getvalue()) == ENTRIES


def test_a_64_bit_list_of_entries_is_read():
    data = archive(ENTRIES)
    end = data.rindex(b"PK\x05\x06")
    count, size, at = struct.unpack("<HII", data[end + 10 : end + 20])
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, at)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    last = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    assert contents(data[:end] + record + locator + last) == ENTRIES
    with pytest.raises(CheckpointError, match="64-bit"):
        read_archive(data[:end] + record + b"PK\x06\x08" + locator[4:] + last)


def test_what_torch_saves_is_read():
    out = io.BytesIO()
    torch.save({"w": torch.arange(5.0)}, out)
    with zipfile.ZipFile(out) as file:
        expected = {name: file.read(name) for name in file.namelist()}
    assert contents(out.getvalue()) == expected


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:x", "a/.."])
def test_names_that_leave_the_folder_are_refused(name):
    with pytest.raises(CheckpointError, match="would leave the folder"):
        read_archive(archive({**ENTRIES, name: b"x"}))


def test_compressed_entries_are_refused():
    with pytest.raises(CheckpointError, match="compressed"):
        read_archive(archive({"a/data.pkl": bytes(10_000)}, zipfile.ZIP_DEFLATED))


def test_names_that_stand_twice_are_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file.writestr("a", b"1")
        file.writestr("a", b"2")
    with pytest.raises(CheckpointError, match="two entries 'a'"):
        read_archive(out.getvalue())


def test_entries_that_lie_upon_each_other_are_refused():
    data = bytearray(archive({"a": bytes(100), "b": bytes(100), "c": bytes(100)}))
    first = data.index(b"PK\x01\x02")
    for k in range(3):  # each entry of the list is 47 bytes; make all of them 300 bytes long
        data[first + 47 * k + 20 : first + 47 * k + 28] = struct.pack("<II", 300, 300)
    with pytest.raises(CheckpointError, match=r"upon each other|differs from its list"):
        read_archive(bytes(data))


def test_other_names_before_the_bytes_are_refused():
    data = archive(ENTRIES).replace(b"a/data/0", b"a/data/1", 1)
    with pytest.raises(CheckpointError, match="differs from its list"):
        read_archive(data)


def test_too_many_entries_are_refused_unread():
    data = bytearray(archive(ENTRIES))
    end = data.rindex(b"PK\x05\x06")
    data[end + 10 : end + 12] = struct.pack("<H", 0xFFFE)
    with pytest.raises(CheckpointError):
        read_archive(bytes(data))


def test_truncations_are_refused():
    data = archive(ENTRIES)
    for size in range(len(data)):
        with pytest.raises(CheckpointError):
            read_archive(data[:size])


def test_random_damage_gives_entries_or_the_error():
    data, rng = archive(ENTRIES), random.Random(0)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] = rng.randrange(256)
        try:
            spans = read_archive(bytes(damaged))
        except CheckpointError:
            refused += 1
        else:
            assert all(span.start + span.length <= len(data) for span in spans.values())
    assert 0 < refused < 2000
