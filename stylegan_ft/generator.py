"""The generator as the rest of the library uses it: map, leave at a layer, re-enter, synthesize."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.fetching import needed_path
from stylegan_ft.architectures.build import build
from stylegan_ft.architectures.layer_names import LayerNames
from stylegan_ft.architectures.layered import LayeredGenerator, Sizes
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.network import StyleGANNetwork
from stylegan_ft.architectures.pggan.network import PGGAN
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.exports.generator import is_export, load_export
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.mobile.files import MOBILESTYLEGAN
from stylegan_ft.formats.options import split_name, with_name
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.shipped import SHIPPED

PHOTO_PSI = 0.8
"""Truncation of photographs: clean faces that still vary."""


def generator_path(given: str | os.PathLike | None) -> Path:
    """The file of a shipped or fetched generator's name, or the path as it is.

    Args:
        given: a name of `SHIPPED`, None being "default"; "mobilestylegan"; or a path. Options that
            it carries, see `stylegan_ft.formats.options`, stay behind it.

    Raises:
        CheckpointError: the generator of that name was not fetched yet.
    """
    path, options = split_name("default" if given is None else given)
    fetched = path == MOBILESTYLEGAN.name
    found = needed_path(path) if fetched else SHIPPED.get(path, path)
    return Path(with_name(found, options))


def own_psi(given: str | os.PathLike | None) -> float:
    """The truncation that a generator's name stands for: 0.8 for photographs, else 1, none."""
    named = given is not None and split_name(given)[0] == MOBILESTYLEGAN.name
    return PHOTO_PSI if named else 1.0


class Generator(LayeredGenerator):
    """A StyleGAN 1; see `LayeredGenerator` for its arguments and what it does."""

    network: GeneratorNetwork

    @staticmethod
    def _sizes(network: GeneratorNetwork) -> Sizes:
        config = network.config
        num_ws = config.synthesis_layers if config.repeat_w else 1  # its w is that of all layers
        return Sizes(
            LayerNames(config.vectors, config.z_dim, num_ws),
            config.layers,
            label_dim=config.label_dim,
            resolution=config.resolution,
            row_numbers=max(c * (4 * 2**k) ** 2 for k, c in enumerate(config.channels)),
            image_channels=config.image_channels,
        )

    def _truncate(self, ws: Tensor) -> Tensor:
        truncation = self.network.truncation
        ws = ws if self.network.config.repeat_w else ws[:, 0]
        layers = truncation.layers if self.trunc_layers is None else self.trunc_layers
        return truncation(ws, self.psi, layers)

    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        return [ws]  # this network's layers take w as it is

    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        return self.network.synthesis(*styles)


class StyleGANGenerator(LayeredGenerator):
    """A StyleGAN2 or StyleGAN3; see `LayeredGenerator` for its arguments and what it does.

    Attributes:
        half: whether the layers that the original runs in half precision do so on a GPU too.
    """

    network: StyleGANNetwork
    half = False

    @property
    def one_hot_labels(self) -> bool:
        """Whether a label names a class, as the originals' do."""
        return self.label_dim > 0

    @staticmethod
    def _sizes(network: StyleGANNetwork) -> Sizes:
        config, mapping = network.config, network.mapping
        return Sizes(
            LayerNames(mapping.vectors, config.z_dim, network.num_ws, sum(network.style_sizes)),
            ("z", "w"),
            label_dim=config.c_dim,
            resolution=config.img_resolution,
            row_numbers=network.row_numbers,
            image_channels=config.img_channels,
        )

    def _truncate(self, ws: Tensor) -> Tensor:
        return self.network.mapping.truncate(ws, self.psi, self.trunc_layers)

    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        return self.network.styles(ws)

    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        return self.network.images(styles, self.half and self.device.type == "cuda")


class PGGANGenerator(LayeredGenerator):
    """A PGGAN, whose latent is its only layer; see `LayeredGenerator`.

    Raises:
        InputError: also where it shall be truncated, for which it has no w.
    """

    network: PGGAN

    def __init__(self, network: PGGAN, *rest: Any, psi: float = 1.0, **more: Any):
        if psi != 1.0:
            raise InputError(f"psi is {psi:g}; a PGGAN has no w to truncate: leave it out")
        super().__init__(network, *rest, **more)

    @staticmethod
    def _sizes(network: PGGAN) -> Sizes:
        config = network.config
        return Sizes(
            LayerNames({"z": config.z_dim + config.label_dim}, config.z_dim, num_ws=0),
            ("z",),
            label_dim=config.label_dim,
            resolution=config.resolution,
            row_numbers=max(c * (4 * 2**k) ** 2 for k, c in enumerate(config.channels)),
            image_channels=config.image_channels,
        )

    def _enter(self, latents: Tensor, layer: str) -> Sequence[Tensor]:
        return [latents]

    def _truncate(self, ws: Tensor) -> Tensor:
        return ws

    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        return [ws]

    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        return self.network(*styles)


KINDS = {"stylegan1": Generator, "pggan": PGGANGenerator}
"""Architecture -> its generator; that of all others is `StyleGANGenerator`."""


def load_generator(
    path: str | os.PathLike | None = None,
    device: str | torch.device | None = None,
    psi: float | None = None,
    trunc_layers: int | None = None,
    size: int | None = None,
    options: Mapping[str, object] | None = None,
) -> LayeredGenerator:
    """The generator in a file of ours or of other projects, or a shipped one.

    Args:
        path: see `stylegan_ft.formats.load.read_checkpoint`; or an export, a file or a folder, see
            `stylegan_ft.exports`; or a name of `SHIPPED`, None being "default".
        device: where it runs; None takes a GPU where there is one.
        psi, trunc_layers: truncation of the first layers' w (all of them, if None) towards the
            mean w; None for `own_psi`.
        size: side of the images in pixels, of a generator that makes several; None for its own.
        options: what the file does not tell of the network, as {"fused_scale": False}; the path
            may carry them too.

    Raises:
        CheckpointError: the file is missing, damaged or foreign.
        InputError: there is no such device, the generator has no such size, or an option's value is
            none of those allowed.
    """
    psi = own_psi(path) if psi is None else psi
    path = generator_path(with_name("default" if path is None else path, options or {}))
    device = choose_device(device)
    if is_export(path):
        generator = load_export(path, psi, trunc_layers)
    else:
        checkpoint = sized(read_checkpoint(path), size)
        generator = generator_of(checkpoint, str(path), psi, trunc_layers)
    if size not in (None, generator.resolution):
        raise InputError(
            f"size {size}: {path} makes images of {generator.resolution} pixels only; leave it out"
        )
    config = getattr(generator.network, "config", None)
    if isinstance(config, MobileConfig) and size != max(config.sizes):
        generator.size = size
    return generator.to(device)


def sized(checkpoint: Checkpoint, size: int | None) -> Checkpoint:
    """The checkpoint, for images of another side where its generator makes several.

    Raises:
        InputError: it makes several, but none of that side.
    """
    if size is None or not isinstance(checkpoint.config, MobileConfig):
        return checkpoint
    config = dataclasses.replace(checkpoint.config, size=size)
    return dataclasses.replace(checkpoint, config=config)


def generator_of(
    checkpoint: Checkpoint, source: str, psi: float = 1.0, trunc_layers: int | None = None
) -> LayeredGenerator:
    """The generator of a checkpoint, on the CPU; the checkpoint's weights move into it.

    Args:
        source: what errors call the file.
        psi, trunc_layers: see `load_generator`.

    Raises:
        CheckpointError: it is no generator of RGB images, or its weights are not those of its
            settings.
    """
    if checkpoint.architecture in ("property_cnn", "other"):
        hint = "; give it as the scorer" if checkpoint.architecture == "property_cnn" else ""
        raise CheckpointError(f"{source} holds no generator of images{hint}")
    network = build(checkpoint.config, checkpoint.state, source, move=True)
    kind = KINDS.get(checkpoint.architecture, StyleGANGenerator)
    try:
        return kind(network, digest=checkpoint.digest, psi=psi, trunc_layers=trunc_layers)
    except InputError as error:
        raise CheckpointError(f"{source}: {error}") from error
