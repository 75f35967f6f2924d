"""Networks without numbers: tensors on the "meta" device, which have a shape and a type alone.

PyTorch computes most shapes in Python, and the first such computation imports its compiler, which
takes longer than reading a file of weights. The few operations that networks and files need before
they have numbers are answered here instead.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

META = torch.device("meta")

_ARITHMETIC = frozenset(
    getattr(Tensor, name)
    for kind in ("add", "sub", "mul", "truediv", "pow")
    for name in (f"__{kind}__", f"__r{kind}__")
) | {operator.add, operator.mul, torch.add, torch.sub, torch.mul, torch.div, Tensor.add,
     Tensor.sub, Tensor.mul, Tensor.div, Tensor.square, Tensor.sqrt, Tensor.rsqrt}  # fmt: skip
"""What gives a tensor of its arguments' common shape."""


@contextmanager
def without_numbers() -> Iterator[None]:
    """What is made inside is on the "meta" device."""
    with shapes_alone(), META:
        yield


@contextmanager
def shapes_alone() -> Iterator[None]:
    """What is computed inside of tensors on the "meta" device takes no compiler."""
    with _Shapes():
        yield


class _Shapes(TorchFunctionMode):
    def __torch_function__(
        self,
        function: Callable,
        types: Any,
        arguments: tuple = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(options or {})
        if function in _ARITHMETIC and any(_on_meta(part) for part in arguments):
            return _like(arguments)
        if function in (torch.flip, Tensor.flip) and _on_meta(arguments[0]):
            return _like(arguments[:1])
        if function is torch.randn and "generator" in options and _is_meta(options.get("device")):
            del options["generator"]
        if function is torch.outer and any(_on_meta(part) for part in arguments):
            return _like((arguments[0][:, None], arguments[1]))
        if function is torch.cat and all(map(_on_meta, arguments[0])):
            return _joined(*arguments, **options)
        return function(*arguments, **options)


def _on_meta(part: object) -> bool:
    return isinstance(part, Tensor) and part.is_meta


def _is_meta(device: object) -> bool:
    return device is not None and torch.device(device) == META


def _like(parts: tuple) -> Tensor:
    shape = np.broadcast_shapes(*(getattr(part, "shape", ()) for part in parts))
    first, *rest = parts
    dtype = torch.result_type(first, rest[0]) if rest else first.dtype
    return torch.empty(shape, dtype=dtype, device=META)


def _joined(tensors: tuple[Tensor, ...], dim: int = 0) -> Tensor:
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    return torch.empty(shape, dtype=tensors[0].dtype, device=META)
