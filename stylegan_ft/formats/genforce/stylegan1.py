"""genforce's StyleGAN 1, whose names of weights are those of our network.

What its arguments `fused_scale` and `use_wscale` change is brought into the weights, so that one
network serves all: a layer that upsamples before it convolves has the kernel of a fused one turned
by 180 degrees, and a layer without weight scaling holds its weights multiplied by their scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from stylegan_ft.architectures.build import told_config
from stylegan_ft.architectures.stylegan1.layers import FUSED_FROM
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.genforce.spreads import scale_of, told_multiplier, told_scaling
from stylegan_ft.formats.records import Checkpoint

OPTIONS = {
    "fused_scale": "auto",
    "final_tanh": False,
    "use_wscale": True,
    "mapping_lr_mul": 0.01,
    "label_size": None,
}
"""What files do not tell, and genforce's defaults; label_size of labels without an embedding."""

LABEL = "mapping.label_weight"
W_AVG = "truncation.w_avg"

MOST_LABELS = 32
"""Inputs beyond w_dim that are taken for a label; a latent that is as much wider is not met."""


def applied(checkpoint: Checkpoint, given: Mapping[str, Any]) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint of our network, and the options that its weights told.

    Raises:
        CheckpointError: weights are missing.
    """
    state, notes = dict(checkpoint.state), list(checkpoint.notes)
    told: dict[str, Any] = {}
    if "use_wscale" not in given:
        told |= told_scaling(state.get("synthesis.layer1.weight"), math.sqrt(2.0))
    wscale = given.get("use_wscale", told.get("use_wscale", True))
    if "mapping_lr_mul" not in given:
        told |= told_multiplier(state.get("mapping.dense0.weight"), wscale, math.sqrt(2.0))
    notes += _single_mean(state)
    told_labels = _with_label(state, given.get("label_size"))
    if told_labels and "label_size" not in given:
        told["label_size"] = told_labels
    config = told_config(state, "it")
    chosen = {**OPTIONS, **told, **given}
    config = replace(config, lr_mul=chosen["mapping_lr_mul"], final_tanh=chosen["final_tanh"])
    if not wscale:
        state = {name: _scaled(name, tensor) for name, tensor in state.items()}
    turn_kernels(state, config, chosen["fused_scale"])
    return replace(checkpoint, config=config, state=state, notes=tuple(notes)), told


def turn_kernels(state: dict[str, Tensor], config: GeneratorConfig, fused: bool | str) -> None:
    """Brings the kernels of layers that upsample to the way in which our network takes them.

    Args:
        fused: which layers are one transposed convolution: True, False, or "auto", from 128 × 128.
    """
    for k in range(1, len(config.channels)):
        ours = 4 * 2**k >= FUSED_FROM
        if fused not in ("auto", ours):
            name = f"synthesis.layer{2 * k}.weight"
            state[name] = state[name].flip(2, 3)


def _gain(name: str) -> float:
    """Of the scale of a weight."""
    return 1.0 if ".style." in name or ".output" in name else math.sqrt(2.0)


def _scaled(name: str, tensor: Tensor) -> Tensor:
    layer = name.startswith(("mapping.dense", "synthesis."))
    if layer and name.endswith(".weight") and tensor.ndim >= 2 and ".apply_noise." not in name:
        return tensor / scale_of(tensor, _gain(name))
    return tensor


def _single_mean(state: dict[str, Tensor]) -> list[str]:
    """Puts the mean of several mean w in their place; -> what to tell of it."""
    means, style = state.get(W_AVG), state.get("synthesis.layer0.style.weight")
    if means is None or style is None or means.ndim != 2 or means.shape[1] != style.shape[1]:
        return []
    state[W_AVG] = means.mean(dim=0)
    if len(means) == 1:
        return []
    return [f"its {len(means)} rows of {W_AVG} are averaged, so psi draws to the mean of all"]


def _with_label(state: dict[str, Tensor], size: int | None) -> int:
    """Gives labels that join z as they are the embedding that leaves them so.

    The reference's v5 has such: 515 inputs of w_dim 512 are a latent of 512 and a label of 3.

    Args:
        size: of the label; None for what the sizes tell.

    Returns:
        The size.
    """
    weight, style = state.get("mapping.dense0.weight"), state.get("synthesis.layer0.style.weight")
    if LABEL in state or weight is None or style is None or weight.ndim != 2:
        return 0
    width, inputs = weight.shape
    w_dim = style.shape[1]
    if size is None:
        more = inputs - w_dim
        size = more if width == w_dim and 0 < more <= min(MOST_LABELS, w_dim - 1) else 0
    if 0 < size < inputs:
        state[LABEL] = torch.eye(size)
        return size
    return 0
