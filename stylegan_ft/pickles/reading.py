"""The bytes of a file, read forward with bounds: numbers, texts, lines, and spans left in place."""

from __future__ import annotations

import codecs
import mmap
import warnings

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.symbols import Span

Data = bytes | bytearray | mmap.mmap
"""What is read: the bytes, or the map of a file."""

TEXT = 1024
"""Bytes of the longest text that is taken out of the file, and of a line."""


UTF = "utf-8"
LETTER_ESCAPES = "raw-unicode-escape"
BYTE_ESCAPES = "string-escape"
"""Codings of texts: of protocol 1 and later, and of protocol 0 for texts and for bytes."""


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
            return Span(self._step(count), count, UTF)
        self.charge(4 * count)
        return _decoded(self.take(count))

    def string(self, count: int) -> str | Span:
        """The next string of Python 2, text or bytes: a text where it is short and ASCII."""
        span = self.span(count)
        if count <= TEXT:
            self.charge(4 * count)
            held = self.data[span.start : span.start + count]
            if held.isascii():
                return held.decode()
        return span

    def escaped(self, coding: str) -> str | Span:
        """The text up to the next line's end, with escapes; one that is long stays in the file."""
        found = self.data.find(b"\n", self.at, self.end)
        if found < 0:
            raise CheckpointError("its pickle has a line without an end; the file is damaged")
        span = Span(self.at, found - self.at, coding)
        self.at = found + 1
        if coding == BYTE_ESCAPES:
            ends = self.data[span.start : span.start + 1], self.data[found - 1 : found]
            if span.length < 2 or ends[0] != ends[1] or ends[0] not in (b"'", b'"'):
                raise damaged("has a text that is none")
            span = Span(span.start + 1, span.length - 2, coding)
        if span.length > TEXT:
            return span
        self.charge(4 * span.length)
        if coding == BYTE_ESCAPES:
            held = bytes_of(self.data, span)
            return held.decode() if held.isascii() else span
        return text_of(self.data, span)

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
    """The text of a span.

    Raises:
        CheckpointError: it is none.
    """
    held = data[span.start : span.start + span.length]
    if span.coding == BYTE_ESCAPES:
        held = _unescaped(held)
    return _decoded(held, LETTER_ESCAPES if span.coding == LETTER_ESCAPES else UTF)


def bytes_of(data: Data, written: str | Span) -> bytes:
    """The bytes that a text stands for, each letter for one.

    Raises:
        CheckpointError: it is no such text.
    """
    if isinstance(written, Span):
        held = data[written.start : written.start + written.length]
        if written.coding == BYTE_ESCAPES:
            return _unescaped(held)
        if not written.coding:
            return held
        written = _decoded(held, written.coding)
    try:
        return written.encode("latin-1")
    except UnicodeEncodeError as error:
        raise damaged("has bytes that are none") from error


def _unescaped(text: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing, and stay as they are
            return codecs.escape_decode(text)[0]
    except ValueError as error:
        raise damaged("has a text that is none") from error


def _decoded(text: bytes, coding: str = UTF) -> str:
    try:
        return text.decode(coding)
    except UnicodeDecodeError as error:
        raise damaged("has a text that is none") from error
