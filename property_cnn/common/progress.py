"""Progress of long work: one line that rewrites itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO


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
