"""Files of landmark networks: ours, which need no further package, and the .tflite they come as."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import (
    METADATA,
    bytes_digest,
    file_digest,
    load_tensors,
    read_card,
    reading,
    save_tensors,
)
from property_cnn.landmarks.graph import Graph, GraphNetwork, build, value_shapes
from property_cnn.landmarks.tflite_graph import LARGEST_FILE, is_tflite, read_tflite

FORMAT = "property_cnn landmarks 1"
KEY = "landmarks"


@dataclass(frozen=True)
class Kind:
    """A network that is read.

    Attributes:
        name: as files are called by.
        side: of the images that it takes, in pixels.
        outputs: how many numbers an image each of its outputs has.
        fetched: what `vectorfind fetch` calls the file that holds it.
    """

    name: str
    side: int
    outputs: tuple[int, ...]
    fetched: str = "landmarks"


FACE = Kind("landmarks", 192, (3 * 468, 1))
"""MediaPipe's face mesh: x, y, z of each point in pixels, and the logit that a face is there."""

IRIS = Kind("iris", 64, (3 * 71, 3 * 5))
"""MediaPipe's iris network: points of an eye's and brow's contour, and of the iris."""

DETECTOR = Kind("detector", 256, (16 * 896, 896))
"""MediaPipe's face detector for a phone's back camera: boxes and points of faces, and logits."""

PERSON = Kind("person", 256, (256 * 256,), fetched="person")
"""MediaPipe's selfie segmentation: for each pixel, how likely it shows a person."""


def kinds_of(path: str | os.PathLike) -> tuple[str, ...]:
    """Names of the networks that a file says it holds; () where it is another file."""
    try:
        with open(path, "rb") as file:
            if is_tflite(file.read(8)):
                return (FACE.name,)
        with safe_open(path, framework="pt") as file:
            ours = json.loads((file.metadata() or {}).get(METADATA, "{}"))
        return tuple(json.loads(ours[KEY])["graphs"])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        return ()


def describe_networks(path: str | os.PathLike) -> dict[str, str]:
    """Names and values to print, of a file that holds networks (`kinds_of`)."""
    shown = {"kind": "networks of faces", "networks": ", ".join(kinds_of(path))}
    with open(path, "rb") as file:
        if not is_tflite(file.read(8)):
            card = json.loads(load_tensors(path)[1][KEY])
            notes = {name: text for name, text in card.items() if isinstance(text, str)}
            shown |= {"format": "", **dict(sorted(notes.items()))}
    return {**shown, "digest": file_digest(path)}


def load_network(path: str | os.PathLike, kind: Kind) -> GraphNetwork:
    """The network of this kind in a file of `save_networks` or in a .tflite.

    Raises:
        CheckpointError: the file is missing, damaged, or holds another network.
        InputError: the package tflite, which a .tflite needs, is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"no file {path}; {_getting(kind)}")
    with reading(path), open(path, "rb") as file:
        if is_tflite(file.read(8)):
            file.seek(0)
            return from_tflite(file.read(LARGEST_FILE + 1), kind, str(path))
    tensors, metadata = load_tensors(path)
    otherwise = f"{path} holds no network called {kind.name}; {_getting(kind)}"
    try:
        graph = Graph.from_plain(read_card(metadata, KEY, FORMAT, otherwise)["graphs"][kind.name])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(otherwise) from error
    start = f"{kind.name}."
    own = {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
    network = build(graph, own, str(path))
    shapes = value_shapes(graph)
    given = tuple(math.prod(shapes[number]) for number in graph.outputs)
    if (graph.side, given) != (kind.side, kind.outputs):
        raise CheckpointError(otherwise)
    return network


def from_tflite(data: bytes, kind: Kind, what: str) -> GraphNetwork:
    """The network in the bytes of a .tflite; `what` is what errors call it.

    Raises:
        CheckpointError, InputError: see `property_cnn.landmarks.tflite_graph.read_tflite`.
    """
    graph, weights = read_tflite(data, what, kind.side, kind.outputs)
    return build(graph, weights, what)


def save_networks(
    path: str | os.PathLike, networks: Mapping[str, GraphNetwork], notes: Mapping[str, str]
) -> None:
    """Writes networks as one safetensors file: weights in float32, their graphs beside them.

    Args:
        path: of the file.
        networks: by the names of their kinds.
        notes: what else to keep, such as their licence.
    """
    graphs = {name: network.graph.plain() for name, network in networks.items()}
    tensors = {
        f"{name}.{weight}": tensor
        for name, network in networks.items()
        for weight, tensor in network.state_dict().items()
    }
    card = json.dumps({**notes, "format": FORMAT, "graphs": graphs}, sort_keys=True)
    save_tensors(path, tensors, {KEY: card})


def graph_digest(network: GraphNetwork, weights: str, version: int) -> str:
    """16 hexadecimal digits that name weights, graph, and the version of what is made of them."""
    text = json.dumps([weights, network.graph.plain(), version], sort_keys=True)
    return bytes_digest(text.encode())


def _getting(kind: Kind) -> str:
    return f"get it by: vectorfind fetch {kind.fetched}"
