"""A .tflite file to a graph and its weights; nothing of it is executed.

Read are the operators that MediaPipe's networks of faces, landmarks, irises and persons are made
of, with weights in float32 or in float16. Needs the package `tflite`, which knows the flatbuffer's
layout.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.landmarks.graph import (
    LARGEST_VALUE,
    MOST_OPERATORS,
    Graph,
    Operator,
    value_shapes,
)

IDENTIFIER = b"TFL3"
"""Bytes 4 to 8 of every .tflite."""

LARGEST_FILE = 2**26
MOST_TENSORS = 4 * MOST_OPERATORS

MOST_WEIGHTS = LARGEST_FILE // 2
"""Numbers of all weights together: a small file may name one buffer many times."""

_TYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT32": np.int32}
"""Those of the tensors, by their names in the package."""

_NOT_FLATBUFFERS = (
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What reading damaged bytes leads to."""


def is_tflite(head: bytes) -> bool:
    """Whether a file with these first bytes is a .tflite."""
    return head[4:8] == IDENTIFIER


def read_tflite(
    data: bytes, what: str, side: int, outputs: Sequence[int]
) -> tuple[Graph, dict[str, Tensor]]:
    """The network in a .tflite.

    Args:
        data: the file's bytes.
        what: what errors call it.
        side: of the images that it must take, in pixels.
        outputs: how many numbers an image each of its outputs must have, in whatever order; the
            graph's are in this one.

    Returns:
        The graph, and the weights by their names in the state dict of its `GraphNetwork`.

    Raises:
        CheckpointError: damaged, another network, or operators that are not read.
        InputError: the package tflite is missing.
    """
    if not is_tflite(data[:8]) or len(data) > LARGEST_FILE:
        raise CheckpointError(f"{what} is no .tflite of at most {LARGEST_FILE >> 20} MiB")
    package = _package()
    try:
        reader = _Reader(package, data)
        reader.check_ends(side, outputs)
        return reader.read(side, outputs)
    except CheckpointError as error:
        raise CheckpointError(f"{what}: {error}") from error
    except _NOT_FLATBUFFERS as error:
        raise CheckpointError(f"{what} is damaged ({str(error)[:80]}); get it again") from error


def _package() -> ModuleType:
    try:
        import tflite
    except ModuleNotFoundError as error:
        raise InputError(
            "reading a .tflite needs tflite; install: pip install 'vectorfind[photos]'"
        ) from error
    return tflite


@dataclass(frozen=True)
class _Tensor:
    """A tensor: channels last, batch first; its numbers where it is a constant."""

    shape: tuple[int, ...]
    type: str
    bytes: memoryview

    @property
    def constant(self) -> np.ndarray:
        if not len(self.bytes) or self.type not in _TYPES:
            raise CheckpointError(
                f"weights are {self.type} {_listed([self.shape])}, without numbers"
            )
        return np.frombuffer(self.bytes, _TYPES[self.type]).reshape(self.shape)


@dataclass
class _Reader:
    """Turns the operators one after the other.

    Attributes:
        tflite: the package.
        values: tensor -> number of the value that it is in the graph.
        taken: numbers of the weights taken so far.
        constants: tensor -> the numbers of one that was DEQUANTIZEd.
    """

    tflite: ModuleType
    data: bytes
    values: dict[int, int] = field(default_factory=dict)
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    taken: int = 0

    def __post_init__(self) -> None:
        model = self.tflite.Model.GetRootAsModel(self.data, 0)
        graph = model.Subgraphs(0) if model.SubgraphsLength() == 1 else None
        if graph is None:
            raise CheckpointError(f"it has {model.SubgraphsLength()} graphs, not one")
        counts = (graph.TensorsLength(), graph.OperatorsLength(), model.OperatorCodesLength())
        if counts[0] > MOST_TENSORS or max(counts[1:]) > MOST_TENSORS or not counts[1]:
            raise CheckpointError(f"it has {counts[0]} tensors and {counts[1]} operators")
        self.model, self.graph = model, graph
        self.tensors = [self._tensor(graph.Tensors(k)) for k in range(counts[0])]
        self.codes = [self._name(model.OperatorCodes(k)) for k in range(counts[2])]

    def check_ends(self, side: int, outputs: Sequence[int]) -> None:
        """CheckpointError unless it takes and gives what it must."""
        taken = [self.tensors[k].shape for k in self._indices(self.graph, "Inputs")]
        given = [self.tensors[k].shape for k in self._indices(self.graph, "Outputs")]
        sizes = sorted(int(np.prod(shape)) for shape in given)
        if taken != [(1, side, side, 3)] or sizes != sorted(outputs):
            raise CheckpointError(
                f"it takes {_listed(taken)} and gives {_listed(given)}; needed is a network that "
                f"takes 1 × {side} × {side} × 3 and gives {' and '.join(map(str, outputs))} numbers"
            )

    def read(self, side: int, outputs: Sequence[int]) -> tuple[Graph, dict[str, Tensor]]:
        """The graph and its weights, its shapes compared with those that the file declares."""
        self.values[self._indices(self.graph, "Inputs")[0]] = 0
        for place in range(self.graph.OperatorsLength()):
            made = self.graph.Operators(place)
            name = self.codes[made.OpcodeIndex()]
            if name not in _READ:
                raise CheckpointError(f"it has an operator {name}; read are {', '.join(_READ)}")
            _READ[name](self, made)
        ends = {int(np.prod(self.tensors[k].shape)): self.values[k]
                for k in self._indices(self.graph, "Outputs")}  # fmt: skip
        graph = Graph(side, tuple(self.operators), tuple(ends[size] for size in outputs))
        shapes = value_shapes(graph)
        for tensor, number in self.values.items():
            if _channels_last(shapes[number]) != self.tensors[tensor].shape:
                raise CheckpointError(
                    f"tensor {tensor} is {_listed([self.tensors[tensor].shape])}, its operator "
                    f"gives {_listed([_channels_last(shapes[number])])}"
                )
        return graph, self.weights

    def add(
        self, made: Any, kind: str, weights: dict[str, np.ndarray] | None = None, **settings: Any
    ) -> None:
        """An operator that takes those of its inputs that are values."""
        taken = [self.values[k] for k in self._indices(made, "Inputs") if k in self.values]
        for name, numbers in (weights or {}).items():
            number = torch.tensor(np.ascontiguousarray(numbers, np.float32))
            self.weights[f"operators.{len(self.operators)}.{name}"] = number
        self.operators.append(Operator(kind, tuple(taken), settings))
        (result,) = self._indices(made, "Outputs")
        self.values[result] = len(self.operators)

    def input(self, made: Any, place: int = 0) -> _Tensor:
        """The tensor that an operator takes at a place."""
        return self.tensors[self._indices(made, "Inputs")[place]]

    def result(self, made: Any) -> _Tensor:
        """The tensor that an operator gives."""
        return self.tensors[self._indices(made, "Outputs")[0]]

    def constant(self, made: Any, place: int) -> np.ndarray:
        """The numbers of an operator's constant input."""
        index = self._indices(made, "Inputs")[place]
        found = self.constants[index] if index in self.constants else self.tensors[index].constant
        self.taken += found.size
        if self.taken > MOST_WEIGHTS:
            raise CheckpointError(f"it has more than {MOST_WEIGHTS:,} weights")
        return found

    def options(self, made: Any, name: str) -> Any:
        """An operator's options, by the name of their table."""
        table = made.BuiltinOptions()
        options = getattr(self.tflite, name)()
        options.Init(table.Bytes, table.Pos)
        fused = getattr(options, "FusedActivationFunction", None)  # resizing has none
        if fused is not None and fused() != self.tflite.ActivationFunctionType.NONE:
            raise CheckpointError("it has an activation within another operator; none is read")
        return options

    def padding(self, options: Any, side: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """Left, right, top and bottom of images of (height, width), by TensorFlow's rules."""
        if options.Padding() == self.tflite.Padding.VALID:
            return (0, 0, 0, 0)
        height, width = (
            same_padding(length, window, stride)
            for length, window, stride in zip(side, kernel, _stride(options), strict=True)
        )
        return (*width, *height)

    def _tensor(self, tensor: Any) -> _Tensor:
        if not 0 < tensor.ShapeLength() <= 4:
            raise CheckpointError(f"it has a tensor of {tensor.ShapeLength()} dimensions")
        shape = tuple(int(length) for length in tensor.ShapeAsNumpy())
        if min(shape) < 1 or int(np.prod(shape, dtype=object)) > LARGEST_VALUE:
            raise CheckpointError(f"it has a tensor of {_listed([shape])}")
        return _Tensor(shape, self._type(tensor.Type()), self._bytes(tensor.Buffer()))

    def _bytes(self, place: int) -> memoryview:
        if place >= self.model.BuffersLength():
            raise CheckpointError(f"it has no buffer {place}")
        buffer = self.model.Buffers(place)
        if not buffer.DataLength():
            return memoryview(b"")
        return memoryview(buffer.DataAsNumpy())

    def _type(self, number: int) -> str:
        kinds = vars(self.tflite.TensorType)
        return next((name for name, kind in kinds.items() if kind == number), str(number))

    def _name(self, code: Any) -> str:
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number == self.tflite.BuiltinOperator.CUSTOM:
            return (code.CustomCode() or b"").decode()
        kinds = vars(self.tflite.BuiltinOperator)
        return next((name for name, kind in kinds.items() if kind == number), str(number))

    def _indices(self, owner: Any, name: str) -> list[int]:
        """The tensors that an operator or the graph names as inputs or outputs."""
        count = getattr(owner, f"{name}Length")()
        if count > MOST_TENSORS:
            raise CheckpointError(f"an operator has {count} {name.lower()}")
        found = [int(getattr(owner, name)(k)) for k in range(count)]
        if not all(0 <= index < len(self.tensors) for index in found):
            raise CheckpointError("an operator names a tensor that is not there")
        return found


def same_padding(length: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros before and behind, so that ceil(length / stride) windows fit; the odd one behind."""
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


def _stride(options: Any) -> tuple[int, int]:
    return int(options.StrideH()), int(options.StrideW())


def _conv(reader: _Reader, made: Any) -> None:
    kernel = reader.constant(made, 1)  # (out, height, width, in)
    _add_conv(reader, made, "Conv2DOptions", kernel.transpose(0, 3, 1, 2), 1)


def _depthwise(reader: _Reader, made: Any) -> None:
    kernel = reader.constant(made, 1)  # (1, height, width, out)
    groups = reader.input(made).shape[-1]
    _add_conv(reader, made, "DepthwiseConv2DOptions", kernel.transpose(3, 0, 1, 2), groups)


def _add_conv(reader: _Reader, made: Any, table: str, kernel: np.ndarray, groups: int) -> None:
    """A convolution by a kernel (out, in a group, height, width)."""
    options = reader.options(made, table)
    if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise CheckpointError("it has a dilated convolution; none is read")
    side, window = reader.input(made).shape[1:3], kernel.shape[2:]
    reader.add(
        made,
        "conv",
        {"conv.weight": kernel, "conv.bias": reader.constant(made, 2)},
        channels=(kernel.shape[1] * groups, kernel.shape[0]),
        kernel=window,
        stride=_stride(options),
        padding=reader.padding(options, side, window),
        groups=groups,
    )


def _prelu(reader: _Reader, made: Any) -> None:
    slope = reader.constant(made, 1)  # (1, 1, channels)
    if slope.size != slope.shape[-1]:
        raise CheckpointError("it has slopes that differ from pixel to pixel; none are read")
    reader.add(made, "prelu", {"slope": slope.reshape(-1)}, channels=slope.size)


def _add(reader: _Reader, made: Any) -> None:
    reader.options(made, "AddOptions")
    reader.add(made, "add")


def _multiply(reader: _Reader, made: Any) -> None:
    reader.options(made, "MulOptions")
    reader.add(made, "multiply")


def _mean(reader: _Reader, made: Any) -> None:
    options = reader.options(made, "Pool2DOptions")
    window = (int(options.FilterHeight()), int(options.FilterWidth()))
    if window != reader.input(made).shape[1:3] or options.Padding() != reader.tflite.Padding.VALID:
        raise CheckpointError("it averages parts of images; only averages of whole ones are read")
    reader.add(made, "mean")


def _resize(reader: _Reader, made: Any) -> None:
    options = reader.options(made, "ResizeBilinearOptions")
    if options.AlignCorners() or not options.HalfPixelCenters():
        raise CheckpointError("it resizes by the pixels' corners; only by half pixels is read")
    reader.add(made, "resize", size=tuple(reader.constant(made, 1).astype(int).tolist()))


def _spread(reader: _Reader, made: Any) -> None:
    """MediaPipe's own operator: a transposed convolution and its bias; kernel (out, h, w, in)."""
    kernel = reader.constant(made, 1).transpose(3, 0, 1, 2)
    table = struct.pack("<3i", reader.tflite.Padding.VALID, *kernel.shape[:1:-1])
    if not made.CustomOptionsLength() or bytes(made.CustomOptionsAsNumpy()) != table:
        raise CheckpointError("it has a transposed convolution whose windows overlap; none is read")
    weights = {"conv.weight": kernel, "conv.bias": reader.constant(made, 2)}
    reader.add(made, "spread", weights, channels=kernel.shape[:2], kernel=kernel.shape[2:])


def _plain(kind: str) -> Callable[[_Reader, Any], None]:
    return lambda reader, made: reader.add(made, kind)


def _max_pool(reader: _Reader, made: Any) -> None:
    options = reader.options(made, "Pool2DOptions")
    window = (int(options.FilterHeight()), int(options.FilterWidth()))
    padding = reader.padding(options, reader.input(made).shape[1:3], window)
    reader.add(made, "max_pool", kernel=window, stride=_stride(options), padding=padding)


def _pad(reader: _Reader, made: Any) -> None:
    images, rows, columns, channels = reader.constant(made, 1).astype(int).tolist()
    if images != [0, 0] or min(*rows, *columns, *channels) < 0:
        raise CheckpointError("it pads images otherwise than by zeros around and channels")
    reader.add(made, "pad", padding=(*columns, *rows, *channels))


def _reshape(reader: _Reader, made: Any) -> None:
    shape = reader.result(made).shape
    if len(shape) not in (2, 3):
        raise CheckpointError("it reshapes to more than rows of numbers; that is not read")
    reader.add(made, "flatten") if len(shape) == 2 else reader.add(made, "rows", width=shape[2])


def _stack(reader: _Reader, made: Any) -> None:
    options = reader.options(made, "ConcatenationOptions")
    if len(reader.result(made).shape) != 3 or options.Axis() not in (1, -2):
        raise CheckpointError("it concatenates otherwise than rows; that is not read")
    reader.add(made, "stack")


def _dequantize(reader: _Reader, made: Any) -> None:
    (result,) = reader._indices(made, "Outputs")
    reader.constants[result] = reader.constant(made, 0).astype(np.float32)


_READ: dict[str, Callable[[_Reader, Any], None]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "PRELU": _prelu,
    "RELU": _plain("relu"),
    "HARD_SWISH": _plain("hard_swish"),
    "LOGISTIC": _plain("sigmoid"),
    "ADD": _add,
    "MUL": _multiply,
    "AVERAGE_POOL_2D": _mean,
    "RESIZE_BILINEAR": _resize,
    "Convolution2DTransposeBias": _spread,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "RESHAPE": _reshape,
    "CONCATENATION": _stack,
    "DEQUANTIZE": _dequantize,
}


def _channels_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else shape


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    """ "1 × 64 × 64 × 3 and 1 × 5"."""
    return " and ".join(" × ".join(map(str, shape)) for shape in shapes) or "nothing"
