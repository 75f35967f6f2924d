"""Constants of a network in OpenVINO's IR, version 10 and 11: an .xml that names them and a .bin.

The .xml is read by a parser that takes no document type, so that no entity is ever expanded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.parsers import expat

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError

LARGEST_XML = 2**24
"""Bytes of the largest .xml; a network of a thousand layers has half of one MiB."""

_FLOAT32 = "f32"


class _Refused(Exception):
    pass


@dataclass(frozen=True)
class Constants:
    """The float32 constants of a network, in its order.

    Attributes:
        what: what errors call the network.
        tensors: name -> tensor.
    """

    what: str
    tensors: Mapping[str, Tensor]

    def take(self, name: str) -> Tensor:
        """The constant of this name; CheckpointError if there is none."""
        if name not in self.tensors:
            raise CheckpointError(f"{self.what} lacks the constant {name}; it is another network")
        return self.tensors[name]

    def after(self, name: str, place: int = 1) -> Tensor:
        """The constant that stands so many places behind the one of this name."""
        names = list(self.tensors)
        self.take(name)
        index = names.index(name) + place
        if index >= len(names):
            raise CheckpointError(f"{self.what} ends after {name}; it is another network")
        return self.tensors[names[index]]


@dataclass(frozen=True)
class Facts:
    """What is told of an IR without its numbers.

    Attributes:
        version: of the IR.
        numbers: how many its constants have.
    """

    version: str
    numbers: int


def read_constants(what: str, xml: bytes, numbers: bytes | memoryview) -> Constants:
    """The float32 constants of an IR.

    Args:
        what: what errors call the network.
        xml: the network's description.
        numbers: the bytes of its .bin.

    Raises:
        CheckpointError: the description is no IR, or names numbers that the .bin has not.
    """
    found: dict[str, Tensor] = {}

    def constant(name: str, attributes: Mapping[str, str]) -> None:
        if attributes.get("element_type") == _FLOAT32:
            found[name] = _constant(attributes, numbers)

    _parse(what, xml, constant)
    return Constants(what, found)


def check_ir(what: str, xml: bytes, size: int) -> Facts:
    """Checks an IR that a runtime is to read.

    Args:
        what, xml: see `read_constants`.
        size: bytes of its .bin.

    Raises:
        CheckpointError: as there.
    """
    counts: list[int] = []

    def constant(name: str, attributes: Mapping[str, str]) -> None:
        shape, _, _ = _place(attributes, size)
        counts.append(math.prod(shape))

    version = _parse(what, xml, constant)
    return Facts(version, sum(counts))


def _parse(what: str, xml: bytes, constant: Callable[[str, Mapping[str, str]], None]) -> str:
    """Calls `constant` with the name and the attributes of each; gives the IR's version."""
    if len(xml) > LARGEST_XML:
        raise CheckpointError(f"{what}'s .xml has {len(xml):,} bytes, at most {LARGEST_XML:,}")
    state = {"name": None, "depth": 0, "version": "unknown"}

    def start(tag: str, attributes: dict[str, str]) -> None:
        state["depth"] += 1
        if state["depth"] == 1:
            if tag != "net":
                raise _Refused("its first element is not <net>")
            state["version"] = attributes.get("version", "unknown")[:8]
        if tag == "layer":
            is_constant = attributes.get("type") == "Const"
            state["name"] = attributes.get("name") if is_constant else None
        elif tag == "data" and state["name"] is not None:
            constant(state["name"], attributes)
            state["name"] = None

    def end(tag: str) -> None:
        state["depth"] -= 1

    def refuse(*_: object) -> None:
        raise _Refused("it declares a document type, which no IR does")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except (_Refused, expat.ExpatError, ValueError, KeyError, OverflowError) as error:
        raise CheckpointError(f"{what}'s .xml is no IR of OpenVINO ({error})") from error
    return state["version"]


def _constant(attributes: Mapping[str, str], numbers: bytes | memoryview) -> Tensor:
    """The constant's numbers, copied out of the .bin."""
    shape, first, size = _place(attributes, len(numbers))
    if size != 4 * math.prod(shape):
        raise _Refused(f"a constant of shape {shape} has {size} bytes")
    if not size:
        return torch.zeros(shape)
    part = bytearray(numbers[first : first + size])
    return torch.frombuffer(part, dtype=torch.float32).reshape(shape)


def _place(attributes: Mapping[str, str], length: int) -> tuple[tuple[int, ...], int, int]:
    """A constant's shape, first byte and bytes in a .bin of such a length."""
    text = attributes["shape"]
    shape = tuple(int(size) for size in text.split(",")) if text.strip() else ()
    first, size = int(attributes["offset"]), int(attributes["size"])
    if any(side < 0 for side in shape):
        raise _Refused(f"a constant of shape {shape} has {size} bytes")
    if not (0 <= first <= length - size and size >= 0):
        raise _Refused(f"a constant lies at byte {first} of {length}")
    return shape, first, size
