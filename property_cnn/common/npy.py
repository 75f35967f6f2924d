"""One array from an .npy file that someone else made: checked before it is read, never run."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from property_cnn.common.errors import CheckpointError

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """The float32 or float64 array in an .npy file.

    Raises:
        CheckpointError: no such file, damaged, of other numbers, or of pickled Python objects.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no file {path}; give the path of an .npy file")
    try:
        with open(path, "rb") as file:
            shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
            held = path.stat().st_size - file.tell()
    except Exception as error:  # whatever a damaged header leads to
        raise CheckpointError(f"{path} is not a whole .npy file; get it again") from error
    if dtype.hasobject:
        raise CheckpointError(
            f"{path} holds pickled Python objects, which can run code when they are loaded; where "
            "you trust it: d = numpy.load(PATH, allow_pickle=True).item(); "
            'numpy.save("boundary.npy", d["boundary"])'
        )
    if dtype not in (np.float32, np.float64):
        raise CheckpointError(f"{path} holds {dtype}; give float32 or float64")
    if held != math.prod(shape) * dtype.itemsize:
        raise CheckpointError(
            f"{path} holds {held} bytes, but {shape} of {dtype} takes "
            f"{math.prod(shape) * dtype.itemsize}; get it again"
        )
    return np.load(path, allow_pickle=False)
