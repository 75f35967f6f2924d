"""ONNX files, checked before onnxruntime reads them.

An ONNX file may name other files that hold its numbers ("external data"), so that a hostile one
could have any file read: names that leave its folder are refused. Libraries of further operators
are never loaded, so a network that needs one does not load.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import reading
from property_cnn.common.prompt import extra_module
from stylegan_ft.exports.files import check_size
from stylegan_ft.exports.parts import Part, Slot, saying
from stylegan_ft.foreign import LOOKED_AT, foreign_kind

if TYPE_CHECKING:
    from google.protobuf.message import Message

RUNTIME, EXTRA = "onnxruntime", "onnx"

LARGEST_MODEL = 2**31 - 1
"""Bytes of an .onnx, by protobuf's own limit."""

DTYPES = {
    "tensor(float)": np.dtype("float32"),
    "tensor(float16)": np.dtype("float16"),
    "tensor(double)": np.dtype("float64"),
}
"""Types of inputs, as onnxruntime calls them."""

_FATAL = 4  # the least that is logged: errors come as exceptions


def open_onnx(path: Path) -> Part:
    """The network in a file, for the CPU: one thread computes each pass.

    Raises:
        CheckpointError: it is damaged, names files outside its folder, or cannot be run.
        InputError: onnxruntime or onnx is not installed.
    """
    runtime = extra_module(RUNTIME, EXTRA)
    kind, parameters, files = check_onnx(path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    with saying(str(path), RUNTIME, "load"):
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = [_slot(path, given) for given in session.get_inputs()]

    def call(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return session.run(
            None, {slot.name: array for slot, array in zip(inputs, arrays, strict=True)}
        )

    return Part(str(path), RUNTIME, inputs, call, kind, parameters, files)


def check_onnx(path: Path) -> tuple[str, int, tuple[Path, ...]]:
    """What wrote a file, how many numbers its weights have, and the files that hold them.

    Raises:
        CheckpointError: it is no whole ONNX file, is too large, or names files outside its folder.
        InputError: onnx is not installed.
    """
    onnx = extra_module("onnx", EXTRA)
    check_size(path, LARGEST_MODEL)
    with reading(path), open(path, "rb") as file:
        foreign = foreign_kind(file.read(LOOKED_AT))
    if foreign:
        raise CheckpointError(f"{path}: it is {foreign}")
    with saying(str(path), "onnx", "read"):
        model = onnx.load_model(str(path), load_external_data=False)
    if not model.graph.node:
        raise CheckpointError(f"{path} is no whole ONNX file; download or export it again")
    files = {path: None}
    for tensor in _tensors(model):
        for entry in tensor.external_data:
            if entry.key == "location":
                files[_inside(path, entry.value)] = None
    parameters = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    opset = max((item.version for item in model.opset_import if not item.domain), default=0)
    writer = " ".join(model.producer_name.split())[:40]
    return f"ONNX, opset {opset}{f', by {writer}' if writer else ''}", parameters, tuple(files)


def _tensors(message: Message) -> Iterator[Message]:
    """Every tensor in a message of protobuf, wherever it stands: also in graphs within nodes."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in (value,) if hasattr(value, "ListFields") else value:
            if part.DESCRIPTOR.name == "TensorProto":
                yield part
            else:
                yield from _tensors(part)


def _inside(path: Path, location: str) -> Path:
    """The file of external data of this name; CheckpointError if it lies outside the folder."""
    names = PurePosixPath(location), PureWindowsPath(location)
    folder = path.parent.resolve()
    with reading(path):
        leaves = any(name.anchor or ".." in name.parts for name in names) or "\0" in location
        found = folder if leaves else (folder / location).resolve()
        if leaves or not found.is_relative_to(folder):
            raise CheckpointError(
                f"{path} names the file {location[:80]!r} outside its folder, which is not read"
            )
        if not found.is_file():
            raise CheckpointError(f"{path} lacks its file {location[:80]!r}; put it beside it")
    check_size(found)
    return found


def _slot(path: Path, given: object) -> Slot:
    if given.type not in DTYPES:
        raise CheckpointError(
            f"{path}: its input {given.name!r} is a {given.type}; latents, labels and w are floats"
        )
    shape = tuple(size if isinstance(size, int) else None for size in given.shape)
    return Slot(given.name, shape, DTYPES[given.type])
