"""What the C library does with memory that a process frees."""

from __future__ import annotations

import ctypes
import platform

_SETTINGS = ((-3, 2**26), (-1, 2**29), (-2, 2**26))
"""glibc's numbers of M_MMAP_THRESHOLD, M_TRIM_THRESHOLD and M_TOP_PAD, and values in bytes.

Blocks of more than 64 MiB, which hold a network's samples rather than a batch's maps, still go
back at once.
"""


def keep_freed_memory() -> bool:
    """Asks glibc to keep what this process frees, for the rest of its life.

    glibc gives large freed blocks back at once, and the next batch's maps are then mapped and
    cleared anew, page by page. Dask's workers are started with settings that make it worse.

    For a program that is its process's only user, such as the command line or a worker:
    `import vectorfind` does not do it. Without glibc nothing happens.

    Returns:
        Whether it took effect.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([mallopt(option, value) == 1 for option, value in _SETTINGS])
