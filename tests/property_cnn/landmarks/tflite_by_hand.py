"""Small .tflite files, written here with the flatbuffer's own builders, and tiny networks in them.

`numpy_values` computes the same operators by loops, as TensorFlow defines them.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest

flatbuffers = pytest.importorskip("flatbuffers", reason="needs vectorfind[photos]")
tflite = pytest.importorskip("tflite", reason="needs vectorfind[photos]")

SAME, VALID = 0, 1
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3}


class Net:
    """Tensors and operators, added one by one; `file()` gives the bytes."""

    def __init__(self, side, channels=3):
        self.tensors, self.operators = [], []
        self.input = self.tensor((1, side, side, channels))
        self.outputs = []

    def tensor(self, shape, values=None, dtype="float32"):
        self.tensors.append((tuple(shape), dtype, values))
        return len(self.tensors) - 1

    def constant(self, values):
        values = np.asarray(values)
        return self.tensor(values.shape, values, str(values.dtype))

    def shape(self, tensor):
        return self.tensors[tensor][0]

    def operator(self, name, inputs, shape, table=None, dtype="float32", **options):
        result = self.tensor(shape, dtype=dtype)
        self.operators.append((name, tuple(inputs), (result,), table, options))
        return result

    def conv(self, of, kernel, bias, stride=1, padding=SAME, **more):
        """A convolution by a kernel (out, height, width, in)."""
        kernel = np.asarray(kernel, np.float32)
        windows = (kernel.shape[1], kernel.shape[2])
        shape = (1, *self._places(of, windows, stride, padding), kernel.shape[0])
        inputs = (of, self.constant(kernel), self.constant(np.asarray(bias, np.float32)))
        return self.operator("CONV_2D", inputs, shape, "Conv2DOptions", Padding=padding,
                             StrideH=stride, StrideW=stride, **more)  # fmt: skip

    def depthwise(self, of, kernel, bias, stride=1, padding=SAME):
        """A convolution of each channel by a kernel (1, height, width, channels)."""
        kernel = np.asarray(kernel, np.float32)
        shape = (1, *self._places(of, kernel.shape[1:3], stride, padding), kernel.shape[3])
        inputs = (of, self.constant(kernel), self.constant(np.asarray(bias, np.float32)))
        return self.operator("DEPTHWISE_CONV_2D", inputs, shape, "DepthwiseConv2DOptions",
                             Padding=padding, StrideH=stride, StrideW=stride,
                             DepthMultiplier=kernel.shape[3] // self.shape(of)[3])  # fmt: skip

    def prelu(self, of, slope):
        slope = self.constant(np.asarray(slope, np.float32)[None, None])
        return self.operator("PRELU", (of, slope), self.shape(of))

    def same(self, name, of):
        """An operator without settings that keeps the shape."""
        return self.operator(name, (of,), self.shape(of))

    def multiply(self, one, other):
        return self.operator("MUL", (one, other), self.shape(one), "MulOptions")

    def mean(self, of, window=None, padding=VALID):
        height, width = window or self.shape(of)[1:3]
        shape = (1, 1, 1, self.shape(of)[3])
        return self.operator("AVERAGE_POOL_2D", (of,), shape, "Pool2DOptions", Padding=padding,
                             StrideH=height, StrideW=width, FilterHeight=height,
                             FilterWidth=width)  # fmt: skip

    def resize(self, of, size, corners=False, halves=True):
        shape = (1, *size, self.shape(of)[3])
        inputs = (of, self.constant(np.array(size, np.int32)))
        return self.operator("RESIZE_BILINEAR", inputs, shape, "ResizeBilinearOptions",
                             AlignCorners=corners, HalfPixelCenters=halves)  # fmt: skip

    def spread(self, of, kernel, bias, stride=2):
        """MediaPipe's transposed convolution by a kernel (out, height, width, in)."""
        kernel = np.asarray(kernel, np.float32)
        height, width = (stride * side for side in self.shape(of)[1:3])
        inputs = (of, self.constant(kernel), self.constant(np.asarray(bias, np.float32)))
        shape = (1, height, width, kernel.shape[0])
        return self.operator("Convolution2DTransposeBias", inputs, shape,
                             CustomOptions=struct.pack("<3i", 1, stride, stride))  # fmt: skip

    def add(self, one, other):
        return self.operator("ADD", (one, other), self.shape(one), "AddOptions")

    def max_pool(self, of, window, stride, padding=VALID):
        shape = (1, *self._places(of, (window, window), stride, padding), self.shape(of)[3])
        return self.operator("MAX_POOL_2D", (of,), shape, "Pool2DOptions", Padding=padding,
                             StrideH=stride, StrideW=stride, FilterHeight=window,
                             FilterWidth=window)  # fmt: skip

    def pad(self, of, pairs):
        shape = [n + a + b for n, (a, b) in zip(self.shape(of), pairs, strict=True)]
        return self.operator("PAD", (of, self.constant(np.array(pairs, np.int32))), shape)

    def reshape(self, of, shape):
        return self.operator("RESHAPE", (of, self.constant(np.array(shape, np.int32))), shape)

    def relu(self, of):
        return self.operator("RELU", (of,), self.shape(of))

    def stack(self, *values, **more):
        """Rows (1, R, W) of values, one below the other."""
        rows = sum(self.shape(value)[1] for value in values)
        shape = (1, rows, *self.shape(values[0])[2:])
        options = {"Axis": 1, **more}
        return self.operator("CONCATENATION", values, shape, "ConcatenationOptions", **options)

    def dequantized(self, values):
        """Constants kept in half precision."""
        values = np.asarray(values, np.float16)
        return self.operator("DEQUANTIZE", (self.constant(values),), values.shape)

    def _places(self, of, windows, stride, padding):
        for side, window in zip(self.shape(of)[1:3], windows, strict=True):
            yield -(-(side if padding == SAME else side - window + 1) // stride)

    def file(self):
        """The bytes of the .tflite."""
        b = flatbuffers.Builder(1024)
        names = sorted({name for name, *_ in self.operators})
        buffers = [self._buffer(b, None)]
        buffers += [self._buffer(b, values) for *_, values in self.tensors]
        tensors = [self._tensor(b, k) for k in range(len(self.tensors))]
        operators = [self._operator(b, names, made) for made in self.operators]
        codes = [self._code(b, name) for name in names]
        parts = {
            "Tensors": self._offsets(b, tensors),
            "Inputs": b.CreateNumpyVector(np.array([self.input], np.int32)),
            "Outputs": b.CreateNumpyVector(np.array(self.outputs, np.int32)),
            "Operators": self._offsets(b, operators),
        }
        graph = self._table(b, "SubGraph", parts)
        parts = {
            "OperatorCodes": self._offsets(b, codes),
            "Subgraphs": self._offsets(b, [graph]),
            "Buffers": self._offsets(b, buffers),
        }
        b.Finish(self._table(b, "Model", {"Version": 3, **parts}), b"TFL3")
        return bytes(b.Output())

    def _buffer(self, b, values):
        data = None
        if values is not None:
            data = b.CreateByteVector(np.ascontiguousarray(values).tobytes())
        return self._table(b, "Buffer", {} if data is None else {"Data": data})

    def _tensor(self, b, number):
        shape, dtype, _ = self.tensors[number]
        parts = {"Shape": b.CreateNumpyVector(np.array(shape, np.int32)),
                 "Name": b.CreateString(f"tensor {number}")}  # fmt: skip
        return self._table(b, "Tensor", {**parts, "Type": TYPES[dtype], "Buffer": number + 1})

    def _operator(self, b, names, made):
        name, inputs, outputs, table, options = made
        options = dict(options)
        own = options.pop("CustomOptions", None)
        parts = {"OpcodeIndex": names.index(name)}
        if own is not None:
            parts["CustomOptions"] = b.CreateByteVector(own)
        if table:
            defaults = {"DilationHFactor": 1, "DilationWFactor": 1} if "Conv" in table else {}
            parts["BuiltinOptions"] = self._table(b, table, {**defaults, **options})
            parts["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, table)
        parts["Inputs"] = b.CreateNumpyVector(np.array(inputs, np.int32))
        parts["Outputs"] = b.CreateNumpyVector(np.array(outputs, np.int32))
        return self._table(b, "Operator", parts)

    def _code(self, b, name):
        code = getattr(tflite.BuiltinOperator, name, None)
        own = {}
        if code is None:
            code, own = tflite.BuiltinOperator.CUSTOM, {"CustomCode": b.CreateString(name)}
        return self._table(b, "OperatorCode", {"DeprecatedBuiltinCode": min(code, 127), **own,
                                               "BuiltinCode": code, "Version": 1})  # fmt: skip

    def _table(self, b, name, parts):
        getattr(tflite, f"{name}Start")(b)
        for part, value in parts.items():
            getattr(tflite, f"{name}Add{part}")(b, value)
        return getattr(tflite, f"{name}End")(b)

    def _offsets(self, b, offsets):
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    def numpy_values(self, images):
        """The outputs (N, F) for images (N, side, side, channels), by loops."""
        values = {k: v for k, (_, _, v) in enumerate(self.tensors) if v is not None}
        values[self.input] = images.astype(np.float64)
        for name, inputs, (result,), _, options in self.operators:
            values[result] = BY_LOOPS[name](*(values[k] for k in inputs), **options)
        return [values[k].reshape(len(images), -1) for k in self.outputs]


def _windows(images, height, width, padding, stride, fill):
    """(N, rows, columns, height, width, channels), as TensorFlow places them."""
    pads = []
    for side, window in zip(images.shape[1:3], (height, width), strict=True):
        need = max((-(-side // stride) - 1) * stride + window - side, 0) if padding == SAME else 0
        pads.append((need // 2, need - need // 2))
    padded = np.pad(images, [(0, 0), *pads, (0, 0)], constant_values=fill)
    rows = range(0, padded.shape[1] - height + 1, stride)
    columns = range(0, padded.shape[2] - width + 1, stride)
    found = [[padded[:, r : r + height, c : c + width] for c in columns] for r in rows]
    return np.moveaxis(np.array(found), 2, 0)


def _conv(images, kernel, bias, Padding, StrideH, **_):
    windows = _windows(images, *kernel.shape[1:3], Padding, StrideH, 0.0)
    return np.einsum("nrchwi,ohwi->nrco", windows, kernel) + bias


def _depthwise(images, kernel, bias, Padding, StrideH, DepthMultiplier, **_):
    windows = _windows(images, *kernel.shape[1:3], Padding, StrideH, 0.0)
    windows = windows.repeat(DepthMultiplier, axis=-1)
    return np.einsum("nrchwi,hwi->nrci", windows, kernel[0]) + bias


def _max_pool(images, Padding, StrideH, FilterHeight, FilterWidth, **_):
    windows = _windows(images, FilterHeight, FilterWidth, Padding, StrideH, -np.inf)
    return windows.max(axis=(3, 4))


def _mean(images, **_):
    return images.mean(axis=(1, 2), keepdims=True)


def _resize(images, size, **_):
    """Each new pixel's middle, laid on the old ones' middles."""
    for axis, length in ((1, size[0]), (2, size[1])):
        old = images.shape[axis]
        at = np.clip((np.arange(length) + 0.5) * old / length - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        share = (at - low).reshape([-1 if k == axis else 1 for k in range(4)])
        images = images.take(low, axis) * (1 - share) + images.take(high, axis) * share
    return images


def _spread(images, kernel, bias, **_):
    n, height, width, _ = images.shape
    out, rows, columns, _ = kernel.shape
    made = np.zeros((n, height * rows, width * columns, out))
    for r in range(rows):
        for c in range(columns):
            made[:, r::rows, c::columns] = images @ kernel[:, r, c].T + bias
    return made


BY_LOOPS = {
    "RELU": lambda images: np.maximum(images, 0),
    "HARD_SWISH": lambda images: images * np.clip(images + 3, 0, 6) / 6,
    "LOGISTIC": lambda images: 1 / (1 + np.exp(-images)),
    "MUL": lambda one, other: one * other,
    "AVERAGE_POOL_2D": _mean,
    "RESIZE_BILINEAR": _resize,
    "Convolution2DTransposeBias": _spread,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "PRELU": lambda images, slope: np.where(images > 0, images, slope * images),
    "ADD": lambda one, other: one + other,
    "MAX_POOL_2D": _max_pool,
    "PAD": lambda images, pairs: np.pad(images, pairs.tolist()),
    "RESHAPE": lambda images, shape: images.reshape(len(images), *shape[1:]),
    "CONCATENATION": lambda *rows, Axis: np.concatenate(rows, axis=Axis),
    "DEQUANTIZE": lambda values: values.astype(np.float64),
}


def everything(side=13, seed=0):
    """A net with every operator that is read, and outputs of 5 and 2 numbers."""
    rng = np.random.default_rng(seed)
    net = Net(side)
    first = net.conv(net.input, rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4), 2)
    first = net.prelu(first, rng.normal(size=4))
    deep = net.depthwise(first, rng.normal(size=(1, 3, 3, 8)), rng.normal(size=8), 2)
    pooled = net.max_pool(first, 3, 2, SAME)
    padded = net.pad(pooled, [(0, 0), (0, 0), (0, 0), (1, 3)])
    both = net.add(padded, deep)
    half = net.dequantized(rng.normal(size=(5, 2, 2, 8)))
    bias = net.constant(rng.normal(size=5).astype(np.float32))
    side = net.shape(both)[1]
    places = -(-side // 4)
    one = net.operator("CONV_2D", (both, half, bias), (1, places, places, 5), "Conv2DOptions",
                       Padding=SAME, StrideH=4, StrideW=4)  # fmt: skip
    other = net.conv(both, rng.normal(size=(2, side, side, 8)), rng.normal(size=2), padding=VALID)
    net.outputs = [net.reshape(other, (1, 2)), one]
    return net


def detector(side=16, seed=0):
    """A net as detectors are: rows of 4 and of 1 numbers at the points of two grids."""
    rng = np.random.default_rng(seed)
    net = Net(side)
    fine = net.relu(net.conv(net.input, rng.normal(size=(6, 3, 3, 3)), rng.normal(size=6), 4))
    coarse = net.relu(net.conv(fine, rng.normal(size=(8, 3, 3, 6)), rng.normal(size=8), 2))
    for width in (4, 1):
        heads = []
        for of, many in ((fine, 2), (coarse, 3)):
            kernel = rng.normal(size=(many * width, 1, 1, net.shape(of)[3]))
            head = net.conv(of, kernel, rng.normal(size=many * width))
            heads.append(net.reshape(head, (1, many * net.shape(of)[1] ** 2, width)))
        net.outputs.append(net.stack(*heads))
    return net


def squeezed(side=12, seed=0):
    """A net of the operators that `everything` lacks; it gives a map of twice the side."""
    rng = np.random.default_rng(seed)
    net = Net(side)
    small = net.conv(net.input, 2 * rng.normal(size=(4, 3, 3, 3)), 3 * rng.normal(size=4), 2)
    small = net.same("HARD_SWISH", small)
    share = net.conv(net.mean(small), rng.normal(size=(4, 1, 1, 4)), rng.normal(size=4))
    share = net.same("LOGISTIC", net.same("RELU", share))
    large = net.resize(net.multiply(small, share), (side, side))
    large = net.multiply(large, large)
    net.outputs = [net.spread(large, rng.normal(size=(1, 2, 2, 4)), (0.5,))]
    return net


def tiny_reader(side, outputs, seed=0, scale=1.0, bias=None):
    """A net of few operators that takes images of a side and gives what a reader needs.

    Args:
        outputs: numbers of each output.
        scale: of the weights behind the bias.
        bias: of each output; zeros if None.
    """
    rng = np.random.default_rng(seed)
    net = Net(side)
    step = side // 4
    seen = net.conv(net.input, scale * rng.normal(size=(2, step, step, 3)) / step, (0, 0), step)
    bias = [np.zeros(n) for n in outputs] if bias is None else bias
    net.outputs = [
        net.conv(seen, scale * rng.normal(size=(n, 4, 4, 2)) / 4, given, padding=VALID)
        for n, given in zip(outputs, bias, strict=True)
    ]
    return net
