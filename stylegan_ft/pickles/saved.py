"""Files of tensors: plain pickles, and torch.save's archives and former streams, as symbols.

A plain pickle of tensors, as NVlabs write theirs, holds a torch.save file for each storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.archives import read_archive
from stylegan_ft.pickles.known import LOAD_BYTES, NETWORKS
from stylegan_ft.pickles.machine import ALLOWANCE, Pickle, interpret, nested_bytes
from stylegan_ft.pickles.reading import Data, bytes_of
from stylegan_ft.pickles.symbols import Call, Persistent, Span
from stylegan_ft.pickles.tensors import Storage, StoredTensor, key_of, stored_tensor

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that torch.save's former streams begin with."""

STREAM = 1001
"""Their version."""

ZIP = b"PK\x03\x04"

SHOWN, MOST_SHOWN = 80, 12
"""Letters of a foreign name that are shown, and names."""

NESTED_ALLOWANCE = 2**20
"""Bytes of memory that a storage's nested file may take, a few hundred opcodes."""


@dataclass(frozen=True)
class Saved:
    """What a file holds.

    Attributes:
        value: of its pickle; see `stylegan_ft.pickles.machine`.
        storages: key -> the storage that lies outside the pickle; or the start of the nested file
            that holds it, or the text for that.
        foreign: names of functions and classes that weights are not made of.
    """

    value: object
    storages: Mapping[str | int, Storage]
    foreign: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of what hangs beside the weights."""
        foreign = [name for name in self.foreign if name not in NETWORKS]
        if not foreign:
            return ()
        names = ", ".join(name[:SHOWN] for name in foreign[:MOST_SHOWN])
        more = len(foreign) - MOST_SHOWN
        return (
            f"beside the weights it names {names}{f' and {more} more' if more > 0 else ''}: not "
            "read here, and nothing of it was imported or called; torch.load and pickle would do "
            "both, so open it by them only if you trust its source",
        )

    def tensor(self, value: object) -> StoredTensor | None:
        """The tensor that a part of the value stands for; None if it is something else.

        Raises:
            CheckpointError: it does not fit the file.
        """
        return stored_tensor(value, self.storage)

    def storage(self, holder: object) -> Storage:
        """The storage that a symbol stands for.

        Raises:
            CheckpointError: it stands for none.
        """
        key = None
        if isinstance(holder, Persistent):
            key = key_of(holder.pid)[0]
        elif isinstance(holder, Call) and holder.name == LOAD_BYTES:
            key = _place(nested_bytes(holder.args))
        if key not in self.storages:
            raise CheckpointError("a tensor's numbers are not in the file, or of no usable kind")
        return self.storages[key]


def read_pickle(data: Data) -> Saved:
    """A plain pickle, with the storages of the torch.save files in it.

    Every one of those is read, needed or not, so that a name which is not on the list is found
    wherever it stands.

    Raises:
        CheckpointError: see `stylegan_ft.pickles.machine.interpret`.
    """
    pickle = interpret(data)
    storages: dict[str | int, Storage] = {}
    foreign = dict.fromkeys(pickle.foreign)
    for held in dict.fromkeys(pickle.nested):
        written = isinstance(held, str) or bool(held.coding)
        inner = bytes_of(data, held) if written else data
        start, length = (0, len(inner)) if written else (held.start, held.length)
        saved = _read_torch(inner, start, start + length, NESTED_ALLOWANCE)
        storage = saved.storage(saved.value)
        storages[_place(held)] = replace(storage, text=held) if written else storage
        foreign |= dict.fromkeys(saved.foreign)
    return Saved(pickle.value, storages, tuple(foreign))


def read_torch(data: Data) -> Saved:
    """A file of torch.save, archive or stream.

    Raises:
        CheckpointError: it is damaged; see also `stylegan_ft.pickles.machine.interpret`.
    """
    return _read_torch(data, 0, len(data), ALLOWANCE)


def is_stream(data: Data) -> bool:
    """Whether a file is one of torch.save's former streams."""
    try:
        return interpret(data[:32]).value == MAGIC
    except CheckpointError:
        return False


def _read_torch(data: Data, start: int, end: int, allowance: int) -> Saved:
    if data[start : start + 4] == ZIP:
        return _read_archived(data, start, end, allowance)
    return _read_stream(data, start, end, allowance)


def _read_archived(data: Data, start: int, end: int, allowance: int) -> Saved:
    entries = read_archive(data, start, end)
    roots = [name[:-8] for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        names = ", ".join(map(repr, list(entries)[:3]))[:80] or "nothing"
        raise CheckpointError(
            f"it is a zip archive of {names}, not of weights; give a file that torch.save wrote"
        )
    root = roots[0]
    if f"{root}constants.pkl" in entries:
        raise CheckpointError("it is a TorchScript program; give a file of its state_dict()")
    order = entries.get(f"{root}byteorder")
    if order is not None and data[order.start : order.start + order.length] != b"little":
        raise _big_endian()
    pickled = entries[f"{root}data.pkl"]
    pickle = _inner(data, pickled.start, pickled.start + pickled.length, allowance)
    storages: dict[str | int, Storage] = {}
    for persistent in pickle.persistents:
        key, dtype, count = key_of(persistent.pid)
        if dtype is None:
            continue
        span = entries.get(f"{root}data/{key}")
        if span is None or count * dtype.itemsize > span.length:
            raise _not_whole(key)
        storages[key] = Storage(dtype, span.start, count)
    return Saved(pickle.value, storages, pickle.foreign)


def _read_stream(data: Data, start: int, end: int, allowance: int) -> Saved:
    """The former layout: five pickles, then each storage's size and numbers, in their order."""
    magic = _inner(data, start, end, allowance)
    version = _inner(data, magic.end, end, allowance)
    about = _inner(data, version.end, end, allowance)
    if magic.value != MAGIC or version.value != STREAM or not isinstance(about.value, dict):
        raise CheckpointError("it is no file of torch.save that this version reads")
    if about.value.get("little_endian") is not True:
        raise _big_endian()
    pickle = _inner(data, about.end, end, allowance)
    listed = _inner(data, pickle.end, end, allowance)
    kinds = {}
    for persistent in pickle.persistents:
        key, dtype, count = key_of(persistent.pid)
        kinds[key] = dtype, count
    if not isinstance(listed.value, list) or len(listed.value) != len(kinds):
        raise CheckpointError("its list of storages is damaged")
    storages: dict[str | int, Storage] = {}
    place = listed.end
    for key in listed.value:
        dtype, count = kinds.get(key, (None, 0)) if isinstance(key, str) else (None, 0)
        if dtype is None:
            raise CheckpointError("it has storages of a kind that no weights are made of")
        stored = int.from_bytes(data[place : min(place + 8, end)], "little")
        size = stored * dtype.itemsize
        if stored < count or size > end - place - 8:
            raise _not_whole(key)
        storages[key] = Storage(dtype, place + 8, count)
        place += 8 + size
    parts = (magic, version, about, pickle, listed)
    return Saved(pickle.value, storages, tuple(name for part in parts for name in part.foreign))


def _inner(data: Data, start: int, end: int, allowance: int) -> Pickle:
    """A pickle inside a file of torch.save, where none is nested any further."""
    pickle = interpret(data, start, end, allowance)
    if pickle.nested:
        raise CheckpointError("it nests files in files of tensors, as torch.save never does")
    return pickle


def _place(held: str | Span) -> str | int:
    """What tells a nested file from others."""
    return held.start if isinstance(held, Span) else held


def _not_whole(key: str) -> CheckpointError:
    return CheckpointError(f"storage {key[:20]!r} is not whole; the file is cut off or damaged")


def _big_endian() -> CheckpointError:
    return CheckpointError("its numbers are big-endian; save it on a little-endian machine")
