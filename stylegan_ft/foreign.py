"""What a file is that holds no weights: a page, message or pointer in a checkpoint's place."""

from __future__ import annotations

import codecs
import re

from stylegan_ft.pickles.reading import Data

LOOKED_AT = 4096
"""Bytes of a file's beginning that tell."""

FIRST = {
    b"\x93NUMPY": "a NumPy array, not a network",
    b"\x89HDF": "an HDF5 file, not one of PyTorch; convert it first",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard; unpack it first",
    b"BZh": "compressed by bzip2; unpack it first",
    b"\xfd7zXZ": "compressed by xz; unpack it first",
    b"\x89PNG": "a picture; give the network's file",
    b"\xff\xd8\xff": "a picture; give the network's file",
    b"%PDF": "a PDF; give the network's file",
}
"""First bytes -> what a file is that holds no weights of PyTorch."""

FIRST_OF_TEXT = {
    "version https://git-lfs": "a pointer of Git LFS; fetch the file itself by `git lfs pull`",
    "<": "a web page; download the file itself",
    "{": "a message in JSON",
    "[": "a message in JSON",
}
"""As `FIRST`, of a text without the blanks before it."""

SHOWN = 60
"""Letters of a text that are shown."""

_LARGEST_HEADER = 100_000_000  # of safetensors, in bytes
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_GLOBAL = re.compile(rb"c[\w.]+\r?\n[\w.]+\r?\n")


def foreign_kind(data: Data) -> str:
    """What a file is that is none of weights, for "it is …"; "" where nothing tells."""
    head = bytes(data[:LOOKED_AT])
    size = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and len(data) - 8 < size <= _LARGEST_HEADER:
        return "a safetensors file that is cut off; download it again"
    for first, kind in FIRST.items():
        if head.startswith(first):
            return kind
    text = _text(head)
    if text is None or not text.strip():
        return ""
    said = " ".join(text.split())
    said = said if len(said) <= SHOWN else f"{said[: SHOWN - 1]}…"
    found = next((k for first, k in FIRST_OF_TEXT.items() if text.lstrip().startswith(first)), "")
    if found and "JSON" not in found:
        return found
    return f"{found or 'a text'}, {said!r}; download the file itself"


def names_a_global(data: Data) -> bool:
    """Whether a file begins as a pickle of protocol 0 with a name, and not as a word with "c"."""
    return bool(_GLOBAL.match(bytes(data[:512])))


def _text(head: bytes) -> str | None:
    """The beginning of a text; None where it is none."""
    coding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    try:
        text = codecs.getincrementaldecoder(coding)().decode(head)  # its last letter may be cut
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter.isspace() for letter in text) else None
