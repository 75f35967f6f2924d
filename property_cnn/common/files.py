"""Files that are whole or absent: atomic writes, and tensors read without executing anything.

What the operating system refuses – no space, no permission, a folder where a file should be –
becomes one `FileError` here.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from property_cnn.common.errors import CheckpointError, FileError

if TYPE_CHECKING:  # PyTorch takes two seconds to load, and most of this does without
    import numpy as np
    import torch

PARTIAL = ".partial-"
"""Beginning of the names of files that are being written; a killed process leaves them behind."""

METADATA = "vectorfind"
"""Entry of a safetensors file's metadata that holds ours, as JSON."""


_ADVICE = {
    errno.ENOSPC: "make room and give the same command again",
    errno.EDQUOT: "make room and give the same command again",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "a folder is there; choose another name",
    errno.EINVAL: "choose another name",
}
"""What can be done, by the system's number of the refusal."""

_NULL = "embedded null"
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")  # as safetensors writes it

Watch = Callable[[Path, Path], bool]
"""(path, temporary file with its content) -> whether it is to be put there."""

_written: set[Path] = set()  # temporary files of this process's threads
_watches: list[Watch] = []
_lock = threading.Lock()


@contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Where the system refuses what is done inside, the error says so of `path`.

    Raises:
        FileError: no space, no permission, read-only, a name too long, and so on.
    """
    with _refusals("write", path, "choose another place"):
        yield


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """As `writing`, for what is read.

    Raises:
        FileError: no permission, a folder, a failing disk, and so on.
    """
    with _refusals("read", path, "give another file, or mend this one"):
        yield


@contextmanager
def _refusals(action: str, path: str | os.PathLike, advice: str) -> Iterator[None]:
    try:
        yield
    except FileError:
        raise
    except (OSError, SafetensorError, ValueError) as error:
        number = getattr(error, "errno", None) or _number(str(error))
        if number is None:  # not the system's
            raise
        name = os.fspath(path).replace("\0", "\\0")
        said = "a NUL in the name" if _NULL in str(error) else os.strerror(number)
        refused = FileError(f"cannot {action} {name}: {said}; {_ADVICE.get(number, advice)}")
        refused.errno = number
        raise refused from error


def _number(said: str) -> int | None:
    if _NULL in said:
        return errno.EINVAL
    match = _SYSTEM_ERROR.search(said)
    return int(match[1]) if match else None


def is_file(path: str | os.PathLike) -> bool:
    """Whether a file is there; FileError where the system does not tell, e.g. a name too long."""
    with reading(path):
        return Path(path).is_file()


def is_folder(path: str | os.PathLike) -> bool:
    """As `is_file`, of a folder."""
    with reading(path):
        return Path(path).is_dir()


def make_folder(path: str | os.PathLike) -> Path:
    """The folder, made with those above it if need be; FileError where that is refused."""
    with writing(path):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`; what is written there is fsynced and renamed on success.

    On an exception the temporary file is removed and what stood at `path` stays as it was.

    Raises:
        FileError: the system refuses.
    """
    path = Path(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with _lock:
            handle, name = tempfile.mkstemp(
                dir=path.parent, prefix=f"{PARTIAL}{path.stem[:24]}-", suffix=path.suffix[:20]
            )
            temporary = Path(name)
            _written.add(temporary)
        os.close(handle)
        try:
            yield temporary
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            if all([watch(path, temporary) for watch in list(_watches)]):
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
            _written.discard(temporary)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Asks `watch`, meanwhile, of each file that this process is about to put in its place."""
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)


def abandon_writes() -> None:
    """Removes what other threads have half-written, and lets none begin: the process ends."""
    _lock.acquire(timeout=1)
    for temporary in list(_written):
        temporary.unlink(missing_ok=True)


def atomic_write(path: str | os.PathLike, data: bytes | str) -> None:
    """Writes the bytes, or the text as UTF-8, so that `path` holds all of it or what it held."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def save_tensors(
    path: str | os.PathLike,
    tensors: Mapping[str, torch.Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes named tensors and text metadata as one safetensors file, atomically."""
    from safetensors.torch import save_file

    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(dict(metadata or {}), sort_keys=True)  # one entry: several have no order
    with atomic_path(path) as temporary:
        save_file(cpu, temporary, metadata={METADATA: text})


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors (on the CPU) and the metadata of a safetensors file.

    Raises:
        CheckpointError: there is no such file, or it is no whole safetensors file.
        FileError: the system refuses to read it.
    """
    return _load(path, "pt")


def load_numbers(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """As `load_tensors`, of arrays, without PyTorch."""
    return _load(path, "np")


def read_metadata(path: str | os.PathLike) -> dict[str, str]:
    """The metadata alone, from the file's header; errors as in `load_tensors`."""
    return _load(path, "np", tensors=False)[1]


def _load(
    path: str | os.PathLike, framework: str, tensors: bool = True
) -> tuple[dict[str, Any], dict[str, str]]:
    path = Path(path)
    if not is_file(path):
        raise CheckpointError(f"no file {path}; give the path of a .safetensors checkpoint")
    try:
        with reading(path), safe_open(path, framework=framework) as file:
            read = {name: file.get_tensor(name) for name in (file.keys() if tensors else ())}
            metadata = dict(file.metadata() or {})
        ours = json.loads(metadata.pop(METADATA, "{}"))
        return read, {**metadata, **ours}
    except FileError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({str(error)[:80]}); download or make it again"
        ) from error


def read_card(metadata: Mapping[str, str], key: str, form: str, otherwise: str) -> dict[str, Any]:
    """The card in a safetensors file's metadata, whose `format` is `form`.

    Raises:
        CheckpointError: with the text `otherwise`: there is none, or one of another format.
    """
    try:
        card = json.loads(metadata[key])
        if card["format"] == form:
            return card
    except (KeyError, TypeError, ValueError):
        pass
    raise CheckpointError(otherwise)


def file_digest(path: str | os.PathLike) -> str:
    """The first 16 hexadecimal digits of the file's SHA-256: names the weights in reports."""
    return sha256_of(path)[:16]


def sha256_of(path: str | os.PathLike) -> str:
    """The file's SHA-256, as 64 hexadecimal digits."""
    with reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_digest(data: bytes) -> str:
    """As `file_digest`, of a file with these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def weights_digest_of(values: Mapping[str, bytes | memoryview]) -> str:
    """16 hexadecimal digits that name weights, by the bytes of each in the type it is used in."""
    digest = hashlib.sha256()
    for name in sorted(values):
        digest.update(name.encode())
        digest.update(values[name])
    return digest.hexdigest()[:16]
