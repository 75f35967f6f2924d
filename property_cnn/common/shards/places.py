"""Where a store's files lie: in a folder, or at a URL that fsspec opens.

    samples                    a folder, of this machine or shared
    s3://bucket/samples        an object store; likewise gs://, az:// and others
    hdfs://node/samples        a file system elsewhere; likewise sftp:// and others

A file at a URL is whole or absent, too: an object appears when all of it has come, and elsewhere
one is written beside and renamed. Arrays are read from copies in the user's cache folder, which
are named by their checksums and made once a machine.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import json
import os
import socket
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from platformdirs import user_cache_path

from property_cnn.common.checks import is_url
from property_cnn.common.errors import CheckpointError, FileError, InputError, VectorfindError
from property_cnn.common.files import (
    PARTIAL,
    atomic_write,
    bytes_digest,
    file_digest,
    reading,
    writing,
)
from property_cnn.common.folders import LOCK, alone_in, clear_partial, writable_folder
from property_cnn.common.prompt import extra_module

if TYPE_CHECKING:
    from upath import UPath

    StorePath = Path | UPath

OBJECTS = frozenset(
    "memory s3 s3a gs gcs az abfs abfss adl oci oss r2 tos obs bos cos cosn".split()
)
"""Protocols that put a file as one object, all or nothing."""

BEAT = 10.0
"""Seconds after which a process tells again that it works at a URL."""

SILENCE = 3 * BEAT
"""Seconds without that after which it counts as dead."""

CACHE = "VECTORFIND_CACHE"
"""Environment variable that names another folder for copies of what lies at URLs."""

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs",
             "abfs": "adlfs", "abfss": "adlfs", "hdfs": "pyarrow", "sftp": "paramiko",
             "ssh": "paramiko"}  # fmt: skip
_GONE = (FileNotFoundError, NotADirectoryError)
_NUMBERS = {PermissionError: errno.EACCES, FileNotFoundError: errno.ENOENT}


def place_of(given: str | os.PathLike | UPath) -> StorePath:
    """The path of a folder, or of what lies at a URL; both join by / and print as they were given.

    Raises:
        InputError: fsspec knows no such URL.
        MissingError: a package that opens it is not installed.
    """
    if not is_url(given):
        return Path(given)
    if not isinstance(given, str):
        return given  # one that was made here
    protocol, _, rest = given.partition("://")
    if protocol in ("file", "local"):
        return Path(f"/{rest.lstrip('/')}" if os.sep == "/" else rest.lstrip("/"))
    extra_module("upath", "remote")
    from fsspec import get_filesystem_class
    from upath import UPath

    try:
        get_filesystem_class(protocol)
    except ValueError as error:
        raise InputError(
            f"{given}: no file system is called {protocol}; give a folder, or a URL as s3://, "
            "gs://, az:// or hdfs://"
        ) from error
    except ImportError as error:
        package = _PACKAGES.get(protocol)
        advice = f"pip install {package}" if package else str(error)[:120]
        raise InputError(f"{given}: what opens {protocol}:// is not installed; {advice}") from error
    with _reached(given), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of protocols that it has no tests of
        # Listings are never kept: other processes write there, too.
        return UPath(given.rstrip("/"), use_listings_cache=False)


@contextmanager
def _reached(path: object) -> Iterator[None]:
    """Whatever goes wrong on the way to a URL becomes a FileError of one line.

    Each package has errors of its own, of which only some are the system's.
    """
    try:
        yield
    except (VectorfindError, *_GONE):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:160] or "no reason given"
        refused = FileError(
            f"cannot reach {path}: {type(error).__name__}: {said}; look at the address and at "
            "your credentials there"
        )
        known = (number for kind, number in _NUMBERS.items() if isinstance(error, kind))
        refused.errno = getattr(error, "errno", None) or next(known, None)
        raise refused from error


def is_there(path: StorePath) -> bool:
    """Whether a file, a folder, or a link to nothing is there."""
    if isinstance(path, Path):
        return os.path.lexists(path)
    with _reached(path):
        return path.exists()


def is_file(path: StorePath) -> bool:
    """Whether a file is there."""
    if isinstance(path, Path):
        return path.is_file()
    with _reached(path):
        return path.is_file()


def is_folder(path: StorePath) -> bool:
    """Whether a folder is there; of an object store, anything below it."""
    if isinstance(path, Path):
        return path.is_dir()
    with _reached(path):
        return path.is_dir()


def children(path: StorePath, pattern: str = "*") -> list[StorePath]:
    """What lies right in a folder, in the order of the names; nothing where there is none."""
    if isinstance(path, Path):
        return sorted(path.glob(pattern))
    try:
        with _reached(path):
            return sorted(each for each in path.iterdir() if fnmatch.fnmatch(each.name, pattern))
    except _GONE:
        return []


def descendants(path: StorePath) -> list[StorePath]:
    """All files below a folder, in the order of their paths."""
    if isinstance(path, Path):
        return [each for each in sorted(path.rglob("*")) if not each.is_dir()]
    with _reached(path):
        found = path.fs.find(path.path, withdirs=False)
    return sorted(_below(path, name) for name in found)


def _below(path: UPath, name: str) -> UPath:
    return path / name.removeprefix(path.path.rstrip("/")).lstrip("/")


def sizes_in(path: StorePath) -> dict[StorePath, int]:
    """Bytes of each file below a folder."""
    if isinstance(path, Path):
        return {each: each.stat().st_size for each in descendants(path) if each.is_file()}
    with _reached(path):
        found = path.fs.find(path.path, withdirs=False, detail=True)
    return {_below(path, name): facts["size"] for name, facts in found.items()}


def read(path: StorePath) -> bytes:
    """All bytes of a file.

    Raises:
        FileError: there is none, or it cannot be read.
    """
    if isinstance(path, Path):
        with reading(path):
            return path.read_bytes()
    try:
        with _reached(path):
            return path.fs.cat_file(path.path)  # at once, while another process may write it anew
    except _GONE as error:
        refused = FileError(f"cannot read {path}: it is not there")
        refused.errno = errno.ENOENT
        raise refused from error


def read_all(paths: Sequence[StorePath]) -> dict[StorePath, bytes]:
    """The bytes of several small files, without those that are gone; at a URL all at once."""
    if not paths or isinstance(paths[0], Path):
        return {path: data for path in paths if (data := read_if_there(path)) is not None}
    with _reached(paths[0].parent):
        system = paths[0].fs
        found = system.cat([path.path for path in paths], on_error="return")
        found = found if isinstance(found, dict) else {paths[0].path: found}
    named = {system._strip_protocol(path.path): path for path in paths}
    kept = {}
    for name, data in found.items():
        if isinstance(data, Exception) and not isinstance(data, _GONE):
            with _reached(named[name]):
                raise data
        if isinstance(data, bytes):
            kept[named[name]] = data
    return kept


def read_if_there(path: StorePath) -> bytes | None:
    """All bytes of a file; None where there is none."""
    try:
        return read(path)
    except FileError as error:
        if error.errno in (errno.ENOENT, errno.EISDIR):
            return None
        raise


def write(path: StorePath, data: bytes | str) -> None:
    """Writes the bytes, or the text as UTF-8, so that all of it is there or what was before."""
    if isinstance(path, Path):
        atomic_write(path, data)
        return
    data = data.encode() if isinstance(data, str) else data
    with _reached(path):
        _put(path, data)


def _put(path: UPath, data: bytes) -> None:
    system = path.fs
    if path.protocol in OBJECTS:
        system.pipe_file(path.path, data)
        return
    beside = path.parent / f"{PARTIAL}{uuid4().hex[:12]}-{path.name}"
    system.makedirs(path.parent.path, exist_ok=True)
    try:
        system.pipe_file(beside.path, data)
        try:
            system.mv(beside.path, path.path)
        except OSError:
            if not path.exists():
                raise
            path.unlink()  # HDFS and SFTP do not rename to a name that is taken
            system.mv(beside.path, path.path)
    except BaseException:
        if beside.exists():
            beside.unlink()
        raise


def remove(path: StorePath) -> None:
    """Removes a file, if it is there."""
    if isinstance(path, Path):
        with writing(path):
            path.unlink(missing_ok=True)
        return
    try:
        with _reached(path):
            path.unlink()
    except _GONE:
        pass


def remove_if_empty(path: StorePath) -> None:
    """Removes a folder that has nothing in it; object stores have none."""
    if isinstance(path, Path):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        return
    with _reached(path):
        if path.protocol not in OBJECTS and path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def remove_partial(path: StorePath) -> None:
    """Removes half-written files right in a folder."""
    if isinstance(path, Path):
        clear_partial(path)
    elif path.protocol not in OBJECTS:
        for each in children(path, f"{PARTIAL}*"):
            remove(each)


def digest_at(path: StorePath) -> str:
    """The digest of a file as it lies there; "" of none."""
    if isinstance(path, Path):
        return file_digest(path) if path.is_file() else ""
    try:
        with _reached(path), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except _GONE:
        return ""


def is_whole(path: StorePath, digest: str) -> bool:
    """Whether a file has this digest; one at a URL is read only where there is no copy of it."""
    if isinstance(path, Path):
        return digest_at(path) == digest
    copy = _copy_path(path, digest)
    try:
        if copy.is_file():
            with _reached(path):
                return path.stat().st_size == copy.stat().st_size
        local_copy(path, digest)
    except _GONE:
        return False
    except (CheckpointError, FileError) as error:
        if isinstance(error, FileError) and error.errno != errno.ENOENT:
            raise
        return False
    return True


def local_copy(path: StorePath, digest: str) -> Path:
    """The path of a file on this machine with what has the digest; of a folder's, its own.

    Raises:
        CheckpointError: what lies at the URL has another digest.
        FileError: nothing does, or it cannot be read.
    """
    if isinstance(path, Path):
        return path
    copy = _copy_path(path, digest)
    if not copy.is_file():
        data = read(path)
        if bytes_digest(data) != digest:
            raise CheckpointError(f"{path} is damaged; the command that made it makes it again")
        atomic_write(copy, data)
    return copy


def cache_folder() -> Path:
    """Where copies of what lies at URLs are kept; it may be removed at any time."""
    given = os.environ.get(CACHE)
    return Path(given) if given else user_cache_path("vectorfind") / "stores"


def _copy_path(path: UPath, digest: str) -> Path:
    return cache_folder() / digest[:2] / f"{digest}{path.suffix}"


def check_writable(path: StorePath) -> None:
    """Tries a file in a folder.

    Raises:
        InputError: nothing can be written there.
    """
    if isinstance(path, Path):
        writable_folder(path)
        return
    trial = path / f"{PARTIAL}{uuid4().hex[:12]}"
    try:
        write(trial, b"")
        remove(trial)
    except (FileError, *_GONE) as error:
        raise InputError(f"{str(error)[:240]} (nothing can be written there)") from error


@contextmanager
def alone_at(path: StorePath, option: str) -> Iterator[None]:
    """Keeps other processes out of a place, as `folders.alone_in`.

    At a URL a file says who works there and is written again every `BEAT` seconds. Where it stays
    the same for `SILENCE`, that process is dead, and this one takes its place.

    Raises:
        InputError: another process works there.
    """
    if isinstance(path, Path):
        with alone_in(path, option):
            yield
        return
    lease = _Lease(path / LOCK)
    lease.take(option)
    stop = threading.Event()
    beats = threading.Thread(target=lease.beat, args=(stop,), daemon=True)
    beats.start()
    try:
        yield
    finally:
        stop.set()
        beats.join()
        lease.leave()


class _Lease:
    """A file at a URL that says who works there, and goes on saying so."""

    def __init__(self, path: UPath):
        self.path, self.token, self.count = path, uuid4().hex, 0

    def take(self, option: str) -> None:
        """Waits until the place is free.

        Raises:
            InputError: another process works there.
        """
        if self._made():
            return
        seen, until = self._read(), time.monotonic() + SILENCE
        while time.monotonic() < until:
            time.sleep(min(1.0, SILENCE / 10))
            now = self._read()
            if now is None and self._made():
                return
            if now != seen:
                who = (now or {}).get("process", "one")
                raise InputError(
                    f"another process works in {self.path.parent} ({who}); wait for it, or choose "
                    f"another {option}"
                )
        self._tell()  # whoever wrote it is dead
        time.sleep(min(1.0, SILENCE / 10))
        if (self._read() or {}).get("token") != self.token:
            raise InputError(f"another process works in {self.path.parent}; wait for it")

    def beat(self, stop: threading.Event) -> None:
        """Says again and again that this process is there."""
        while not stop.wait(BEAT):
            try:
                self._tell()
            except (FileError, *_GONE):  # the work itself will meet what is wrong, if it lasts
                continue

    def leave(self) -> None:
        """Lets others in."""
        try:
            if (self._read() or {}).get("token") == self.token:
                remove(self.path)
        except (FileError, *_GONE):  # it counts as dead after a while
            return

    def _made(self) -> bool:
        """Whether there was no such file, and this process's is there now."""
        try:
            with _reached(self.path):
                if self.path.protocol not in OBJECTS:
                    self.path.fs.makedirs(self.path.parent.path, exist_ok=True)
                self.path.fs.pipe_file(self.path.path, self._text(), mode="create")
        except FileError as error:
            if isinstance(error.__cause__, FileExistsError):
                return False
            raise
        # Where a store has no such condition, two may think so: the last one to write is right.
        return (self._read() or {}).get("token") == self.token

    def _tell(self) -> None:
        self.count += 1
        write(self.path, self._text())

    def _text(self) -> bytes:
        process = f"process {os.getpid()} of {socket.gethostname()}"
        said = {"token": self.token, "process": process, "count": self.count}
        return json.dumps(said).encode()

    def _read(self) -> dict[str, Any] | None:
        data = read_if_there(self.path)
        try:
            said = None if data is None else json.loads(data)
        except ValueError:
            return {}
        return said if isinstance(said, dict | None) else {}
