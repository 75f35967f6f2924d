"""The scorer that users meet: trained weights that read scores off images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, ScorerError
from property_cnn.common.files import load_tensors
from property_cnn.common.networks import BatchedNetwork, differentiable, save_network
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.reference import (
    LAYOUT,
    ReferenceCNN,
    ReferenceSettings,
    reference_settings,
)
from property_cnn.network.shift import feature_shift
from property_cnn.network.shipped import FORMAT, KEY, SHIPPED, scorer_metadata


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
        self.properties = network.properties

    @differentiable
    def __call__(self, images: Tensor) -> Tensor:
        """z-normalised scores; differentiable.

        Args:
            images: (N, 3, H, W) floats in [-1, 1], any size and device.

        Returns:
            (N, P) float32 on the scorer's device, columns as in `properties`; mean 0 and
            deviation 1 over the images that it was trained on.

        Raises:
            ScorerError: the images have another shape.
        """
        return torch.cat([self.network(batch) for batch in self._batches(images)])

    @torch.inference_mode()
    def features(self, images: Tensor) -> Tensor:
        """(N, F) float32 activations below the scores, for distances between sets of images."""
        return torch.cat([self.network.features(batch) for batch in self._batches(images)])

    def feature_shift(self, images: Tensor) -> float:
        """How far images are from those learned from, see `property_cnn.network.shift`."""
        return feature_shift(self.network, next(self._batches(images)))

    def denormalise(self, scores: Tensor) -> Tensor:
        """Raw scores, in the units that were learned, of (N, P) z-normalised ones."""
        return self.network.denormalise(scores.to(self.device))

    def _batches(self, images: Tensor):
        if images.ndim != 4 or images.shape[1] != 3:
            raise ScorerError(f"images are (N, 3, H, W), not {tuple(images.shape)}")
        for batch in images.split(self.batch_size):
            yield batch.to(self.device, torch.float32)


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
            made, sizes = PropertyCNN, NetworkSettings.of(given)
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
    own = {"format": FORMAT, "properties": network.properties, "settings": network.config}
    save_network(path, network, KEY, {**(metadata or {}), **own}, dtype)
