"""Small whole files of every layout of checkpoints that is read."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import torch

from property_cnn.network.reference import ReferenceCNN, ReferenceSettings
from stylegan_ft.formats.convert import convert_file
from tests.stylegan_ft import foreign_files as made
from tests.stylegan_ft import tensorflow_by_hand as by_hand


def nvlabs2(path: Path) -> None:
    network = made.random_network(made.STYLEGAN2)
    made.write_official(path, G_ema=made.official(network.state_dict(), made.ADA))


def nvlabs3(path: Path) -> None:
    network = made.random_network(made.STYLEGAN3)
    made.write_official(path, 3, G_ema=made.official(network.state_dict(), made.THIRD))


def tensorflow(path: Path, function: str, protocol: int, python: int = 3) -> None:
    if function == "G_style":
        parts, synthesis = by_hand.stylegan1_parts((3, 2)), "G_synthesis"
    else:
        parts, synthesis = by_hand.stylegan2_parts((3, 2)), "G_synthesis_stylegan2"
    network = by_hand.generator(parts, function, synthesis, {"truncation_psi": 0.5})
    path.write_bytes(by_hand.written((network, network, network), protocol, python))


def nvlabs2_list(path: Path) -> None:
    """A tuple of networks in protocol 2, whose tensors stand as texts."""
    network = made.official(made.random_network(made.STYLEGAN2).state_dict(), made.ADA)
    with made.nvlabs_modules():
        path.write_bytes(pickle.dumps((network, network), 2))


def progressive(path: Path) -> None:
    variables = by_hand.progressive_variables((3, 2))
    network = by_hand.FormerNetwork("G_paper", variables, {"resolution": 8})
    path.write_bytes(by_hand.written((network, network, network), 2, python=2))


def rosinality(path: Path, archive: bool = True) -> None:
    held = {"g_ema": made.rosinality_state(), "latent_avg": torch.zeros(6)}
    torch.save(held, path, _use_new_zipfile_serialization=archive)


def genforce(path: Path, archive: bool = True) -> None:
    state = made.random_network(made.STYLEGAN1).state_dict()
    held = {"models": {"generator_smooth": state}, "running_metadata": {"iter": 7}}
    torch.save(held, path, _use_new_zipfile_serialization=archive)


def reference_cnn(path: Path) -> None:
    torch.save(ReferenceCNN(ReferenceSettings(width=1, features=1)).state_dict(), path)


def converted(path: Path, write: Callable[[Path], None]) -> None:
    write(path)
    convert_file(path, path.with_suffix(".safetensors"))
    os.replace(path.with_suffix(".safetensors"), path)


FORMATS: dict[str, Callable[[Path], None]] = {
    "NVlabs StyleGAN2-ADA pickle": nvlabs2,
    "NVlabs StyleGAN3 pickle": nvlabs3,
    "NVlabs StyleGAN2-ADA tuple of protocol 2": nvlabs2_list,
    "TensorFlow progressive GAN pickle of Python 2": progressive,
    "TensorFlow StyleGAN pickle": lambda path: tensorflow(path, "G_style", 4),
    "TensorFlow StyleGAN2 pickle of Python 2": lambda path: tensorflow(path, "G_main", 0, 2),
    "rosinality archive": rosinality,
    "rosinality stream": lambda path: rosinality(path, archive=False),
    "genforce archive": genforce,
    "genforce stream": lambda path: genforce(path, archive=False),
    "property CNN archive": reference_cnn,
    "safetensors, StyleGAN 1": lambda path: converted(path, genforce),
    "safetensors, StyleGAN2": lambda path: converted(path, nvlabs2),
    "safetensors, StyleGAN3": lambda path: converted(path, nvlabs3),
    "safetensors, property CNN": lambda path: converted(path, reference_cnn),
}
"""Name -> what writes a small file of that format."""
