"""Constants of a network in OpenVINO's IR, version 10 and 11: an .xml that names them and a .bin.

The .xml is read by a parser that takes no document type, so that no entity is ever expanded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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


def read_constants(what: str, xml: bytes, numbers: bytes | memoryview) -> Constants:
    """The float32 constants of an IR.

    Args:
        what: what errors call the network.
        xml: the network's description.
        numbers: the bytes of its .bin.

    Raises:
        CheckpointError: the description is no IR, or names numbers that the .bin has not.
    """
    if len(xml) > LARGEST_XML:
        raise CheckpointError(f"{what}'s .xml has {len(xml):,} bytes, at most {LARGEST_XML:,}")
    found: dict[str, Tensor] = {}
    state = {"name": None, "depth": 0}

    def start(tag: str, attributes: dict[str, str]) -> None:
        state["depth"] += 1
        if state["depth"] == 1 and tag != "net":
            raise _Refused("its first element is not <net>")
        if tag == "layer":
            is_constant = attributes.get("type") == "Const"
            state["name"] = attributes.get("name") if is_constant else None
        elif tag == "data" and state["name"] is not None:
            if attributes.get("element_type") == _FLOAT32:
                found[state["name"]] = _constant(attributes, numbers)
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
    return Constants(what, found)


def _constant(attributes: Mapping[str, str], numbers: bytes | memoryview) -> Tensor:
    """The constant's numbers, copied out of the .bin."""
    text = attributes["shape"]
    shape = tuple(int(size) for size in text.split(",")) if text.strip() else ()
    first, size = int(attributes["offset"]), int(attributes["size"])
    if any(side < 0 for side in shape) or size != 4 * math.prod(shape):
        raise _Refused(f"a constant of shape {shape} has {size} bytes")
    if not 0 <= first <= len(numbers) - size:
        raise _Refused(f"a constant lies at byte {first} of {len(numbers)}")
    if not size:
        return torch.zeros(shape)
    part = bytearray(numbers[first : first + size])
    return torch.frombuffer(part, dtype=torch.float32).reshape(shape)
