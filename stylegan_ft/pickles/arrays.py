"""NumPy's arrays in pickles, as data: where their numbers lie, or the text that stands for them.

From protocol 3 on the bytes of an array lie in the file as they are, as in Python 2's pickles of
protocols 1 and 2; else a text stands for them, whose letters have the values of the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.pickles.known import ENCODE, LATIN, SCALAR
from stylegan_ft.pickles.reading import Data, bytes_of
from stylegan_ft.pickles.symbols import Call, Span
from stylegan_ft.pickles.tensors import LARGE, Storage, StoredTensor, plain_size

TYPES = {
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
    "i1": torch.int8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "u1": torch.uint8,
    "b1": torch.uint8,
}
"""NumPy's types of numbers, as its pickles name them."""

RECONSTRUCT, FROM_BUFFER = "numpy.core.multiarray._reconstruct", "numpy.core.numeric._frombuffer"


@dataclass(frozen=True, slots=True)
class WrittenArray:
    """An array whose bytes stand as a text in the file."""

    dtype: torch.dtype
    text: str | Span
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers themselves."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def written(self) -> int:
        """Letters of the text."""
        return self.text.length if isinstance(self.text, Span) else len(self.text)

    def read(self, data: Data, payload: bool = True) -> Tensor:
        """A contiguous copy on the CPU; see `StoredTensor.read`.

        Raises:
            CheckpointError: the text does not stand for as many bytes.
        """
        if not payload and self.nbytes > LARGE:
            return torch.empty(self.shape, dtype=self.dtype, device="meta")
        raw = bytes_of(data, self.text)
        if len(raw) != self.nbytes:
            raise CheckpointError(f"an array has {len(raw)} bytes in place of {self.nbytes}")
        if not raw:
            return torch.empty(self.shape, dtype=self.dtype)
        numbers = torch.frombuffer(bytearray(raw), dtype=self.dtype)
        return numbers.as_strided(self.shape, self.stride).contiguous()


def stored_array(value: object) -> StoredTensor | WrittenArray | None:
    """The array, or single number, that a symbol stands for; None if it stands for something else.

    Raises:
        CheckpointError: it is damaged, or of a type that no weights are made of.
    """
    content = _content(value) if isinstance(value, Call) else None
    if content is None:
        return None
    kind, shape, columns, held = content
    dtype, shape = _dtype(kind), plain_size(shape)
    count = prod(shape)
    stride = tuple(prod(shape[:k] if columns else shape[k + 1 :]) for k in range(len(shape)))
    held = _written(held)
    length = held.length if isinstance(held, Span) else len(held)
    written = isinstance(held, str) or bool(held.coding)
    if count * dtype.itemsize > length or not (written or count * dtype.itemsize == length):
        raise CheckpointError(f"an array of shape {shape} does not have its {length} bytes")
    if written:
        return WrittenArray(dtype, held, shape, stride)
    return StoredTensor(Storage(dtype, held.start, count), 0, shape, stride)


def _content(value: Call) -> tuple[object, object, bool, object] | None:
    """The type, sizes, order (whether columns come first) and bytes of an array."""
    if value.name == SCALAR and len(value.args) == 2:
        return value.args[0], (), False, value.args[1]
    if value.name == FROM_BUFFER and len(value.args) == 4:
        held, kind, shape, order = value.args
        return kind, shape, order == "F", held
    if value.name != RECONSTRUCT:
        return None
    if not isinstance(value.state, tuple) or len(value.state) != 5:
        raise CheckpointError("an array has no content; the file is damaged")
    _, shape, kind, columns, held = value.state
    return kind, shape, bool(columns), held


def _written(held: object) -> str | Span:
    """The bytes of an array, or the text for them, without the call that makes bytes of it."""
    if isinstance(held, Call) and held.name == ENCODE:
        if len(held.args) != 2 or held.args[1] not in LATIN:
            raise CheckpointError("an array is written in a coding that is none of bytes")
        held = held.args[0]
    elif isinstance(held, Call) and held.name == "builtins.bytes" and not held.args:
        held = ""
    if not isinstance(held, str | Span):
        raise CheckpointError("an array is of objects, or has no bytes; no weights are")
    return held


def _dtype(kind: object) -> torch.dtype:
    name = kind.args[0] if isinstance(kind, Call) and kind.args else None
    if not isinstance(kind, Call) or kind.name != "numpy.dtype" or not isinstance(name, str):
        raise CheckpointError("an array has no type; the file is damaged")
    state = kind.state if isinstance(kind.state, tuple) else (3, "<")
    if len(state) < 2 or any(part is not None for part in state[2:5]):
        raise CheckpointError("an array is of numbers that have parts; no weights are")
    if state[1] == ">":
        raise CheckpointError("its numbers are big-endian; save it on a little-endian machine")
    if name.lstrip("<=|") not in TYPES:
        raise CheckpointError(f"an array is of type {name[:20]!r}, which no weights are made of")
    return TYPES[name.lstrip("<=|")]
