"""Zip archives as torch.save writes them: where each entry's bytes lie, with nothing unpacked.

Entries are stored as they are, never compressed, so each one is a span of the file. Names are only
compared, and nothing is written anywhere. (PKWARE, APPNOTE.TXT, sections 4.3 and 4.5.)
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.symbols import Span

MAX_ENTRIES = 2**16

FULL = 0xFFFFFFFF
"""A size or place that stands in the entry's 64-bit extension instead."""

END, END64, LOCATOR64, CENTRAL, LOCAL = (
    b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04",
)  # fmt: skip


class _Entry(NamedTuple):
    name: str
    span: Span


def read_archive(data: Data, start: int = 0, end: int | None = None) -> dict[str, Span]:
    """The entries of an archive: name -> where its bytes are.

    Args:
        data: what holds it, from `start` to `end`.

    Raises:
        CheckpointError: it is damaged, compressed or encrypted, or its names, sizes or places
            contradict each other, leave the archive or stand twice.
    """
    end = len(data) if end is None else end
    count, at, size = _directory(data, start, end)
    if count > MAX_ENTRIES:
        raise CheckpointError(f"its archive has {count} entries; at most {MAX_ENTRIES} are read")
    if at < start or size > end - at:
        raise _damaged("a list of entries outside the file")
    directory_end, place, entries = at + size, at, {}
    for _ in range(count):
        entry, place = _read_entry(data, start, place, directory_end, limit=at)
        if entry.name in entries:
            raise _damaged(f"two entries {entry.name[:60]!r}")
        entries[entry.name] = entry.span
    if sum(span.length for span in entries.values()) > at - start:
        raise _damaged("entries that lie upon each other")
    return entries


def _directory(data: Data, start: int, end: int) -> tuple[int, int, int]:
    """How many entries there are, and where their list starts and how long it is."""
    tail = data[max(start, end - 22 - 0xFFFF) : end]
    found = tail.rfind(END)
    place = end - len(tail) + found
    if found < 0 or place + 22 > end:
        raise CheckpointError("its archive has no end; the file is cut off")
    count, size, at = struct.unpack("<HII", data[place + 10 : place + 20])
    if FULL in (size, at) or count == 0xFFFF:
        return _directory64(data, start, place)
    return count, start + at, size


def _directory64(data: Data, start: int, place: int) -> tuple[int, int, int]:
    locator = data[place - 20 : place] if place - start >= 20 else b""
    if locator[:4] != LOCATOR64:
        raise _damaged("no 64-bit end")
    at = start + struct.unpack("<Q", locator[8:16])[0]
    record = data[at : at + 56] if at <= place - 56 else b""
    if record[:4] != END64:
        raise _damaged("no 64-bit end")
    count, size, directory = struct.unpack("<QQQ", record[32:56])
    return count, start + directory, size


def _read_entry(data: Data, start: int, place: int, end: int, limit: int) -> tuple[_Entry, int]:
    """An entry of the list, and where the next one is."""
    head = data[place : place + 46] if place + 46 <= end else b""
    if head[:4] != CENTRAL:
        raise _damaged("a damaged list of entries")
    flags, method = struct.unpack("<HH", head[8:12])
    packed, size, name_size, extra_size, note_size = struct.unpack("<IIHHH", head[20:34])
    (at,) = struct.unpack("<I", head[42:46])
    following = place + 46 + name_size + extra_size + note_size
    if following > end:
        raise _damaged("a damaged list of entries")
    raw = data[place + 46 : place + 46 + name_size]
    name = _checked_name(raw)
    extra = data[place + 46 + name_size : place + 46 + name_size + extra_size]
    size, packed, at = _extended(extra, size, packed, at)
    if method or flags & 1 or packed != size:
        raise CheckpointError(
            f"entry {name[:60]!r} of its archive is compressed or encrypted, as torch.save never "
            "does; unpack the archive, or save the weights again"
        )
    at += start
    local = data[at : at + 30] if at + 30 <= limit else b""
    if local[:4] != LOCAL:
        raise _damaged(f"no entry {name[:60]!r} where its list has it")
    name_size, extra_size = struct.unpack("<HH", local[26:30])
    first = at + 30 + name_size + extra_size
    if data[at + 30 : at + 30 + name_size] != raw or size > limit - first:
        raise _damaged(f"an entry {name[:60]!r} that differs from its list")
    return _Entry(name, Span(first, size)), following


def _checked_name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise _damaged("a name that is no text") from error
    if name.startswith("/") or set(name) & set("\\\0:") or ".." in name.split("/"):
        raise CheckpointError(
            f"entry {name[:60]!r} of its archive would leave the folder that it is unpacked to; "
            "no torch.save wrote this file"
        )
    return name


def _extended(extra: bytes, size: int, packed: int, at: int) -> tuple[int, int, int]:
    """Sizes and place, of the 64-bit extension where they stand there."""
    if FULL not in (size, packed, at):
        return size, packed, at
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack("<HH", extra[place : place + 4])
        if kind == 1:
            body = extra[place + 4 : place + 4 + length]
            numbers = iter(struct.unpack(f"<{len(body) // 8}Q", body[: len(body) // 8 * 8]))
            size = next(numbers, size) if size == FULL else size
            packed = next(numbers, packed) if packed == FULL else packed
            return size, packed, next(numbers, at) if at == FULL else at
        place += 4 + length
    return size, packed, at


def _damaged(what: str) -> CheckpointError:
    return CheckpointError(f"its archive has {what}; the file is damaged")
