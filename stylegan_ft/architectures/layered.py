"""What all StyleGAN generators have in common: leave at a layer, re-enter, synthesize."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import InputError
from property_cnn.common.networks import differentiable, weights_digest
from property_cnn.common.prompt import Shown
from stylegan_ft.architectures.layer_names import LayerNames

CHUNK = 2**22
"""Numbers in the largest feature maps of one pass on a CPU; larger ones are slow to allocate."""


def is_alone(x: Tensor) -> bool:
    """Whether feature maps (N, C, H, W) are those of one row, and of a network whose maps are so
    large that a pass on a CPU never has two, whatever the batch.

    Its weights can then be scaled in place of its maps, which are more. As a network's rows are
    alone always or never, what is chosen does not depend on the batch.
    """
    return x.device.type == "cpu" and len(x) == 1 and 2 * x.numel() > CHUNK


SHOWN_AS = {
    1: "its images are grey: each is repeated as red, green and blue",
    3: "",
    4: "its images have an alpha channel: they are laid over white",
}
"""Channels of images -> what is said of how they become RGB."""


@dataclass(frozen=True)
class Sizes:
    """What a generator needs to know of its network.

    Args:
        names: every layer that the network has.
        layers: those that the generator has without being asked for more.
        label_dim: size of the label; 0 without labels.
        resolution: side of the images in pixels.
        row_numbers: numbers in the largest feature maps of one image.
        image_channels: channels of the images: 1 (grey), 3 (RGB) or 4 (RGB and alpha).
    """

    names: LayerNames
    layers: Iterable[str]
    label_dim: int
    resolution: int
    row_numbers: int
    image_channels: int


class LayeredGenerator(Shown, ABC):
    """A trained generator for inference: no random noise, gradients of vectors alone.

    Args:
        network: the weights, with a `mapping` that has `forward(z, label)` and
            `resume(latents, layer)`; it is put into evaluation mode and moved to `device`.
        device: where it runs; None leaves it where it is.
        digest: names the weights; made from them if not given.
        psi, trunc_layers: truncation of the first layers' w (all of them, if None) towards the
            mean w; as it stands, none.

    Attributes:
        z_dim, label_dim: sizes of the latents and of the label, which is 0 without labels.
        layers: name -> size of the vectors where the network can be left and re-entered.
        resolution: side of the images in pixels.
        digest: 16 hexadecimal digits that name the weights.
        image_channels: channels of the network's own images, which all become RGB.
        size: that side, where the network makes images of several and this is not the largest.
        thread_safe: True: several threads may use it at once.

    Raises:
        InputError: the images are not RGB, grey or RGB with alpha, or there is no such device.
    """

    thread_safe = True
    size: int | None = None

    def __init__(
        self,
        network: nn.Module,
        device: str | torch.device | None = None,
        digest: str | None = None,
        psi: float = 1.0,
        trunc_layers: int | None = None,
    ):
        sizes = self._sizes(network)
        self.image_channels = sizes.image_channels
        if self.image_channels not in SHOWN_AS:
            raise InputError(
                f"this generator's images have {self.image_channels} channels; 1 (grey), 3 (RGB) "
                "or 4 (RGB and alpha) are needed"
            )
        self.network = network.eval()
        self.network.to(memory_format=torch.channels_last)
        self._names = names = sizes.names
        self.z_dim, self.label_dim = names.z_dim, sizes.label_dim
        self.resolution = sizes.resolution
        self.layers: Mapping[str, int] = names.sizes(sizes.layers)
        self.psi, self.trunc_layers = psi, trunc_layers
        self.digest = digest if digest is not None else weights_digest(network.state_dict())
        self._rows = max(1, CHUNK // sizes.row_numbers)
        if device is not None:
            self.to(device)

    @staticmethod
    @abstractmethod
    def _sizes(network: nn.Module) -> Sizes:
        """Those of the network."""

    @abstractmethod
    def _truncate(self, ws: Tensor) -> Tensor:
        """Truncation of the w of all layers, (N, num_ws, w_dim)."""

    @abstractmethod
    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        """What `_images` takes, of truncated ws: tensors with a row for each image."""

    @abstractmethod
    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        """Images (N, C, R, R) of what `_styles` gives, or of the parts of vectors of `s`."""

    def facts(self) -> dict[str, str]:
        """Sizes of its images, latents and layers, which weights it has, and where it runs."""
        of = "" if self.trunc_layers is None else f" of {self.trunc_layers} layers"
        label = f", label {self.label_dim}" if self.label_dim else ""
        return {
            "network": type(self.network).__name__,
            "images": f"{self.resolution} × {self.resolution}",
            "latents": f"z {self.z_dim}{label}",
            "layers": ", ".join(f"{name} {size}" for name, size in self.layers.items()),
            "truncation": "none" if self.psi == 1.0 else f"psi {self.psi:g}{of}",
            "digest": self.digest,
            "device": str(self.device),
        }

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return next(self.network.parameters()).device

    @property
    def available_layers(self) -> tuple[str, ...]:
        """What `with_layer` takes; `w+A-B` stands for every range, as `w+4-8`."""
        return self._names.available_layers

    @property
    def synthesis_layers(self) -> int:
        """How many layers take a w: `w+A-B` counts them from 0."""
        return self._names.num_ws

    @property
    def editable(self) -> dict[str, tuple[int, int]]:
        """Layer -> [start, stop) of the part that directions may move, where it is not all."""
        spans = {layer: self._names.editable(layer) for layer in self.layers}
        return {layer: span for layer, span in spans.items() if span is not None}

    def with_layer(self, layer: str) -> Self:
        """A generator with the same weights that also has this layer.

        Raises:
            InputError: the network has no such layer; the text names all that it has.
        """
        more = copy.copy(self)
        more.layers = self._names.sizes((*self.layers, layer))
        return more

    @torch.inference_mode()
    def style_weights(self, layer: str = "w") -> Tensor:
        """Weights (outputs, w_dim) of the affine layers that take a layer's w, one below the other.

        Args:
            layer: "w" or "w+" for all affine layers of synthesis, "w+A-B" for those of the range.

        Raises:
            InputError: no affine layer takes the vectors of that layer.
        """
        every = (0, self._names.num_ws)
        start, stop = every if layer in ("w", "w+") else self._names.span(layer) or (0, 0)
        weights = [weight for k, weight in self.network.style_weights() if start <= k < stop]
        if not weights:
            raise InputError(
                f"layer {layer!r}: no affine layer of synthesis takes its vectors; give w, w+ or "
                "w+A-B"
            )
        return torch.cat(weights)

    def to(self, device: str | torch.device) -> Self:
        """Moves the network, in place, and returns the generator."""
        self.network.to(choose_device(device))
        return self

    @torch.inference_mode()
    def map(self, z: Tensor, label: Tensor | None = None) -> dict[str, Tensor]:
        """The vectors of all layers in one pass.

        Args:
            z: (N, z_dim), standard normal.
            label: (N, label_dim); None where the generator takes no labels.

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
        else:
            label = None
        vectors = self.network.mapping(z, label)
        return {layer: self._leave(vectors, layer) for layer in self.layers}

    @differentiable
    def synthesize(self, latents: Tensor, layer: str = "w") -> Tensor:
        """Images of vectors that re-enter the network at a layer and run through the rest.

        Where the vectors ask for gradients, they get them.

        Args:
            latents: (N, dimensions of the layer).
            layer: one of `layers`.

        Returns:
            (N, 3, R, R) float32, about in [-1, 1].

        Raises:
            InputError: there is no such layer, or the shape is another one.
        """
        if layer not in self.layers:
            raise InputError(
                f"layer {layer!r}: this generator has {', '.join(self.layers)}; "
                f"with_layer(layer) adds one of {', '.join(self.available_layers)}"
            )
        latents = self._rows_of(f"vectors of {layer}", latents, self.layers[layer])
        if not len(latents):
            return latents.new_zeros(0, 3, self.resolution, self.resolution)
        styles = self._enter(latents, layer)
        passes = -(-len(latents) // self._rows) if self.device.type == "cpu" else 1
        parts = zip(*(style.tensor_split(passes) for style in styles), strict=True)
        return torch.cat([as_rgb(self._images(part)) for part in parts])

    def _leave(self, vectors: Mapping[str, Tensor], layer: str) -> Tensor:
        if layer in vectors:
            return vectors[layer]
        w = vectors["w"]
        if layer == "s":
            return torch.cat(list(self._enter(w, "w")), dim=1)
        return w.repeat(1, self._names.num_ws if layer == "w+" else 2)

    def _enter(self, latents: Tensor, layer: str) -> Sequence[Tensor]:
        if layer == "s":
            return latents.split(self.network.style_sizes, dim=1)
        count, span = self._names.num_ws, self._names.span(layer)
        if layer == "w+":
            ws = latents.unflatten(1, (count, -1))
        elif span is not None:
            w, inside = latents.chunk(2, dim=1)
            ws = w[:, None].repeat(1, count, 1)
            ws[:, slice(*span)] = inside[:, None]
        else:
            ws = self.network.mapping.resume(latents, layer)[:, None].expand(-1, count, -1)
        return self._styles(self._truncate(ws))

    def _rows_of(self, what: str, given: Tensor, size: int) -> Tensor:
        given = torch.as_tensor(given)
        if given.ndim != 2 or given.shape[1] != size:
            raise InputError(f"{what} of shape {tuple(given.shape)}; it must be (N, {size})")
        return given.to(self.device, torch.float32)


def as_rgb(images: Tensor) -> Tensor:
    """Images (N, C, H, W) in [-1, 1] as RGB (N, 3, H, W): grey ones repeated, and those with alpha
    laid over white.

    Args:
        images: C as in `SHOWN_AS`; alpha from -1, clear, to 1, opaque.
    """
    if images.shape[1] == 1:
        return images.expand(-1, 3, -1, -1)
    if images.shape[1] == 4:
        opacity = ((images[:, 3:] + 1.0) / 2.0).clamp(0.0, 1.0)
        return 1.0 + (images[:, :3] - 1.0) * opacity
    return images
