"""What the library asks of a generator and of a scorer: a few attributes, no base class.

Any object with these attributes works, so a user's own networks need no subclassing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from property_cnn.errors import InputError


@runtime_checkable
class Generator(Protocol):
    """Makes images from latents, and from mid vectors taken at one of its layers.

    It may also have `digest` (text naming its weights, stored with directions found on it),
    `device` (where tensors are handed to it; the CPU if it has none), `to(device)`, and
    `thread_safe = True` if several threads may use it at once, as it then does on a CPU.

    Attributes:
        z_dim: size of the latents.
        label_dim: size of the label; 0 if it takes none.
        layers: the layers where directions may live and the sizes of their vectors, in the
            network's order: the last one is nearest to the image.
    """

    z_dim: int
    label_dim: int
    layers: Mapping[str, int]

    def map(self, z: torch.Tensor, label: torch.Tensor | None) -> Mapping[str, torch.Tensor]:
        """(N, z_dim) latents and (N, label_dim) labels (None if 0) -> layer -> (N, d), one pass."""
        ...

    def synthesize(self, mid: torch.Tensor, layer: str) -> torch.Tensor:
        """(N, d) vectors that re-enter at `layer` -> images (N, 3, H, W) in [-1, 1]."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Reads numeric properties off images; more of a score means more of the property.

    A row with a NaN means that this image cannot be read (as where no face is found).
    It may also have `digest`, `device`, `to(device)` and `thread_safe`, as a generator may.

    Attributes:
        properties: names of the scores, in their order.
    """

    properties: tuple[str, ...]

    def __call__(self, images: torch.Tensor) -> torch.Tensor | np.ndarray:
        """Images (N, 3, H, W) in [-1, 1] -> scores (N, P)."""
        ...


def resolve_generator(
    generator: str | os.PathLike | Generator = "default",
    device: str | torch.device | None = None,
) -> Generator:
    """The shipped generator ("default"), the one in a checkpoint, or the object itself.

    Args:
        generator: "default", the path of a checkpoint, or an object with the protocol.
        device: where it shall run; an object is moved only if this is given.

    Raises:
        InputError: the object lacks a part of the protocol, or the device is not there.
        CheckpointError: the checkpoint is missing, damaged or foreign.
    """
    if isinstance(generator, str | os.PathLike):
        from stylegan_ft.generator import load_generator

        return load_generator(None if generator == "default" else generator, device=device)
    _check("generator", generator, ("z_dim", "label_dim", "layers", "map", "synthesize"))
    if not generator.layers:
        raise InputError("the generator offers no layers; give at least one name and its size")
    return _moved(generator, device)


def resolve_scorer(
    scorer: str | os.PathLike | Scorer = "default",
    device: str | torch.device | None = None,
) -> Scorer:
    """The shipped scorer ("default"), the one in a checkpoint, or the object itself.

    Args and errors are those of `resolve_generator`.
    """
    if isinstance(scorer, str | os.PathLike):
        from property_cnn.devices import choose_device
        from property_cnn.predict import load_scorer

        return _moved(load_scorer(None if scorer == "default" else scorer), choose_device(device))
    _check("scorer", scorer, ("properties", "__call__"))
    if not scorer.properties or isinstance(scorer.properties, str):
        raise InputError("the scorer's `properties` must be a tuple of names, one a score")
    return _moved(scorer, device)


def digest_of(network: object) -> str:
    """The text that names the network's weights; "" where it has none."""
    return str(getattr(network, "digest", ""))


def device_of(network: object) -> torch.device:
    """Where the network takes its tensors: its `device`, or the CPU where it names none."""
    return torch.device(getattr(network, "device", "cpu"))


def _check(what: str, given: object, needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if not hasattr(given, name)]
    if missing:
        raise InputError(
            f"the {what}, a {type(given).__name__}, has no {', '.join(missing)}; "
            f"it needs {', '.join(needed)} (see vectorfind.protocols)"
        )


def _moved(network, device: str | torch.device | None):
    """The network, moved to the device if one is given and the network can be moved."""
    if device is not None and hasattr(network, "to"):
        from property_cnn.devices import choose_device

        moved = network.to(choose_device(device))
        return network if moved is None else moved
    return network
