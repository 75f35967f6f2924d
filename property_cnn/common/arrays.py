"""Arrays in .npz and .npy files: no pickles, written atomically, checked before they are read."""

from __future__ import annotations

import io
import json
import math
import os
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_path, is_file

METADATA = "metadata"

LARGEST = 2**30
"""Most bytes that an .npz may unpack to, unless it has as many itself."""

_LARGEST_METADATA = 16 * 2**20

_PARSING = threading.RLock()
"""Held while a header's text is parsed: where a garbage collection lets another thread parse too,
Python 3.11 ends one of them in a SystemError (github.com/python/cpython/issues/106905)."""

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Blocks:
    """An array that is written piece by piece, and is never in memory whole.

    Attributes:
        shape, dtype: its own.
        pieces: gives the pieces along the first axis, in order.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    pieces: Callable[[], Iterable[np.ndarray]]


def write_npz(
    path: str | os.PathLike, kind: str, arrays: Mapping[str, np.ndarray | Blocks], metadata: Mapping
) -> None:
    """Writes arrays and JSON metadata, atomically; the same ones give the same bytes every time.

    Args:
        path: of the file.
        kind: what it holds; `read_npz` refuses other kinds.
        arrays: name -> array, of numbers or text, or its pieces.
        metadata: anything that JSON can hold.
    """
    with atomic_path(path) as temporary:
        _write_npz(temporary, kind, arrays, metadata)


def write_npy(path: str | os.PathLike, array: np.ndarray | Blocks) -> None:
    """Writes one array as .npy, atomically; `map_npy` maps it."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        _write_member(file, array)


def npz_bytes(kind: str, arrays: Mapping[str, np.ndarray], metadata: Mapping) -> bytes:
    """What `write_npz` writes."""
    buffer = io.BytesIO()
    _write_npz(buffer, kind, arrays, metadata)
    return buffer.getvalue()


def _write_npz(
    file: Path | io.BytesIO, kind: str, arrays: Mapping[str, np.ndarray | Blocks], metadata: Mapping
) -> None:
    text = json.dumps({"kind": kind} | dict(metadata), sort_keys=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {METADATA: np.array(text), **arrays}.items():
            # A member's date is part of the bytes: ZipInfo's default is always 1980.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                _write_member(member, array)


def _write_member(member: IO[bytes], array: np.ndarray | Blocks) -> None:
    if not isinstance(array, Blocks):
        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        return
    descr = np.lib.format.dtype_to_descr(array.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(member, header)
    for piece in array.pieces():
        member.write(np.ascontiguousarray(piece).data)


def read_npz(path: str | os.PathLike, kind: str) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and metadata back from `write_npz`.

    Raises:
        CheckpointError: no such file, damaged, or of another kind.
    """
    arrays = read_arrays(path, kind=kind)
    try:
        metadata = json.loads(str(arrays.pop(METADATA)))
        given = metadata.pop("kind")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged or holds no {kind}; make it again") from error
    if given != kind:
        raise CheckpointError(f"{path} holds {given}, not {kind}")
    return arrays, metadata


def read_arrays(
    path: str | os.PathLike, needed: Sequence[str] = (), kind: str = "arrays"
) -> dict[str, np.ndarray]:
    """Arrays of an .npz of whatever kind, as the user's own; sizes are seen before they are read.

    Args:
        path: of the file.
        needed: names of arrays that it must hold, which alone are read; all, if none is named.
        kind: what errors say that it should hold.

    Raises:
        CheckpointError: there is no such file, it is damaged, lacks a needed array, or its arrays
            are larger than `LARGEST`.
    """
    headers = npz_headers(path, kind)
    missing = [name for name in needed if name not in headers]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}; it holds {', '.join(headers)}")
    names = tuple(dict.fromkeys(needed)) or tuple(headers)
    size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in map(headers.get, names))
    if size > max(LARGEST, Path(path).stat().st_size):
        raise CheckpointError(
            f"{path} unpacks to {size / 2**20:,.0f} MiB, at most {LARGEST >> 20:,} are read; "
            "make a smaller one"
        )
    with _opened(path, kind) as archive:
        return {name: _member(archive, name) for name in names}


def npz_headers(
    path: str | os.PathLike, kind: str = "arrays"
) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of each array of an .npz, from its headers alone.

    Raises:
        CheckpointError: no such file, damaged, or with Python objects.
    """
    if not is_file(path):
        raise CheckpointError(f"no file {path}; give the path of an .npz file of {kind}")
    headers = {}
    with _opened(path, kind) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                shape, dtype = _header(member)
                held = info.file_size - member.tell()
            if dtype.hasobject:
                raise ValueError("it has pickled Python objects")
            if min(shape, default=0) < 0 or held != math.prod(shape) * dtype.itemsize:
                raise ValueError(f"{info.filename} has {held} bytes for {shape} of {dtype}")
            headers[info.filename.removesuffix(".npy")] = (shape, dtype)
    return headers


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array, from its header; what Python thinks of its text stays unsaid."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    return shape, dtype


def npz_metadata(path: str | os.PathLike) -> dict:
    """The metadata of an .npz of ours; none if it has none.

    Raises:
        CheckpointError: no such file, damaged, or with more metadata than any of ours.
    """
    headers = npz_headers(path)
    if METADATA not in headers:
        return {}
    shape, dtype = headers[METADATA]
    with _opened(path, "metadata") as archive:
        if math.prod(shape) * dtype.itemsize > _LARGEST_METADATA:
            raise ValueError("its metadata are too large")
        metadata = json.loads(str(_member(archive, METADATA)))
        if not isinstance(metadata, dict):
            raise ValueError("its metadata are no object")
        return metadata


@contextmanager
def _opened(path: str | os.PathLike, kind: str) -> Iterator[zipfile.ZipFile]:
    """The archive; CheckpointError for whatever goes wrong with it."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except Exception as error:  # zipfile, zlib and NumPy each have their own
        reason = str(error)[:80]
        raise CheckpointError(
            f"{path} is damaged or holds no {kind} ({reason}); make it again"
        ) from error


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    stored = f"{name}.npy" if f"{name}.npy" in archive.namelist() else name
    with archive.open(stored) as member, _PARSING:
        return np.lib.format.read_array(member, allow_pickle=False)


def npy_bytes(array: np.ndarray) -> bytes:
    """The array as an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def map_npy(path: str | os.PathLike) -> np.ndarray:
    """The array in an .npy of ours, on disk, to read; threads may do so at once."""
    with _PARSING:
        return np.load(path, "r", allow_pickle=False)


def npy_header(path: str | os.PathLike) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape and type of the array in an .npy file, and the bytes that follow its header.

    Raises:
        CheckpointError: no such file, or it begins otherwise.
    """
    path = Path(path)
    if not is_file(path):
        raise CheckpointError(f"no file {path}; give the path of an .npy file")
    try:
        with open(path, "rb") as file:
            shape, dtype = _header(file)
            return shape, dtype, path.stat().st_size - file.tell()
    except Exception as error:  # whatever a damaged header leads to
        raise CheckpointError(f"{path} is not a whole .npy file; get it again") from error


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """The float32 or float64 array in an .npy file that someone else made.

    Raises:
        CheckpointError: no such file, damaged, of other numbers, or of pickled Python objects.
    """
    shape, dtype, held = npy_header(path)
    if dtype.hasobject:
        raise CheckpointError(
            f"{path} holds pickled Python objects, which can run code when they are loaded; where "
            "you trust it: d = numpy.load(PATH, allow_pickle=True).item(); "
            'numpy.save("boundary.npy", d["boundary"])'
        )
    if dtype not in (np.float32, np.float64):
        raise CheckpointError(f"{path} holds {dtype}; give float32 or float64")
    if min(shape, default=0) < 0 or held != math.prod(shape) * dtype.itemsize:
        raise CheckpointError(
            f"{path} holds {held} bytes, but {shape} of {dtype} takes "
            f"{math.prod(shape) * dtype.itemsize}; get it again"
        )
    return np.array(map_npy(path))
