"""What tests send to engines' processes; each of them imports this, so it imports little itself."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from property_cnn.common.errors import FileError
from property_cnn.common.tasks import in_threads


def once(marker: Path) -> bool:
    """Whether this is the first call, in whatever process."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def add(number, array):
    import torch

    assert in_threads()
    return number + array[number], os.getpid(), torch.get_num_threads()


def slow_if_first(number):
    time.sleep(0.0 if number else 0.5)
    return number


def fail(number):
    raise KeyError(f"task {number}")


def full_once(number, marker):
    if once(marker):
        raise OSError(errno.ENOSPC, "no space")
    return number


def full_in_one(number, folder):
    """Fails wherever the first call was."""
    if once(folder / "full"):
        (folder / "pid").write_text(str(os.getpid()))
    time.sleep(0.05)
    if (folder / "pid").read_text() == str(os.getpid()):
        raise OSError(errno.ENOSPC, "no space")
    return os.getpid()


def full(number):
    error = FileError(f"cannot write {number}")
    error.errno = errno.ENOSPC
    raise error


def loaded(*modules):
    return [name for name in modules if name in sys.modules]


def pid_after(number):
    time.sleep(0.1)
    return os.getpid()
