"""What the library asks of a generator and of a scorer: a few attributes, no base class.

Any object with these attributes works, so a user's own networks need no subclassing. A network
that knows only its latents, such as a DCGAN, has the one layer z:

    class MyGenerator:
        z_dim, label_dim = 100, 0
        layers = {"z": 100}

        def __init__(self, network):
            self.network = network.eval()                # (N, 100, 1, 1) -> (N, 3, H, W)

        def map(self, z, label):                         # (N, 100), None
            return {"z": z}

        def synthesize(self, latents, layer):                # (N, 100), "z"
            return self.network(latents[:, :, None, None])   # in [-1, 1]

A scorer is made of any function of images that gives named numbers:

    def colours(images):                                 # (N, 3, H, W) in [-1, 1]
        red, green, blue = images.mean(dim=(2, 3)).T
        return {"warm": red - blue, "bright": red + green + blue}

    scorer = vectorfind.CallableScorer(colours, ("warm", "bright"))

With these, directions in z for both scores, without groups, and the proof that they work:

    directions = vectorfind.find_directions(2000, generator=MyGenerator(dcgan), scorer=scorer)
    evaluation = vectorfind.evaluate(directions, cases=100)

`examples/own_networks.py` runs just this.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Protocol, runtime_checkable

import numpy as np
import torch

from property_cnn.common.checks import Whole, check_names, checked
from property_cnn.common.errors import InputError
from vectorfind.models.objects import is_object_name, named_object

LARGEST = 2**24
"""Most numbers of a latent, a label or a layer's vector."""


@runtime_checkable
class Generator(Protocol):
    """Makes images from latents, and from latents taken at one of its layers.

    It may also have:
        digest: text naming its weights, stored with directions found on it; without one,
            nothing that is kept on disk is used again.
        device, to(device): where tensors are handed to it (the CPU without), and how to move it.
        thread_safe: True if several threads may use it at once, as they then do on a CPU.
        with_layer(layer): a generator on the same weights whose `layers` have that one too, for
            layers that are rare or costly; InputError that tells all it takes, for others.
        available_layers: names, or patterns of names, of what `with_layer` takes, to be shown.
        editable: layer -> (start, stop), where directions may move only a part of its vectors;
            they are found in that part and are zero outside.
        style_weights(layer): weights (outputs, numbers of a w) of the affine layers that take the
            w of w, w+ or w+A-B, for directions that are read off them.
        psi, trunc_layers: its truncation; 1 for none, of so many layers, None for all.
        size: side of its images where it makes several; None for its own.
        one_hot_labels: True if a label names a class, so that samples have one of these each;
            else labels are drawn as latents are, from a normal distribution.

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

    def synthesize(self, latents: torch.Tensor, layer: str) -> torch.Tensor:
        """(N, d) vectors that re-enter at `layer` -> images (N, 3, H, W) in [-1, 1]."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Reads numeric properties off images; more of a score means more of the property.

    A row with a NaN means that this image cannot be read (as where no face is found).
    It may also have `digest`, `device`, `to(device)` and `thread_safe`, as a generator may; and, to
    tell as a judge how far faces stay the same person's:
        scores_and_embeddings(images): its scores and, of the same images, vectors (N, E) whose
            cosine is high for one person; a row of NaN where it cannot tell.
        same_person: the largest Euclidean distance of two such vectors that is taken for one
            person's.

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
    psi: float | None = None,
    trunc_layers: int | None = None,
    size: int | None = None,
) -> Generator:
    """A generator of a name ("default", "base", "mobilestylegan"), of a file, or the object itself.

    Args:
        generator: one of these names, the path of a checkpoint, MODULE:OBJECT of the user's own
            code, or an object with the protocol.
        device: where it shall run; an object is moved only if this is given.
        psi, trunc_layers: truncation of one that is loaded; an object has its own. None is that of
            the name, see `stylegan_ft.generator.own_psi`.
        size: side of its images, of one that is loaded and makes several; None for its own.

    Raises:
        InputError: the object lacks a part of the protocol, or the device is not there.
        CheckpointError: the checkpoint is missing, damaged or foreign.
    """
    if is_object_name(generator):
        generator = named_object(generator)
    if isinstance(generator, str | os.PathLike):
        from stylegan_ft.generator import load_generator

        return load_generator(generator, device, psi, trunc_layers, size)
    _check("generator", generator, ("z_dim", "label_dim", "layers", "map", "synthesize"))
    checked("the generator's z_dim", generator.z_dim, Annotated[int, Whole(1, LARGEST)])
    checked("the generator's label_dim", generator.label_dim, Annotated[int, Whole(0, LARGEST)])
    sizes = Mapping[str, Annotated[int, Whole(1, LARGEST)]]
    if not checked("the generator's layers", generator.layers, sizes):
        raise InputError("the generator offers no layers; give at least one name and its size")
    for name in generator.layers:
        if not name or name.startswith(".") or set(name) & set("/\\"):
            raise InputError(
                f"a layer is called {name!r}; files are named after it: give a name that "
                "does not begin with a dot and has no slash"
            )
    return _moved(generator, device)


def resolve_scorer(
    scorer: str | os.PathLike | Scorer = "default",
    device: str | torch.device | None = None,
) -> Scorer:
    """The scorer of a name in `vectorfind.models.scorers.NAMED`, of a file, or the object itself.

    Args and errors are those of `resolve_generator`, but for the truncation.
    """
    if is_object_name(scorer):
        scorer = named_object(scorer)
    if isinstance(scorer, str | os.PathLike):
        from property_cnn.common.devices import choose_device
        from vectorfind.models.scorers import load_any_scorer

        return load_any_scorer(scorer, choose_device(device))
    _check("scorer", scorer, ("properties", "__call__"))
    names = checked("the scorer's properties", scorer.properties, tuple[str, ...])
    if not names:
        raise InputError("the scorer's `properties` must be a tuple of names, one a score")
    check_names("property of the scorer", names, names)
    return _moved(scorer, device)


def digest_of(network: object) -> str:
    """What names a network's weights, and how a generator was loaded; "" without a digest.

    A generator's truncation and the side of its images follow, where they are not its own.
    """
    digest, psi = str(getattr(network, "digest", "")), getattr(network, "psi", 1.0)
    layers, size = getattr(network, "trunc_layers", None), getattr(network, "size", None)
    if not digest:
        return ""
    if psi != 1.0:
        digest += f"-psi{str(float(psi)).removesuffix('.0')}"
        digest += "" if layers is None else f"-of-{layers}"
    return digest if size is None else f"{digest}-{size}px"


def named(network: object) -> str:
    """Kind and digest of a network, to be shown."""
    return " ".join(filter(None, [type(network).__name__, digest_of(network)]))


def digest_without_size(digest: str) -> str:
    """What `digest_of` gives of the generator whatever the side of its images."""
    return re.sub(r"-\d+px$", "", digest)


def device_of(network: object) -> torch.device:
    """Where the network takes its tensors: its `device`, or the CPU where it names none."""
    return torch.device(getattr(network, "device", "cpu"))


def _check(what: str, given: object, needed: tuple[str, ...]) -> None:
    missing = [name for name in needed if not hasattr(given, name)]
    if missing:
        raise InputError(
            f"the {what}, a {type(given).__name__}, has no {', '.join(missing)}; "
            f"it needs {', '.join(needed)} (see vectorfind.models.protocols)"
        )


def _moved(network, device: str | torch.device | None):
    """The network, moved to the device if one is given and the network can be moved."""
    if device is not None and hasattr(network, "to"):
        from property_cnn.common.devices import choose_device

        moved = network.to(choose_device(device))
        return network if moved is None else moved
    return network
