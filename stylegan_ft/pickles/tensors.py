"""Tensors of a file: where their numbers lie, told from the symbols of the calls that rebuild them.

Sizes, strides and places are checked against the file before a byte of a tensor is read.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import STORAGES
from stylegan_ft.pickles.reading import Data, bytes_of
from stylegan_ft.pickles.symbols import Call, Global, Span

LARGE = 2**16
"""Bytes from which a tensor is not read where only its shape is asked for."""

PIECE = 2**24
"""Bytes that are copied out of the file at a time."""

MAX_SIDE = 2**40

PARAMETERS = ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state")
TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers of one type in the file.

    Attributes:
        start: the first one's byte, of the file or of what the text stands for.
        count: how many they are.
        text: that stands for the bytes, in pickles of protocol 2 and below; None where they lie in
            the file as they are.
    """

    dtype: torch.dtype
    start: int
    count: int
    text: str | Span | None = None

    @property
    def written(self) -> int:
        """Letters of the text."""
        if self.text is None:
            return 0
        return self.text.length if isinstance(self.text, Span) else len(self.text)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that is still in the file: part of a storage, offset and strides in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers themselves."""
        return prod(self.shape) * self.storage.dtype.itemsize

    @property
    def written(self) -> int:
        """Letters of the text that they are read from."""
        return self.storage.written

    def read(self, data: Data, payload: bool = True) -> Tensor:
        """A contiguous copy on the CPU.

        Args:
            payload: False gives a large tensor on the "meta" device, with its shape alone.
        """
        dtype = self.storage.dtype
        if not payload and self.nbytes > LARGE:
            return torch.empty(self.shape, dtype=dtype, device="meta")
        if not self.nbytes:
            return torch.empty(self.shape, dtype=dtype)
        if self.storage.text is not None:
            data = bytearray(bytes_of(data, self.storage.text))
        first = self.storage.start + self.offset * dtype.itemsize
        count = _extent(self.shape, self.stride) * dtype.itemsize
        raw = torch.empty(count, dtype=torch.uint8)
        for start in range(0, count, PIECE):
            part = raw[start : start + PIECE]
            place = {"count": len(part), "offset": first + start}
            part.copy_(torch.frombuffer(data, dtype=torch.uint8, **place))
            _forget(data, first + start, len(part))
        return raw.view(dtype).as_strided(self.shape, self.stride).contiguous()


def stored_tensor(value: object, storage_of: Callable[[object], Storage]) -> StoredTensor | None:
    """The tensor that a symbol stands for; None if it stands for something else.

    Args:
        value: what the machine gave.
        storage_of: gives the storage that a tensor's first argument stands for.

    Raises:
        CheckpointError: it does not fit its storage, or shares numbers between its places.
    """
    if isinstance(value, Call) and value.name in PARAMETERS and value.args:
        value = value.args[0]
    if not isinstance(value, Call) or value.name not in TENSORS:
        return None
    if len(value.args) < 4:
        raise CheckpointError("a tensor lacks its sizes; the file is damaged")
    holder, offset, shape, stride = value.args[:4]
    shape, stride = plain_size(shape), plain_size(stride)
    if not _is_whole(offset) or len(shape) != len(stride):
        raise CheckpointError("a tensor's sizes are no sizes; the file is damaged")
    storage = storage_of(holder)
    if prod(shape):
        inside = offset + _extent(shape, stride) <= storage.count and prod(shape) <= storage.count
    else:
        inside = True
    if not inside:
        raise CheckpointError(
            f"a tensor of shape {shape} does not fit its {storage.count} stored numbers; the file "
            "is damaged"
        )
    return StoredTensor(storage, offset, shape, stride)


def read_state(
    tensors: Mapping[str, StoredTensor], data: Data, payload: bool = True
) -> dict[str, Tensor]:
    """Named tensors read from the file; see `StoredTensor.read`.

    Raises:
        CheckpointError: together they are larger than the file, as where one lies upon another.
    """
    total = sum(tensor.nbytes for tensor in tensors.values())
    if max(total, sum(tensor.written for tensor in tensors.values())) > len(data):
        raise CheckpointError(
            f"its tensors have {total:,} bytes and the file {len(data):,}; tensors that share "
            "their numbers are not read"
        )
    return {name: tensor.read(data, payload) for name, tensor in tensors.items()}


def key_of(pid: object) -> tuple[str, torch.dtype | None, int]:
    """The key, type and count of numbers in torch.save's identification of a storage.

    The type is None where it is of a kind that no weights are made of.

    Raises:
        CheckpointError: it is no such identification.
    """
    plain = isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"
    if not plain or (len(pid) > 5 and pid[5] is not None):
        raise CheckpointError("it refers to something outside the file that is no storage")
    kind, key, _, count = pid[1:5]
    if not isinstance(kind, Global) or not isinstance(key, str) or not _is_whole(count):
        raise CheckpointError("a storage has no type, name or size; the file is damaged")
    name = None if kind.foreign else STORAGES.get(kind.name.rpartition(".")[2])
    return key, getattr(torch, name) if name else None, count


def _extent(shape: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """Numbers from a tensor's first to its last, both counted."""
    return sum((side - 1) * step for side, step in zip(shape, stride, strict=True)) + 1


def _forget(data: Data, start: int, count: int) -> None:
    """Gives the memory back that holds the pages of a map between two bytes."""
    first = start + -start % mmap.PAGESIZE
    whole = (start + count - first) // mmap.PAGESIZE * mmap.PAGESIZE
    if isinstance(data, mmap.mmap) and whole > 0 and hasattr(data, "madvise"):
        data.madvise(mmap.MADV_DONTNEED, first, whole)


def plain_size(size: object) -> tuple:
    """The sizes of a tensor or array.

    Raises:
        CheckpointError: they are none.
    """
    if isinstance(size, Call) and size.name == "torch.Size" and len(size.args) == 1:
        size = size.args[0]
    if not isinstance(size, tuple | list) or len(size) > 8:
        raise CheckpointError("a tensor's sizes are no sizes; the file is damaged")
    if not all(map(_is_whole, size)):
        raise CheckpointError("a tensor's sizes are no sizes; the file is damaged")
    return tuple(size)


def _is_whole(value: object) -> bool:
    return type(value) is int and 0 <= value < MAX_SIDE
