"""Arrays and text in one .npz file: no pickles, written atomically, the same bytes every time."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_path

METADATA = "metadata"


def write_npz(
    path: str | os.PathLike, kind: str, arrays: Mapping[str, np.ndarray], metadata: Mapping
) -> None:
    """Writes arrays and JSON metadata, atomically.

    Args:
        path: of the file.
        kind: what it holds; `read_npz` refuses other kinds.
        arrays: name -> array, of numbers or text.
        metadata: anything that JSON can hold.
    """
    text = json.dumps({"kind": kind} | dict(metadata), sort_keys=True)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in {METADATA: np.array(text), **arrays}.items():
            # A member's date is part of the bytes: ZipInfo's default is always 1980.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_npz(path: str | os.PathLike, kind: str) -> tuple[dict[str, np.ndarray], dict]:
    """Arrays and metadata back from `write_npz`.

    Raises:
        CheckpointError: no such file, damaged, or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of saved {kind}")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop(METADATA)))
        found = metadata.pop("kind")
    except (
        AttributeError, EOFError, KeyError, OSError, TypeError, ValueError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"{path} is damaged or holds no {kind} ({str(error)[:80]}); make it again"
        ) from error
    if found != kind:
        raise CheckpointError(f"{path} holds {found}, not {kind}")
    return arrays, metadata
