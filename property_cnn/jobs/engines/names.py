"""Names of engines, as the command line and Python take them.

threads                     this process's threads; the default
dask-local:4, ray-local:4   so many processes of this machine, which end with the command
dask://host:8786            the workers of a Dask scheduler
ray://host:10001            those of a Ray cluster, by the port of its client server
dask://host:8786/scratch/x  the same, with a folder that all of them see
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from property_cnn.common.errors import InputError

THREADS = "threads"
KINDS = ("dask", "ray")
MOST_WORKERS = 1024
"""Of one machine."""

_LOCAL = re.compile(r"(dask|ray)-local:(\d{1,6})", re.ASCII)
_REMOTE = re.compile(r"(dask|ray)://([^/:\s]+|\[[0-9a-fA-F:]+\]):(\d{1,5})(/\S*)?", re.ASCII)


@dataclass(frozen=True)
class EngineName:
    """A name, taken apart.

    Attributes:
        kind: "dask" or "ray".
        workers: processes to start on this machine; None where others have started them.
        host, port: of those.
        folder: one that all workers see, for what is sent to each of them once; None for the
            current one.
    """

    kind: str
    workers: int | None = None
    host: str = ""
    port: int = 0
    folder: Path | None = None

    def __str__(self) -> str:
        if self.workers is not None:
            return f"{self.kind}-local:{self.workers}"
        return f"{self.kind}://{self.host}:{self.port}"


def engine_name(given: str) -> EngineName | None:
    """The parts of an engine's name; None for threads.

    Raises:
        InputError: it is none of those that this module lists.
    """
    if given == THREADS:
        return None
    if match := _LOCAL.fullmatch(given):
        workers = int(match[2])
        if 1 <= workers <= MOST_WORKERS:
            return EngineName(match[1], workers)
        raise InputError(f"engine {given}: got {workers} workers; give 1 to {MOST_WORKERS}")
    match = _REMOTE.fullmatch(given)
    if match and 1 <= int(match[3]) <= 65535:
        folder = None if (match[4] or "/") == "/" else Path(match[4])
        return EngineName(match[1], None, match[2], int(match[3]), folder)
    raise InputError(
        f"engine {given!r} is not one; give threads, dask-local:4, ray-local:4, "
        "dask://host:8786 or ray://host:10001"
    )
