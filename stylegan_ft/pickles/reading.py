"""The bytes of a file, read forward with bounds: numbers, texts, lines, and spans left in place."""

from __future__ import annotations

import mmap

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.symbols import Span

Data = bytes | bytearray | mmap.mmap
"""What is read: the bytes, or the map of a file."""

TEXT = 1024
"""Bytes of the longest text that is taken out of the file, and of a line."""


class Reader:
    """Reads a part of a file, and counts the memory that what it gives may take.

    Args:
        data: what holds it.
        start, end: where the part starts and ends.
        allowance: bytes of memory that may be taken.

    Attributes:
        at: the next byte.
    """

    def __init__(self, data: Data, start: int, end: int, allowance: int):
        self.data, self.at, self.end = data, start, end
        self._left = allowance

    def charge(self, cost: int) -> None:
        """Counts memory that may be taken."""
        self._left -= cost
        if self._left < 0:
            raise CheckpointError("its pickle has more parts than any file of weights")

    def span(self, count: int) -> Span:
        """Where the next bytes are; steps over them."""
        return Span(self._step(count), count)

    def take(self, count: int) -> bytes:
        """The next bytes."""
        start = self._step(count)
        return self.data[start : start + count]

    def byte(self) -> int:
        """The next byte."""
        return self.data[self._step(1)]

    def number(self, size: int, signed: bool = False) -> int:
        """The next little-endian integer of that many bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def text(self, count: int) -> str | Span:
        """The next text of that many bytes; one that is long stays in the file."""
        if count > TEXT:
            return self.span(count)
        self.charge(4 * count)
        return _decoded(self.take(count))

    def line(self) -> str:
        """The text up to the next line's end."""
        found = self.data.find(b"\n", self.at, min(self.end, self.at + TEXT))
        if found < 0:
            raise CheckpointError("its pickle has a line without an end; the file is damaged")
        self.charge(4 * (found - self.at))
        text = _decoded(self.take(found - self.at))
        self.at += 1
        return text

    def _step(self, count: int) -> int:
        """Steps over bytes; where they start."""
        start = self.at
        if count > self.end - start:
            raise CheckpointError("its pickle ends too early; the file is cut off or damaged")
        self.at = start + count
        return start


def damaged(how: str) -> CheckpointError:
    """The error of a pickle that contradicts itself."""
    return CheckpointError(f"its pickle {how}; the file is damaged")


def text_of(data: Data, span: Span) -> str:
    """The text of a span."""
    return _decoded(data[span.start : span.start + span.length])


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise damaged("has a text that is none") from error
