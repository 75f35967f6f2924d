"""What is read of a file: the checkpoint itself, and its description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

Architecture = Literal[
    "stylegan1", "stylegan2", "stylegan3", "pggan", "mobilestylegan", "property_cnn", "export",
    "other",
]  # fmt: skip
"""Networks; "export" is one that its runtime alone knows, "other" one of ours that makes no images
and scores no properties."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in a file.

    Attributes:
        kind: what wrote the file, and which of its entries this is.
        architecture: which network it is of.
        config: the network's settings; None where they follow from the weights' shapes.
        state: the weights by name, as the network calls them, on the CPU; empty once they have
            moved into a generator.
        metadata: text that the file keeps beside them.
        notes: what a user should know.
        digest: 16 hexadecimal digits that name the file, or that which it was converted from
            without loss, and the options given with it.
        options: what the file does not tell of the network, by name, and what is taken for it; see
            `stylegan_ft.formats.options`.
    """

    kind: str
    architecture: Architecture
    config: Any
    state: dict[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digest: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileInfo:
    """What a file holds, to be shown.

    Attributes:
        layers: layer -> size of its vectors, those that it has without being asked for more.
        available_layers: the further layers that can be asked for.
        parameters: numbers in the weights.
        resolution, z_dim, w_dim, label_dim: None where the network has no such size.
        synthesis_layers: how many layers take a w, those that `w+A-B` counts from 0; 0 for none.
        licence: what the project states whose file it is; "" where that is not known.
        The others are those of `Checkpoint`.
    """

    kind: str
    architecture: Architecture
    parameters: int
    digest: str
    resolution: int | None = None
    z_dim: int | None = None
    w_dim: int | None = None
    label_dim: int | None = None
    layers: Mapping[str, int] = field(default_factory=dict)
    available_layers: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    synthesis_layers: int = 0
    licence: str = ""
