"""An export as a generator: layers z, w, w+ and w+A-B, run on the CPU by its own runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Self

import torch
from torch import Tensor

from property_cnn.common.devices import choose_device
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import bytes_digest
from stylegan_ft.architectures.layer_names import LayerNames
from stylegan_ft.architectures.layered import LayeredGenerator, Sizes
from stylegan_ft.architectures.mapping import truncated
from stylegan_ft.architectures.noise import CONST
from stylegan_ft.exports.files import Runtime, digest_of_files, find_export
from stylegan_ft.exports.network import RANGES, ExportedNetwork
from stylegan_ft.exports.onnx_files import open_onnx
from stylegan_ft.exports.openvino_files import open_openvino
from stylegan_ft.exports.parts import Part
from stylegan_ft.formats.options import NOISE, split_name
from stylegan_ft.formats.records import FileInfo

OPENERS: Mapping[Runtime, Callable[..., Part]] = {
    "onnxruntime": open_onnx,
    "openvino": open_openvino,
}

RANGE = "range"
"""The option that tells what numbers an export's images have."""

_MAPS = 32  # channels that the largest maps of a generator have, about: the runtimes do not tell


class ExportedGenerator(LayeredGenerator):
    """An export; see `LayeredGenerator` for its arguments and what it does.

    It runs on the CPU wherever it is moved to, and gives no gradients.

    Raises:
        InputError: also where it shall be truncated and cannot be.
    """

    network: ExportedNetwork

    def __init__(self, network: ExportedNetwork, *rest, psi: float = 1.0, **more):
        if psi != 1.0 and not network.num_ws:
            raise InputError(f"psi is {psi:g}; this export has no w to truncate: leave it out")
        if more.get("trunc_layers") is not None and network.num_ws < 2:
            raise InputError("this export takes one w for all layers; leave trunc_layers out")
        super().__init__(network, *rest, psi=psi, **more)

    @property
    def one_hot_labels(self) -> bool:
        """Whether a label names a class."""
        return self.label_dim > 0

    @property
    def device(self) -> torch.device:
        """Where tensors are handed to it."""
        return torch.device("cpu")

    @staticmethod
    def _sizes(network: ExportedNetwork) -> Sizes:
        mapping = network.mapping
        return Sizes(
            LayerNames(mapping.vectors, mapping.z_dim, network.num_ws),
            tuple(mapping.vectors),
            label_dim=mapping.c_dim,
            resolution=network.height,
            row_numbers=_MAPS * network.height * network.width,
            image_channels=network.channels,
        )

    def to(self, device: str | torch.device) -> Self:
        """Stays where it is, if there is such a device."""
        choose_device(device)
        return self

    def style_weights(self, layer: str = "w") -> Tensor:
        """An export does not tell them."""
        raise InputError(
            "an export does not tell the weights of its layers; give the checkpoint that it was "
            "made of, or take a method that needs none"
        )

    def _enter(self, latents: Tensor, layer: str) -> Sequence[Tensor]:
        if not self.network.num_ws:
            return [latents]
        return super()._enter(latents.detach(), layer)

    def _truncate(self, ws: Tensor) -> Tensor:
        if self.psi == 1.0:
            return ws
        return truncated(ws, self.network.mapping.w_avg, self.psi, self.trunc_layers)

    def _styles(self, ws: Tensor) -> Sequence[Tensor]:
        return [ws]

    def _images(self, styles: Sequence[Tensor]) -> Tensor:
        return self.network(*styles)


def is_export(path: str | os.PathLike) -> bool:
    """Whether a generator's name, with options or without, is that of an export."""
    return find_export(split_name(path)[0]) is not None


def load_export(
    path: str | os.PathLike, psi: float = 1.0, trunc_layers: int | None = None
) -> ExportedGenerator:
    """The generator of an export.

    Args:
        path: of a file or a folder; it may carry the option `range`.
        psi, trunc_layers: truncation towards a mean w, which the mapping is asked for.

    Raises:
        CheckpointError: a file is missing, damaged or no generator's, or there is no such option.
        InputError: the runtime is not installed, an option's value is none of those allowed, or it
            shall be truncated and cannot be.
    """
    name, options = split_name(path)
    export = find_export(name)
    if export is None:
        raise CheckpointError(f"{name} is no export of ONNX or OpenVINO")
    given = _range_of(options, name)
    parts = {role: OPENERS[export.runtime](file) for role, file in export.parts.items()}
    network = ExportedNetwork(parts, given)
    digest = digest_of_files(dict.fromkeys(f for part in parts.values() for f in part.files))
    if given:
        digest = bytes_digest(f"{digest} {RANGE}={given}".encode())
    return ExportedGenerator(network, digest=digest, psi=psi, trunc_layers=trunc_layers)


def describe_export(path: str | os.PathLike) -> FileInfo:
    """What an export is; see `load_export`, which it needs: only its runtime can tell."""
    generator = load_export(path)
    parts = generator.network.parts.values()
    first = next(iter(parts))
    files = dict.fromkeys(file for part in parts for file in part.files)
    runtime = f"{first.runtime} {version(first.runtime)}, on the CPU"
    return FileInfo(
        kind=f"export ({'; '.join(dict.fromkeys(part.kind for part in parts))})",
        architecture="export",
        parameters=sum(part.parameters for part in parts),
        digest=generator.digest,
        resolution=generator.resolution,
        z_dim=generator.z_dim,
        w_dim=generator.network.mapping.vectors.get("w"),
        label_dim=generator.label_dim,
        layers=dict(generator.layers),
        available_layers=generator.available_layers,
        metadata={
            "runtime": runtime,
            "files": ", ".join(f"{file.name} ({file.stat().st_size:,} bytes)" for file in files),
        },
        notes=generator.network.notes,
        synthesis_layers=generator.synthesis_layers,
        licence="unknown: an export does not state it",
    )


def _range_of(options: Mapping[str, str], name: str) -> str | None:
    """The range that options give, if any."""
    unknown = [option for option in options if option not in (RANGE, NOISE)]
    if unknown:
        raise CheckpointError(f"{name}: option {', '.join(unknown)}: it takes {RANGE}")
    if options.get(NOISE, CONST) != CONST:
        raise InputError(f"option {NOISE}: an export's noise is part of it; leave it out")
    given = options.get(RANGE)
    if given is not None and given not in RANGES:
        raise InputError(f"option {RANGE}={given}: it must be {', '.join(RANGES)}")
    return given
