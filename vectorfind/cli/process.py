"""The command line's process: its memory, streams that may be closed, signals, and its end."""

from __future__ import annotations

import _thread
import errno
import io
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

import click

KEEPING = {
    "test": ("out", "store"),
    "evaluate": ("out",),
    "curve": ("out", "store"),
    "find": ("store",),
    "sample": ("store",),
    "finetune": ("out",),
    "finetune faces": ("out",),
    "finetune filter": ("out",),
    "finetune classifiers": ("out",),
    "invert": ("out",),
    "hair teacher": ("out",),
    "hair distill": ("out",),
    "hair compare": ("out",),
}
"""Commands that go on where they were stopped, and the options that name what they keep."""

PATIENCE = 10.0
"""Seconds after a signal within which the process ends, whatever it was at."""


class Stopped(BaseException):
    """A signal asks the process to end; no `except Exception` holds it up.

    Attributes:
        number: of the signal.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number


class PatientFile(io.FileIO):
    """A file that takes what it is given, also where the system takes nothing more.

    Attributes:
        refused: why it did not, if so.
    """

    refused: OSError | None = None

    def write(self, data: bytes) -> int | None:
        """As of any file; the first refusal is kept, and all that is left is dropped."""
        if self.refused is None:
            try:
                return super().write(data)
            except OSError as error:
                self.refused = error
        return len(data)


def patient_streams() -> PatientFile:
    """Lets nothing fail because stdout or stderr is closed, full or read by no one any more.

    Closed ones become the null device, so that no file that is opened later takes their place;
    letters that their encoding lacks are escaped.

    Returns:
        The file of stdout.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    files = [PatientFile(number, "w", closefd=False) for number in (1, 2)]
    for name, file in zip(("stdout", "stderr"), files, strict=True):
        before = getattr(sys, name)
        stream = io.TextIOWrapper(
            io.BufferedWriter(file),
            encoding=getattr(before, "encoding", None) or "utf-8",
            errors="backslashreplace",
            line_buffering=name == "stderr" or file.isatty(),
        )
        setattr(sys, name, stream)
    return files[0]


def catch_signals() -> None:
    """SIGINT, SIGTERM and SIGHUP raise `Stopped` in the main thread; a second one ends at once.

    One that was ignored from the start, as SIGHUP by `nohup`, stays so.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def stop_message(number: int) -> str:
    """What is kept of the command that runs in this thread, and how it goes on."""
    context = click.get_current_context(silent=True)
    words = context.command_path.split(" ", 1)[1:] if context else []
    options = KEEPING.get(words[0], ()) if words else ()
    folders = [str(context.params[name]) for name in options if context.params.get(name)]
    stopped = f"Stopped by {signal.Signals(number).name}"
    if not folders and words != ["test"]:
        return f"{stopped}: nothing is half-written; give the same command again to start anew"
    where = f" in {' and '.join(folders)}" if folders else ""
    without = " without --overwrite" if context.params.get("overwrite") else ""
    return f"{stopped}: what was finished is kept{where}; the same command{without} goes on there"


def end(code: int, message: str = "") -> NoReturn:
    """Ends the process now, with a line on stderr; no thread or half-written file is left.

    Threads that still compute would abort a usual end of the interpreter.
    """
    from property_cnn.common.files import abandon_writes

    abandon_writes()
    executors = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(executors, "_executor", None)
    if executor is not None:
        executor.shutdown(kill_workers=True)
    _print(message)
    os._exit(code)


def finish(code: object, printed: PatientFile) -> NoReturn:
    """Ends the process after its command.

    Args:
        code: its exit code; None for 0.
        printed: of stdout, which may have refused the result: 2 then, but for a reader who left.
    """
    code = code if isinstance(code, int) else 0 if code is None else 1
    sys.stdout.flush()
    sys.stderr.flush()
    refused = printed.refused
    if refused is not None and refused.errno != errno.EPIPE and code == 0:
        _print(f"Error: the work is done, but stdout refuses the result: {refused.strerror}")
        code = 2
    if any(thread.daemon for thread in threading.enumerate()):
        end(code)
    sys.exit(code)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda again, _: os._exit(128 + again))
    message = stop_message(number)
    _thread.start_new_thread(_end_later, (128 + number, message))
    raise Stopped(message, number)


def _end_later(code: int, message: str) -> None:
    """For an exception that was lost on its way, e.g. in an object's `__del__`."""
    time.sleep(PATIENCE)
    end(code, message)


def _print(message: str) -> None:
    """A line on stderr, after whatever a progress line has left there."""
    if message:
        start = "\n" if sys.stderr.isatty() else ""
        sys.stdout.flush()
        sys.stderr.write(f"{start}{message}\n")
        sys.stderr.flush()
