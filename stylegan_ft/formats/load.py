"""Any file of a network to its weights and settings, with nothing in it executed.

The first bytes tell the layout, whatever the file's name; the content tells whose network it is.
"""

from __future__ import annotations

import dataclasses
import mmap
import os
from pathlib import Path
from typing import Literal

import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import file_digest, is_file, is_folder
from property_cnn.network.scorer import Scorer, network_of
from stylegan_ft.exports.files import find_export
from stylegan_ft.foreign import foreign_kind, names_a_global
from stylegan_ft.formats.mobile import files as mobile
from stylegan_ft.formats.nvidia.read import read_nvidia
from stylegan_ft.formats.options import split_name, with_options
from stylegan_ft.formats.ours import original_digest, read_safetensors
from stylegan_ft.formats.records import Checkpoint
from stylegan_ft.formats.torch_files import read_state_dict
from stylegan_ft.pickles.reading import Data
from stylegan_ft.pickles.saved import ZIP, is_stream, read_pickle, read_torch

Layout = Literal["safetensors", "torch", "pickle", "wheel"]

PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
"""Those of pickle that a file begins with."""

FORMER = (b"(", b"c", b"}")
"""First bytes of a tuple, object or dictionary in protocols 0 and 1 of pickle."""

LAYOUTS = "safetensors, torch.save's files and NVlabs' pickles are read"


def read_checkpoint(path: str | os.PathLike, payload: bool = True) -> Checkpoint:
    """The network in a file, whatever the file's name: its content tells the format.

    Read are NVlabs' pickles of StyleGAN2-ADA and StyleGAN3, and of progressive GAN, StyleGAN and
    StyleGAN2 in TensorFlow; files of torch.save with a state dict of rosinality's StyleGAN2,
    NVlabs' StyleGAN2, the reference's property CNN, or StyleGAN 1, 2 and PGGAN of genforce,
    InterFaceGAN or HiGAN, by itself or under one of the usual entries; MobileStyleGAN's wheel, the
    files of its IR in a folder, and its checkpoint; and our safetensors.

    Args:
        path: of a file; of a folder for the IR. Behind a "?" it may carry options that the file
            does not tell, see `stylegan_ft.formats.options`.
        payload: False reads no large tensors, for a description: they are on the "meta" device.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or its weights need what is
            not read; or it takes no such option.
        InputError: an option's value is not one of those allowed.
    """
    name, options = split_name(path)
    path = Path(name)
    if find_export(path) is not None:
        raise CheckpointError(
            f"{path} is an export, which only its runtime runs: it serves as a generator, and is "
            "neither converted nor trained; give the checkpoint that it was made of"
        )
    folder = is_folder(path)
    data = b"" if folder else map_file(path)
    try:
        if folder:
            return with_options(mobile.with_heads(mobile.read_folder(path)), options)
        layout = detect(data)
        if layout == "safetensors":
            checkpoint = read_safetensors(path, data, payload)
        elif layout == "wheel":
            checkpoint = mobile.read_wheel(data)
        else:
            saved = read_torch(data) if layout == "torch" else read_pickle(data)
            checkpoint = read_nvidia(saved, data, payload)
            checkpoint = checkpoint or read_state_dict(saved, data, payload)
            checkpoint = dataclasses.replace(checkpoint, notes=checkpoint.notes + saved.notes)
        if checkpoint.architecture == mobile.ARCHITECTURE:
            checkpoint = mobile.with_heads(checkpoint)
        converted = layout == "safetensors" and original_digest(checkpoint.metadata, data)
        checkpoint = dataclasses.replace(checkpoint, digest=converted or file_digest(path))
        return with_options(checkpoint, options)
    except (CheckpointError, OSError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def is_network_folder(path: str | os.PathLike) -> bool:
    """Whether a folder holds a network: an export, or MobileStyleGAN's IR.

    Raises:
        CheckpointError: it has a part of an export alone.
    """
    parts = (Path(path) / name for name in mobile.PARTS)
    return find_export(path) is not None or all(map(is_file, parts))


def load_any_scorer(path: str | os.PathLike, device: str | torch.device | None = None) -> Scorer:
    """The scorer in a file of ours, or in one of torch.save with the reference's property CNN.

    Args:
        path: see `stylegan_ft.formats.load.read_checkpoint`.
        device: where to score; None takes a GPU where there is one.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture != "property_cnn":
        raise CheckpointError(f"{path} is a {checkpoint.architecture}; a property CNN is needed")
    return Scorer(network_of(checkpoint.state, checkpoint.config, source=str(path)), device)


def map_file(path: str | os.PathLike) -> mmap.mmap:
    """A file's bytes, of which only those that are looked at are read.

    Raises:
        CheckpointError: there is no such file, it is empty, or cannot be read.
    """
    path = Path(path)
    if not is_file(path):
        raise CheckpointError(f"no file {path}; give the path of a generator's checkpoint")
    try:
        with open(path, "rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise CheckpointError(f"{path} is empty; download or make it again")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})") from error


def detect(data: Data) -> Layout:
    """How a file is laid out.

    Raises:
        CheckpointError: in none of the ways that are read; says what it is instead.
    """
    head = data[:32]
    if head.startswith(ZIP):
        return "wheel" if mobile.is_wheel(data) else "torch"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= len(data) - 8:
        return "safetensors"
    if is_stream(head):
        return "torch"
    if head[:1] == b"\x80" and head[1:2] in PROTOCOLS:
        return "pickle"
    named = head[:1] != b"c" or names_a_global(data)
    if head[:1] in FORMER and named and data[-1:] == b".":
        return "pickle"
    raise CheckpointError(f"it is {foreign_kind(data) or f'no file of weights; {LAYOUTS}'}")
