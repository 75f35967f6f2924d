"""Progress of long work: one line that rewrites itself on a terminal, plain lines elsewhere.

Before it begins, it is told how much it will be, and refused where the disk has no room for it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from property_cnn.common.errors import FileError


class Progress:
    """Counts finished items of a known total and tells rate and remaining time on stderr.

    Args:
        label: what is being done, e.g. "sampling".
        total: how many items there will be.
        unit: plural name of an item, e.g. "images".
        quiet: print nothing.
        stream: where to print; `sys.stderr` if not given. Where it is closed or full, nothing is
            told any more, and the work goes on.
        interval: least seconds between two lines where the stream is no terminal.
    """

    def __init__(
        self,
        label: str,
        total: int,
        unit: str = "items",
        quiet: bool = False,
        stream: TextIO | None = None,
        interval: float = 10.0,
    ):
        self.label, self.total, self.unit = label, total, unit
        self.stream = stream if stream is not None else sys.stderr  # None where it is closed
        self.quiet = quiet or self.stream is None or self.stream.closed
        self.terminal = not self.quiet and self.stream.isatty()
        self.interval = 0.2 if self.terminal else interval
        self.done = self.before = 0
        self.started = self.shown = time.monotonic()

    def foresee(self, items: int | None = None, size: int = 0, folder: Any = None) -> None:
        """Tells what is to come, before it begins.

        Args:
            items: how many are to be made; all of them if not given.
            size: bytes that these will take in `folder`, roughly.
            folder: where they go, which need not be there yet; or a URL, whose room is not known.

        Raises:
            FileError: the disk has no room for them.
        """
        items = self.total if items is None else items
        if not items:
            return
        where = ""
        if folder is not None:
            if isinstance(folder, os.PathLike):
                check_room(folder, size)
            where = f", about {size_text(size)} in {folder}"
        self.note(f"{self.label}: {items:,} {self.unit} to make{where}")

    def expect(self) -> None:
        """Tells how long what is left will take at the rate so far; nothing where that is short."""
        seconds = time.monotonic() - self.started
        made, left = self.done - self.before, self.total - self.done
        if made and seconds * left / made >= self.interval:
            rate, clock = made / max(seconds, 1e-9), _clock(seconds * left / made)
            self.note(f"{self.label}: about {clock} for the rest, at {rate:,.1f} {self.unit}/s")

    def advance(self, items: int = 1) -> None:
        """Adds finished items; prints when the last line is old enough or all is done."""
        self.done += items
        now = time.monotonic()
        if not self.quiet and (self.done >= self.total or now - self.shown >= self.interval):
            self.shown = now
            self._show(now)

    def skip(self, items: int) -> None:
        """Counts items that were there before; they do not enter the rate."""
        self.done += items
        self.before += items

    def note(self, text: str) -> None:
        """Prints a line of its own."""
        self._print(f"{text}\n")

    def _show(self, now: float) -> None:
        rate = (self.done - self.before) / max(now - self.started, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        line = (
            f"{self.label}: {self.done:,}/{self.total:,} {self.unit}, "
            f"{rate:,.1f}/s, {_clock(left)} left"
        )
        if self.terminal:
            self._print(f"\r{line:<78}" + ("\n" if self.done >= self.total else ""))
        else:
            self._print(line + "\n")

    def _print(self, text: str) -> None:
        if self.quiet:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # full, or closed by now
            self.quiet = True


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def check_room(folder: str | os.PathLike, size: int) -> None:
    """Raises FileError where the disk of the folder, there or not, has no room for `size` bytes."""
    path = Path(folder).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    free = shutil.disk_usage(path).free
    if size > free:
        refused = FileError(
            f"{folder} would take about {size_text(size)}, where {size_text(free)} are free; "
            "make room, choose another place, or ask for less"
        )
        refused.errno = errno.ENOSPC
        raise refused


def size_text(size: float) -> str:
    """Bytes as one reads them, e.g. "2.5 GiB"."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, "TiB"
    return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
