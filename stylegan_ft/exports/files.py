"""Which files an export is made of: a mapping and a synthesis, or one network from z to images."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import bytes_digest, file_digest, is_file, is_folder, reading
from stylegan_ft.formats.mobile.files import PARTS

Runtime = Literal["onnxruntime", "openvino"]

RUNTIMES: Mapping[str, Runtime] = {".onnx": "onnxruntime", ".xml": "openvino"}
"""Ending of a file's name -> what runs it."""

MAPPING, SYNTHESIS, WHOLE = "mapping", "synthesis", "whole"
"""Parts: the first two are words in the names of their files."""

LARGEST_FILE = 2**31
"""Bytes of the largest file, that of protobuf; StyleGAN3 at 1024 pixels has 120 MB in float32."""


@dataclass(frozen=True)
class Export:
    """An exported generator.

    Attributes:
        runtime: what runs it.
        parts: mapping and synthesis, or whole -> its file.
    """

    runtime: Runtime
    parts: Mapping[str, Path]


def find_export(path: str | os.PathLike) -> Export | None:
    """The export at a path, a file or a folder; None where there is something else.

    Raises:
        CheckpointError: a folder has such files, but not one of each part.
    """
    path = Path(path)
    if is_folder(path):
        return _in_folder(path)
    runtime = RUNTIMES.get(path.suffix.lower())
    return Export(runtime, {WHOLE: path}) if runtime and is_file(path) else None


def digest_of_files(files: Iterable[Path]) -> str:
    """16 hexadecimal digits that name these files, in this order: of one, its own digest."""
    digests = [file_digest(path) for path in files]
    return digests[0] if len(digests) == 1 else bytes_digest("".join(digests).encode())


def check_size(path: Path, largest: int = LARGEST_FILE) -> int:
    """Bytes of a file; CheckpointError if it is empty or has more than the largest."""
    with reading(path):
        size = path.stat().st_size
    if not 0 < size <= largest:
        raise CheckpointError(f"{path} has {size:,} bytes; from 1 to {largest:,} are read")
    return size


def _in_folder(folder: Path) -> Export | None:
    with reading(folder):
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if set(PARTS) <= set(names):
        return None  # MobileStyleGAN's IR, which is read as weights
    for suffix, runtime in RUNTIMES.items():
        files = [name for name in names if name.lower().endswith(suffix)]
        roles = {role: [n for n in files if role in n.lower()] for role in (MAPPING, SYNTHESIS)}
        if all(len(found) == 1 for found in roles.values()) and len(files) > 1:
            return Export(runtime, {role: folder / found[0] for role, found in roles.items()})
        if len(files) == 1:
            return Export(runtime, {WHOLE: folder / files[0]})
        if any(roles.values()) or (files and suffix == ".onnx"):
            raise CheckpointError(
                f"{folder} has {', '.join(files[:6])}; an export is {MAPPING}{suffix} and "
                f"{SYNTHESIS}{suffix}, one of each, or one file from z to images: name it"
            )
    return None
