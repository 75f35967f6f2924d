"""Other projects' files rewritten as our safetensors, which load faster and name no code at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save as serialised
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.common.files import bytes_digest, save_tensors
from property_cnn.common.networks import in_dtype
from property_cnn.network.scorer import network_of, save_scorer
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.formats.mobile import files as mobile
from stylegan_ft.formats.ours import CONFIG_KEY, ORIGINAL_KEY, numbers_of, settings_text
from stylegan_ft.generator import generator_of

Precision = Literal["float32", "float16"]
DTYPES = {"float32": torch.float32, "float16": torch.float16}

SUFFIX = ".safetensors"

HALVED = ("weight", "const", "noise_const")
"""Last parts of the names of what may be kept in half precision; the rest is small or exact."""


def convert_file(
    path: str | os.PathLike, out: str | os.PathLike, precision: Precision = "float32"
) -> None:
    """Writes the network of a file as our safetensors, atomically.

    Args:
        path: any file that `stylegan_ft.formats.load.read_checkpoint` reads.
        out: a `.safetensors` file.
        precision: "float32" keeps every number as it is; "float16" halves the file, rounding
            weights and noise to 11 bits. A tensor that overflows in it stays as it is.

    Raises:
        InputError: `out` is not a `.safetensors` file, or there is no such precision.
        CheckpointError: the file cannot be read.
    """
    out = Path(out)
    if out.suffix != SUFFIX:
        raise InputError(f"{out}: the new file's name must end in {SUFFIX}")
    if precision not in DTYPES:
        raise InputError(f"precision {precision!r}: it must be {' or '.join(DTYPES)}")
    checkpoint = read_checkpoint(path)
    metadata = {**checkpoint.metadata, "source": f"{checkpoint.kind}, {checkpoint.digest}"}
    if checkpoint.architecture == "property_cnn":
        scorer = network_of(checkpoint.state, checkpoint.config, source=str(path))
        save_scorer(scorer, out, metadata, DTYPES[precision])
        return
    network = generator_of(checkpoint, source=str(path)).network
    state = {**checkpoint.state, **network.state_dict()}  # heads of other sizes stay in the first
    metadata |= {CONFIG_KEY: settings_text(network.config)}
    metadata.pop(ORIGINAL_KEY, None)
    if precision == "float16":
        state = in_dtype(state, DTYPES[precision], _halved)
    elif checkpoint.architecture != mobile.ARCHITECTURE:  # whose fetched file has its own name
        weights = bytes_digest(numbers_of(serialised(_plain(state))))
        metadata[ORIGINAL_KEY] = f"{checkpoint.digest} {weights}"
    save_tensors(out, state, metadata)


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _halved(name: str, tensor: Tensor) -> bool:
    return name.rpartition(".")[2] in HALVED
