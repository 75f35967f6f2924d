"""Files that are whole or absent: atomic writes, and tensors read without executing anything."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from property_cnn.common.errors import CheckpointError

PARTIAL = ".partial-"
"""Beginning of the names of files that are being written; a killed process leaves them behind."""

METADATA = "vectorfind"
"""Entry of a safetensors file's metadata that holds ours, as JSON."""


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path beside `path`; what is written there is fsynced and renamed on success.

    On an exception the temporary file is removed and what stood at `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f"{PARTIAL}{path.stem}-", suffix=path.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    finally:
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
    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(dict(metadata or {}), sort_keys=True)  # one entry: several have no order
    with atomic_path(path) as temporary:
        save_file(cpu, temporary, metadata={METADATA: text})


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors (on the CPU) and the metadata of a safetensors file.

    Raises:
        CheckpointError: there is no such file, or it is no whole safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of a .safetensors checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            metadata = dict(file.metadata() or {})
        ours = json.loads(metadata.pop(METADATA, "{}"))
        return tensors, {**metadata, **ours}
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({str(error)[:80]}); download or make it again"
        ) from error


def file_digest(path: str | os.PathLike) -> str:
    """The first 16 hexadecimal digits of the file's SHA-256: names the weights in reports."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def bytes_digest(data: bytes) -> str:
    """As `file_digest`, of a file with these bytes."""
    return hashlib.sha256(data).hexdigest()[:16]
