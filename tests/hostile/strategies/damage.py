"""Bytes damaged in many ways, whatever they hold, and Hypothesis' strategy of them."""

from __future__ import annotations

import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable

from hypothesis import strategies as st

HUGE = (0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1)

Way = Callable[[bytearray, random.Random], bytes | bytearray]


def changed(data: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def flipped(data: bytearray, rng: random.Random) -> bytes:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def huge_numbers(data: bytearray, rng: random.Random) -> bytes:
    number = rng.choice(HUGE)
    raw = number.to_bytes(8, "little")[: max(1, (number.bit_length() + 7) // 8)]
    place = rng.randrange(len(data))
    data[place : place + len(raw)] = raw if rng.random() < 0.5 else raw[::-1]
    return data


def put_in(data: bytearray, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.randint(1, 16))
    return data


def taken_out(data: bytearray, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    del data[place : place + rng.randint(1, 64)]
    return data


def repeated(data: bytearray, rng: random.Random) -> bytes:
    start, place = rng.randrange(len(data)), rng.randrange(len(data))
    data[place:place] = data[start : start + rng.randint(1, 4096)]
    return data


def cut_off(data: bytearray, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def at_start(data: bytearray, rng: random.Random) -> bytes:
    """Headers stand at the start: a byte of the first 256 is changed."""
    data[rng.randrange(min(256, len(data)))] = rng.randrange(256)
    return data


def hostile_archive(data: bytearray, rng: random.Random) -> bytes:
    """The same entries under other names, twice, compressed, or with wrong sizes."""
    out = io.BytesIO()
    names = ("../../data.pkl", "/etc/passwd", "a/../../b", "..\\x", "archive/data.pkl", "C:/x", "é")
    way = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", way) as new,
    ):
        warnings.simplefilter("ignore")  # of names that stand twice
        for name in old.namelist():
            new.writestr(name if rng.random() < 0.9 else rng.choice(names), old.read(name))
            if rng.random() < 0.1:
                new.writestr(name, b"again")
    written = bytearray(out.getvalue())
    return huge_numbers(written, rng) if rng.random() < 0.3 else written


def hostile_header(data: bytearray, rng: random.Random) -> bytes:
    """A safetensors header with a size or a place that cannot be, or another setting."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    name = rng.choice([name for name in header if name != "__metadata__"])
    part = rng.choice(("shape", "data_offsets", "dtype", "settings"))
    if part == "settings":
        text = header["__metadata__"]["vectorfind"]
        digits = [k for k, letter in enumerate(text) if letter.isdigit()]
        place = rng.choice(digits)
        number = rng.choice(("-1", "99999999", "1e999", "NaN", "null", '\\"\\"', "[]"))
        header["__metadata__"]["vectorfind"] = text[:place] + number + text[place + 1 :]
    elif part == "dtype":
        header[name][part] = rng.choice(("F64", "I8", "BOOL", "F8_E4M3", "X"))
    else:
        header[name][part] = rng.choice(([], [2**40, 2**40], [-1, 5], [0, 2**62], [1] * 99, "x"))
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def hostile_npy(data: bytearray, rng: random.Random) -> bytes:
    """An .npy whose header tells of another shape, type or order."""
    place = data.index(b"{")
    header = rng.choice((b"'shape': (", b"'descr': '", b"'fortran_order': "))
    at = data.find(header, place)
    word = rng.choice(
        (b"-1,", b"-2, -2,", b"1" + b"0" * 30 + b",", b"<U9", b"|O", b"<f2", b">c16", b"True",
         b"[('a','<f4')]", b"0,", b"()", b"1.5,", b"2**9,", b"{}", b"'" * 3)
    )  # fmt: skip
    start = at + len(header)
    data[start : start + (len(word) if rng.random() < 0.5 else 0)] = word
    return data


def acting_pickle(data: bytearray, rng: random.Random) -> bytes:
    """A call or, where the pickle holds source code, code that acts."""
    place = data.find(b"class Generator")
    if place >= 0 and rng.random() < 0.5:
        code = rng.choice(
            (b"exec('import os')\n", b"import os; os.abort()\n", b"(" * 200, b"@exec\n" * 300)
        )
        data[place : place + len(code)] = code
        return data
    call = b"cos\nsystem\n(X\x04\x00\x00\x00exittR"
    place = data.find(b"(", rng.randrange(len(data) // 2))
    data[max(place, 0) : max(place, 0)] = call
    return data


def malice(data: bytearray, rng: random.Random) -> bytes:
    """What suits the format: archives, arrays, headers and pickles each have their own."""
    if data.startswith(b"PK"):
        return hostile_archive(data, rng)
    if data.startswith(b"\x93NUMPY"):
        return hostile_npy(data, rng)
    if data[8:9] == b"{":
        return hostile_header(data, rng)
    return acting_pickle(data, rng)


WAYS: tuple[Way, ...] = (
    changed, huge_numbers, put_in, taken_out, repeated, cut_off, flipped, at_start,
)  # fmt: skip
"""What can be done to any bytes."""


def damaged(whole: bytes, *first: Way) -> st.SearchStrategy[bytes]:
    """The bytes, damaged in one way or two.

    Args:
        whole: at least one byte.
        first: ways of its own that its format has, taken before any other.
    """

    def apply(ways: list[Way], seed: int) -> bytes:
        data, rng = whole, random.Random(seed)
        for way in ways:
            data = bytes(way(bytearray(data), rng)) or b"\0"
        return data

    usual = st.lists(st.sampled_from(WAYS), min_size=1, max_size=2)
    own = st.builds(lambda way, more: [way, *more[1:]], st.sampled_from(first or WAYS), usual)
    return st.builds(apply, st.one_of(usual, own), st.integers(0, 2**32 - 1))
