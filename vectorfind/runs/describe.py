"""What a file or a run's folder holds, as names and values to print."""

from __future__ import annotations

import math
import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from property_cnn.common.arrays import METADATA, npz_headers, npz_metadata, read_arrays, read_npy
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import file_digest, reading
from property_cnn.common.folders import flat, read_json
from property_cnn.network.shipped import scorer_facts
from reports.layout import CONFIG
from stylegan_ft.shipped import NAMED, shipped_facts


def describe(path: str | os.PathLike | None = None) -> dict[str, str]:
    """Names and values that describe what is installed, or what stands at `path`.

    Args:
        path: the name of a generator, perhaps with options, a run's folder, an .npz of
            directions, samples or latents, another project's .npy, networks of landmarks, a
            checkpoint, see `stylegan_ft.formats`, or an export, see `stylegan_ft.exports`; None
            for versions and the shipped networks.

    Raises:
        InputError: it is none of these.
        CheckpointError: the file is missing, damaged or foreign.
    """
    if path is None:
        return versions() | _shipped()
    path = _named(path)
    with reading(path):
        odd = path.exists() and not (path.is_dir() or path.is_file())
    if odd:
        raise InputError(f"{path} is neither a file nor a folder; give one")
    if path.is_dir():
        from stylegan_ft.formats.load import is_network_folder

        if not (path / CONFIG).exists() and is_network_folder(path):
            return _checkpoint(path)
        if not (path / CONFIG).exists():
            raise InputError(
                f"{path} holds no {CONFIG}; give a run's folder, an export's, or a file"
            )
        return {name: str(value) for name, value in flat(read_json(path / CONFIG)).items()}
    if path.suffix == ".npz":
        headers = npz_headers(path)
        shown = {name: str(value) for name, value in flat(npz_metadata(path)).items()}
        small = [name for name in headers if name != METADATA and math.prod(headers[name][0]) <= 16]
        arrays = read_arrays(path, small) if small else {}
        for name, (shape, dtype) in headers.items():
            if name != METADATA:
                shown[name] = _values(arrays[name]) if name in arrays else f"{dtype} {shape}"
        return {"digest": file_digest(path)} | shown
    if path.suffix == ".npy":
        array = read_npy(path)
        return {"digest": file_digest(path), "array": f"{array.dtype} {array.shape}"}
    return _checkpoint(path)


def versions() -> dict[str, str]:
    """Versions of the library and of all that its numbers depend on."""
    names = ("torch", "numpy", "scipy", "scikit-learn", "pandas", "matplotlib")
    return {
        "vectorfind": version("vectorfind"),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def _named(given: str | os.PathLike) -> Path:
    """The path, or that of the generator of this name."""
    if str(given).partition("?")[0] not in NAMED:
        return Path(given)
    from stylegan_ft.generator import generator_path  # loads PyTorch

    return generator_path(given)


def _checkpoint(path: Path) -> dict[str, str]:
    from property_cnn.landmarks.files import describe_networks, kinds_of
    from stylegan_ft.formats.describe import describe_file

    if kinds_of(path):
        return describe_networks(path)
    info = describe_file(path)
    layers = ", ".join(f"{name} ({size})" for name, size in info.layers.items())
    sizes = {"z": info.z_dim, "w": info.w_dim, "label": info.label_dim}
    shown = {
        "kind": info.kind,
        "architecture": info.architecture,
        "resolution": f"{info.resolution} px" if info.resolution else "",
        "sizes": ", ".join(f"{name} {size}" for name, size in sizes.items() if size is not None),
        "layers": layers,
        "also offers": ", ".join(
            _ranges(name, info.synthesis_layers)
            for name in info.available_layers
            if name not in info.layers
        ),
        "licence": info.licence,
        "parameters": f"{info.parameters:,}",
        "digest": info.digest,
        "notes": "; ".join(info.notes),
        **info.metadata,
    }
    return {name: value for name, value in shown.items() if value}


def _ranges(layer: str, count: int) -> str:
    """The layer's name, of `w+A-B` with what A and B may be."""
    return f"{layer} (A and B from 0 to {count - 1})" if layer == "w+A-B" else layer


def _shipped() -> dict[str, str]:
    """The shipped networks, by what their files say: none is built, and no PyTorch loaded."""
    shown = {}
    try:
        generator = shipped_facts()
        layers = ", ".join(f"{name} ({size})" for name, size in generator.layers.items())
        shown["generator"] = f"{generator.digest}, {generator.resolution} px"
        shown["layers"] = layers
    except CheckpointError as error:
        shown["generator"] = str(error)
    try:
        scorer = scorer_facts()
        shown["scorer"] = scorer.digest
        shown["properties"] = ", ".join(scorer.properties)
    except CheckpointError as error:
        shown["scorer"] = str(error)
    return shown


def _values(array: np.ndarray) -> str:
    return " ".join(str(value) for value in array.ravel())
