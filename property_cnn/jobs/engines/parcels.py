"""What travels to the workers: a task in a few bytes, and heavy arguments once, as files.

A network, or an array of 256 KiB or more, is written to a folder that all workers see, under the
SHA-256 of what it holds, and a task names it only. So nothing large passes through a scheduler, a
worker that joins late or starts again finds all that it needs, and each process reads a parcel
once: its digest is checked then, and what differs is refused.

    parcels/3f…9a.npy        an array, which the processes of one machine share by mapping it
    parcels/77…02.pickle     a network
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import time
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import cloudpickle
import numpy as np

from property_cnn.common.arrays import map_npy, npy_bytes
from property_cnn.common.errors import InputError
from property_cnn.common.files import atomic_write, sha256_of

HEAVY = 2**18
"""Bytes from which on an array or a tensor is a parcel of its own."""

KEPT = 64
"""Parcels that a worker's process keeps, the last ones used."""

PATIENCE = 5.0
"""Seconds that a worker waits for a parcel to be seen: shared folders may show a new file late."""

_ARRAY, _OTHER = ".npy", ".pickle"
_LIGHT = (str, int, float, bool, bytes, tuple, list, dict, type, type(None))


class Parcels:
    """The sender's side of one call of `run_tasks`, during which no argument may change.

    Args:
        folder: one that all workers see.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._named: dict[int, tuple[object, str]] = {}  # keeps them alive, so that ids stay theirs

    def packed(self, value: object) -> bytes:
        """The value as `unpacked` reads it; its heavy parts are left in the folder.

        Raises:
            InputError: it cannot travel to another process.
        """
        file = io.BytesIO()
        try:
            _Packer(file, self).dump(value)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise InputError(
                f"an engine's workers cannot be sent this work ({str(error)[:120]}); "
                "leave out the engine"
            ) from error
        return file.getvalue()

    def name_of(self, value: object) -> str | None:
        """The name of a heavy value's file, which is written if need be; None of light ones."""
        if isinstance(value, _LIGHT) or not is_heavy(value):
            return None
        if id(value) not in self._named:
            array = type(value) is np.ndarray
            data = npy_bytes(value) if array else cloudpickle.dumps(value)
            name = hashlib.sha256(data).hexdigest() + (_ARRAY if array else _OTHER)
            if not (self.folder / name).exists():
                atomic_write(self.folder / name, data)
            self._named[id(value)] = (value, name)
        return self._named[id(value)][1]


class _Packer(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO, parcels: Parcels):
        super().__init__(file)
        self._parcels = parcels

    def persistent_id(self, value: object) -> str | None:
        return self._parcels.name_of(value)


def is_heavy(value: object) -> bool:
    """Whether a value is a large array or tensor of numbers, or a network."""
    if type(value) is np.ndarray:
        return value.nbytes >= HEAVY and value.ndim > 0 and not value.dtype.hasobject
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.nbytes >= HEAVY
    if torch is not None and isinstance(value, torch.nn.Module):
        return True
    computes = callable(value) or hasattr(type(value), "synthesize")
    return computes and isinstance(getattr(value, "digest", None), str)


def unpacked(data: bytes, folder: Path) -> Any:
    """The value of `Parcels.packed`; its heavy parts are read once a process.

    Raises:
        InputError: the folder is not seen here, or holds something else than was sent.
    """
    return _Unpacker(io.BytesIO(data), folder).load()


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, folder: Path):
        super().__init__(file)
        self._folder = folder

    def persistent_load(self, name: str) -> object:
        return _cache.get(self._folder / name)


class _Cache:
    """Parcels of this process; one thread reads, the others wait for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, object] = OrderedDict()

    def get(self, path: Path) -> object:
        with self._lock:
            if path.name not in self._kept:
                self._kept[path.name] = _read(path)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(path.name)
            return self._kept[path.name]


_cache = _Cache()


def _read(path: Path) -> object:
    waited = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > waited:
            raise InputError(
                f"it does not see {path.parent}; give a folder that all workers see, "
                "as in dask://host:8786/FOLDER"
            )
        time.sleep(0.1)
    digest = sha256_of(path)
    if digest != path.stem:
        raise InputError(
            f"what it sees of {path.stem[:16]} in {path.parent} has the digest {digest[:16]}; "
            "it is refused: is that the same folder on all workers?"
        )
    if path.suffix == _ARRAY:
        return np.asarray(map_npy(path)).view(np.ndarray)
    with open(path, "rb") as file:
        return pickle.load(file)
