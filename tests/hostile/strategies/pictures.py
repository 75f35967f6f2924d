"""Pictures of every kind that is read: damaged bytes, damaged EXIF, sizes that cannot be."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from hypothesis import strategies as st
from PIL import Image, features

from tests.hostile.strategies.damage import damaged

_KINDS = {
    "JPEG": ("RGB", {"quality": 80}),
    "PNG": ("RGBA", {}),
    "WEBP": ("RGB", {}),
    "AVIF": ("RGB", {}),
    "TIFF": ("RGB", {}),
    "GIF": ("P", {}),
    "BMP": ("L", {}),
}
"""Format -> mode and options of a small picture of it."""


@cache
def whole(form: str) -> bytes:
    """A small picture of a format with EXIF data, where it has any; 16 bits deep for "PNG16"."""
    rng = np.random.default_rng(0)
    if form == "PNG16":
        deep = Image.fromarray(rng.integers(0, 65_536, (24, 20), dtype=np.uint16))
        return _saved(deep, "PNG")
    mode, options = _KINDS[form]
    picture = Image.fromarray(rng.integers(0, 256, (24, 20, 3), dtype=np.uint8)).convert(mode)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a face"  # orientation and description
    with_exif = form in ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")
    return _saved(picture, form, **options, **({"exif": exif} if with_exif else {}))


def forms() -> tuple[str, ...]:
    """The formats that this Pillow writes."""
    lacking = {form for form in ("WEBP", "AVIF") if not features.check(form.lower())}
    return tuple(form for form in (*_KINDS, "PNG16") if form not in lacking)


def hostile_exif() -> st.SearchStrategy[bytes]:
    """A JPEG whose EXIF block is of any bytes, or a whole one that is damaged."""
    data = whole("JPEG")
    size = struct.unpack(">H", data[4:6])[0] if data[2:4] == b"\xff\xe1" else 0
    start = 4 if size else 2
    block = data[start + 2 : start + size] if size else b"Exif\0\0II*\0\x08\0\0\0"
    rest = data[start + size :] if size else data[2:]

    def jpeg(exif: bytes) -> bytes:
        marked = b"Exif\0\0" + exif
        return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(marked) + 2) + marked + rest

    begins = st.sampled_from((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"II", b""))
    made = st.builds(lambda head, tail: jpeg(head + tail), begins, st.binary(max_size=64))
    own = damaged(block.removeprefix(b"Exif\0\0")).map(lambda exif: jpeg(exif[:60_000]))
    return st.one_of(made, own)


def hostile_sizes() -> st.SearchStrategy[bytes]:
    """PNGs whose header tells of any size, depth and kind of colour."""
    side = st.sampled_from((0, 1, 20, 8000, 9000, 13_000, 60_000, 2**31 - 1, 2**32 - 1))
    depth, kind = st.sampled_from((1, 8, 16, 3)), st.sampled_from((0, 2, 3, 4, 6, 9))
    return st.builds(png, side, side, depth, kind)


def png(width: int, height: int, depth: int = 8, kind: int = 2) -> bytes:
    """A PNG with this header and next to no pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    data = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(64)))
    return b"\x89PNG\r\n\x1a\n" + data + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def _saved(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()
