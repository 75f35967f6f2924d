"""What a file is, told from its first bytes, whatever its name."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Literal

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import ZIP, is_stream

Layout = Literal["safetensors", "torch", "pickle"]

FOREIGN = {
    b"\x93NUMPY": "a NumPy array, not a network",
    b"\x89HDF": "an HDF5 file, not one of PyTorch; convert it first",
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it first",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself by `git lfs pull`",
    b"<": "a web page; download the file itself",
}
"""First bytes -> what a file is that holds no weights of PyTorch."""

PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
"""Those of pickle that are read by themselves; torch.save's files may have protocol 1 too."""

LAYOUTS = "safetensors, torch.save's files and NVlabs' pickles are read"


def map_file(path: str | os.PathLike) -> mmap.mmap:
    """A file's bytes, of which only those that are looked at are read.

    Raises:
        CheckpointError: there is no such file, it is empty, or cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of a generator's checkpoint")
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise CheckpointError(f"{path} is empty; download or make it again")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})") from error


def detect(data: Data) -> Layout:
    """How a file is laid out.

    Raises:
        CheckpointError: in none of the ways that are read; says what it is instead.
    """
    head = data[:32]
    if head.startswith(ZIP):
        return "torch"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= len(data) - 8:
        return "safetensors"
    if is_stream(head):
        return "torch"
    if head[:1] == b"\x80" and head[1:2] in PROTOCOLS:
        return "pickle"
    found = next((what for first, what in FOREIGN.items() if head.lstrip().startswith(first)), None)
    raise CheckpointError(f"it is {found or f'no file of weights; {LAYOUTS}'}")
