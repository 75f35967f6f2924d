"""The layouts of InterFaceGAN and of HiGAN (also mGANprior), with genforce's names of weights.

Both have a layer's weight apart from its scale and bias (`conv.weight`, `wscale.bias`), and hold a
kernel that upsamples by itself with its axes as TensorFlow has them. InterFaceGAN counts PGGAN's
layers from 1 and has its last output alone; HiGAN counts from 0 and has an output a resolution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from stylegan_ft.architectures.stylegan1.layers import FUSED_FROM, Blur

STYLEGAN1 = ("mapping.dense0.linear.weight", "mapping.dense0.fc.weight")
PGGAN = ("layer2.conv.weight",)
"""A weight that tells each layout."""

PARTS = (
    (".epilogue.", "."),
    (".style_mod.dense.", ".style."),
    (".linear.weight", ".weight"),
    (".fc.weight", ".weight"),
    (".conv.weight", ".weight"),
    (".wscale.bias", ".bias"),
    (".first_layer", ".const"),
)
"""Parts of the names of weights, and what genforce calls them."""

TRUNCATION = "truncation.truncation"
"""Psi of each layer, 0.7 of the first eight, which the originals' classes apply by default."""

TRUNCATED = "the original draws the first 8 layers to the mean w by psi 0.7; here psi says"

SEVERAL = re.compile(r"output_\d+x\d+\.(.*)")
LAYER = re.compile(r"layer(\d+)\.(.*)")


def stylegan1_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a StyleGAN 1 by genforce's names, its layers fused from 128 × 128 on."""
    found = {}
    for name, tensor in state.items():
        if name == TRUNCATION:
            continue
        new = _renamed(name)
        match = re.fullmatch(r"synthesis\.layer(\d+)\.weight", new)
        if match and int(match[1]) and not int(match[1]) % 2 and tensor.ndim == 4:
            fused = name == new  # one that is not has its weight in `conv`
            weight = tensor.permute(3, 2, 0, 1) if fused else tensor
            size = 4 * 2 ** (int(match[1]) // 2)
            tensor = weight if fused == (size >= FUSED_FROM) else weight.flip(2, 3)
            blur = new.replace("weight", "blur.kernel")
            if blur not in state:
                found[blur] = Blur(len(tensor)).kernel
        found[new] = tensor
    return found


def pggan_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a PGGAN by genforce's names; a fused kernel has genforce's order of axes."""
    counted_from = 0 if "layer0.conv.weight" in state else 1
    last = sum(1 for k in range(64) if f"layer{counted_from + k}.wscale.bias" in state) // 2 - 1
    found = {}
    for name, tensor in state.items():
        layer, several = LAYER.fullmatch(name), SEVERAL.fullmatch(name)
        if layer:
            name = f"layer{int(layer[1]) - counted_from}.{layer[2]}"
        elif several:
            name = f"output{last}.{several[1]}"
        new = _renamed(name)
        fused = new == name and new.endswith(".weight") and tensor.ndim == 4
        found[new] = tensor.permute(2, 3, 0, 1) if fused else tensor
    return found


def _renamed(name: str) -> str:
    for theirs, ours in PARTS:
        name = name.replace(theirs, ours)
    return name
