"""The scorer that users meet: trained weights that read scores off images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.network.cnn import NetworkSettings, PropertyCNN
from property_cnn.network.reference import (
    LAYOUT,
    ReferenceCNN,
    ReferenceSettings,
    reference_settings,
)
from property_cnn.properties import PROPERTIES

SHIPPED = Path(__file__).parents[1] / "weights" / "scorer.safetensors"
"""Weights that come with the package."""

FORMAT = "property_cnn scorer 1"
KEY = "scorer"


class BatchedNetwork:
    """A trained network ready to run on batches of images.

    Args:
        network: trained; it is put in evaluation mode and on the device.
        device: where it runs; see `property_cnn.common.devices.choose_device`.
        batch_size: the most images that run at once; changes nothing but rounding.

    Attributes:
        digest: 16 hexadecimal digits that name the weights.
        network: the network itself.
        thread_safe: True: several threads may use it at once.
    """

    thread_safe = True

    def __init__(self, network: nn.Module, device: str | torch.device | None, batch_size: int):
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}; need at least 1")
        self.batch_size = batch_size
        self.digest = weights_digest(network)
        self.network = network.eval().requires_grad_(False)
        self.to(choose_device(device))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Moves the weights; returns itself."""
        self.network.to(device, memory_format=torch.channels_last)
        return self


class Scorer(BatchedNetwork):
    """A property CNN ready to score images.

    Args:
        network: a trained network: a `PropertyCNN`, or the reference's.
        device, batch_size: see `BatchedNetwork`.

    Attributes:
        properties: names of the columns that it answers.
    """

    network: PropertyCNN | ReferenceCNN

    def __init__(
        self,
        network: PropertyCNN | ReferenceCNN,
        device: str | torch.device | None = None,
        batch_size: int = 256,
    ):
        super().__init__(network, device, batch_size)
        self.properties = PROPERTIES

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """z-normalised scores.

        Args:
            images: (N, 3, H, W) floats in [-1, 1], any size and device.

        Returns:
            (N, 8) float32 on the scorer's device, columns as in `properties`; mean 0 and
            deviation 1 over the faces that it was trained on.

        Raises:
            ScorerError: the images have another shape.
        """
        return torch.cat([self.network(batch) for batch in self._batches(images)])

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """(N, F) float32 activations below the scores, for distances between sets of images."""
        return torch.cat([self.network.features(batch) for batch in self._batches(images)])

    def denormalise(self, scores: Tensor) -> Tensor:
        """Raw scores, in the units of `parsing_scores`, of (N, 8) z-normalised ones."""
        return self.network.denormalise(scores.to(self.device))

    def _batches(self, images: Tensor):
        if images.ndim != 4 or images.shape[1] != 3:
            raise ScorerError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
        for batch in images.split(self.batch_size):
            yield batch.to(self.device, torch.float32).contiguous(memory_format=torch.channels_last)


def load_scorer(path: str | Path | None = None, device: str | torch.device | None = None) -> Scorer:
    """The scorer in a file of `save_scorer`, or the one shipped with the package.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    path = SHIPPED if path is None else Path(path)
    tensors, metadata = load_tensors(path)
    settings = scorer_metadata(path, metadata).get("settings")
    return Scorer(network_of(tensors, settings, source=str(path)), device)


def network_of(
    state: Mapping[str, Tensor], settings: Mapping[str, Any] | None = None, source: str = "the file"
) -> PropertyCNN | ReferenceCNN:
    """The network with the weights of a state dict: ours, or the reference's.

    Args:
        settings: its `config`; None for the reference's, whose weights tell it.
        source: what errors call the weights.

    Raises:
        CheckpointError: the weights do not fit the settings.
    """
    given = reference_settings(state) if settings is None else settings
    try:
        given = dict(given)
        if given.pop("layout", None) == LAYOUT:
            made, sizes = ReferenceCNN, ReferenceSettings(**given)
        else:
            made, sizes = PropertyCNN, NetworkSettings(**given)
        with torch.device("meta"):  # so that sizes which do not fit the weights allocate nothing
            wanted = made(sizes).state_dict()
        if any(tensor.shape != state[name].shape for name, tensor in wanted.items()):
            raise ValueError("shapes differ")
        network = made(sizes)
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the weights in {source} do not fit this version's network; make the scorer again"
        ) from error
    return network


def save_scorer(
    network: PropertyCNN | ReferenceCNN,
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes a network's weights and how it is built.

    Args:
        network: a trained network, its score normalisation included.
        path: a .safetensors file.
        metadata: more plain values to keep with it, e.g. how it was made.
        dtype: of the large weights in the file.
    """
    own = {"format": FORMAT, "properties": PROPERTIES, "settings": network.config}
    save_network(path, network, KEY, {**(metadata or {}), **own}, dtype)


def scorer_metadata(path: str | Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """What `save_scorer` kept beside the weights, from the metadata of the file.

    Raises:
        CheckpointError: the file holds something else.
    """
    return read_card(metadata, KEY, FORMAT, f"{path} is no scorer; give a file of save_scorer")


def save_network(
    path: str | Path,
    network: nn.Module,
    key: str,
    card: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes a network's weights, and its card as one entry of the file's metadata.

    Args:
        key: of the entry.
        card: plain values.
        dtype: of the large weights in the file.
    """
    tensors = {
        name: tensor.to(dtype) if tensor.ndim > 1 else tensor
        for name, tensor in network.state_dict().items()
    }
    save_tensors(path, tensors, {key: json.dumps(dict(card), sort_keys=True)})


def read_card(metadata: Mapping[str, str], key: str, form: str, otherwise: str) -> dict[str, Any]:
    """The card that `save_network` wrote, whose `format` is `form`.

    Raises:
        CheckpointError: with the text `otherwise`: there is none, or one of another format.
    """
    try:
        card = json.loads(metadata[key])
        if card["format"] == form:
            return card
    except (KeyError, TypeError, ValueError):
        pass
    raise CheckpointError(otherwise)


def weights_digest(network: nn.Module) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a network's weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
