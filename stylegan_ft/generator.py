"""The generator as the rest of the library uses it: map, leave at a layer, re-enter, synthesize."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from property_cnn.devices import choose_device
from property_cnn.errors import InputError
from property_cnn.files import file_digest
from stylegan_ft.checkpoint import load_network
from stylegan_ft.networks import GeneratorNetwork

SHIPPED = Path(__file__).parent / "weights" / "generator.safetensors"
"""The weights that the package ships."""

CHUNK = 2**22
"""Numbers in the largest feature maps of one pass on a CPU; larger ones are slow to allocate."""


class Generator:
    """A trained StyleGAN generator for inference: no random noise, no gradients.

    Args:
        network: the weights; it is put into evaluation mode and moved to `device`.
        device: where it runs; None leaves it where it is.
        digest: names the weights; made from them if not given.
        psi, trunc_layers: truncation of the first layers' styles towards the mean w; as it
            stands, none.

    Attributes:
        z_dim, label_dim: sizes of the latents and of the label, which is 0 without labels.
        layers: name -> size of the vectors where the network can be left and re-entered.
        resolution: side of the images in pixels.
        digest: 16 hexadecimal digits that name the weights.
        thread_safe: True: several threads may use it at once.
    """

    thread_safe = True

    def __init__(
        self,
        network: GeneratorNetwork,
        device: str | torch.device | None = None,
        digest: str | None = None,
        psi: float = 1.0,
        trunc_layers: int = 0,
    ):
        self.network = network.eval()
        self.network.to(memory_format=torch.channels_last)
        self.psi, self.trunc_layers = psi, trunc_layers
        config = network.config
        self.z_dim, self.label_dim = config.z_dim, config.label_dim
        self.layers: Mapping[str, int] = config.layers
        self.resolution = config.resolution
        self.digest = digest if digest is not None else state_digest(network.state_dict())
        most = max(c * (4 * 2**k) ** 2 for k, c in enumerate(config.channels))
        self._rows = max(1, CHUNK // most)
        if device is not None:
            self.to(device)

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return self.network.truncation.w_avg.device

    def to(self, device: str | torch.device) -> Generator:
        """Moves the network, in place, and returns it."""
        self.network.to(choose_device(device))
        return self

    @torch.inference_mode()
    def map(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """The vectors of all layers in one pass.

        Args:
            z: (N, z_dim), standard normal.
            label: (N, label_dim), standard normal; None where the generator takes no labels.

        Returns:
            Layer -> (N, dimensions), in the order of `layers`.

        Raises:
            InputError: a shape is another one, or the label is missing.
        """
        z = self._rows_of("z", z, self.z_dim)
        if self.label_dim:
            if label is None:
                raise InputError(
                    f"no label; this generator takes one of shape (N, {self.label_dim})"
                )
            label = self._rows_of("label", label, self.label_dim)
            if len(label) != len(z):
                raise InputError(f"{len(z)} rows of z and {len(label)} of label; give one each")
        elif label is not None and label.numel():
            raise InputError("this generator takes no label; give None")
        return self.network.mapping(z, label)

    @torch.inference_mode()
    def synthesize(self, mid: Tensor, layer: str = "w") -> Tensor:
        """Images of vectors that re-enter the network at a layer and run through the rest.

        Args:
            mid: (N, dimensions of the layer).
            layer: one of `layers`.

        Returns:
            (N, 3, R, R) float32, about in [-1, 1].

        Raises:
            InputError: there is no such layer, or the shape is another one.
        """
        if layer not in self.layers:
            raise InputError(f"layer {layer!r}: this generator has {', '.join(self.layers)}")
        mid = self._rows_of(f"vectors of {layer}", mid, self.layers[layer])
        w = self.network.mapping.resume(mid, layer)
        styles = self.network.truncation(w, self.psi, self.trunc_layers)
        passes = max(1, -(-len(styles) // self._rows)) if self.device.type == "cpu" else 1
        return torch.cat([self.network.synthesis(part) for part in styles.tensor_split(passes)])

    def _rows_of(self, what: str, given: Tensor, size: int) -> Tensor:
        given = torch.as_tensor(given)
        if given.ndim != 2 or given.shape[1] != size:
            raise InputError(f"{what} of shape {tuple(given.shape)}; it must be (N, {size})")
        return given.to(self.device, torch.float32)


def load_generator(
    path: str | os.PathLike | None = None, device: str | torch.device | None = None
) -> Generator:
    """The generator of a checkpoint, or the shipped one if no path is given.

    Args:
        path: see `stylegan_ft.checkpoint.load_network`.
        device: where it runs; None takes a GPU where there is one.

    Raises:
        CheckpointError: the file is missing, damaged or foreign.
        InputError: there is no such device.
    """
    path = SHIPPED if path is None else Path(path)
    network, _ = load_network(path)
    return Generator(network, choose_device(device), digest=file_digest(path))


def state_digest(state: Mapping[str, Tensor]) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of names and values of weights."""
    total = hashlib.sha256()
    for name in sorted(state):
        total.update(name.encode())
        total.update(state[name].detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()[:16]
