"""genforce's PGGAN: its weights by the names of our network, with its arguments brought into them.

Its fused layers hold their kernels with axes (in, out) and as a transposed convolution takes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.pggan.settings import PGGANConfig
from stylegan_ft.formats.genforce.spreads import scale_of, told_scaling
from stylegan_ft.formats.genforce.stylegan1 import MOST_LABELS
from stylegan_ft.formats.records import Checkpoint

OPTIONS = {"final_tanh": False, "use_wscale": True, "fused_scale": False, "label_size": None}
OLDER_OPTIONS = {"final_tanh": False}
"""What files of genforce, and of the projects before it, do not tell."""

OLDER = "InterFaceGAN"
"""Beginning of the kind of those that cut images off where `final_tanh` is given."""


def applied(checkpoint: Checkpoint, given: Mapping[str, Any]) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint of our network, and the options that its weights told.

    Raises:
        CheckpointError: weights are missing, or it was not grown to its full resolution.
    """
    state = checkpoint.state
    older = set(OLDER_OPTIONS) == set(checkpoint.options)
    blocks = sum(1 for k in range(16) if f"layer{2 * k + 1}.weight" in state)
    output = f"output{blocks - 1}"
    _check(state, blocks, output)
    told: dict[str, Any] = {}
    if "use_wscale" not in given and not older:
        told = told_scaling(state["layer1.weight"], math.sqrt(2.0))
    fused = _told_fused(state, blocks)
    if fused is not None:
        told["fused_scale"] = fused
    inputs, first = state["layer0.weight"].shape[1], state["layer0.weight"].shape[0]
    if (
        not older
        and "label_size" not in given
        and 0 < inputs - first <= min(MOST_LABELS, first - 1)
    ):
        told["label_size"] = inputs - first
    told = {name: value for name, value in told.items() if name not in given}
    chosen = {**OPTIONS, **told, **given}
    label_dim = chosen["label_size"] or 0
    new = {}
    for k in range(2 * blocks):
        weight = state[f"layer{k}.weight"]
        if k and k % 2 == 0 and chosen["fused_scale"]:
            weight = weight.transpose(0, 1).flip(2, 3)
        new[f"layers.{k}.weight"] = weight
        new[f"layers.{k}.bias"] = state[f"layer{k}.bias"]
    new |= {f"output.{part}": state[f"{output}.{part}"] for part in ("weight", "bias")}
    if not chosen["use_wscale"]:
        new = {name: _unscaled(name, tensor) for name, tensor in new.items()}
    final = ("hardtanh" if older else "tanh") if chosen["final_tanh"] else "linear"
    try:
        config = PGGANConfig(
            resolution=2 * 2**blocks,
            channels=tuple(state[f"layer{2 * k + 1}.weight"].shape[0] for k in range(blocks)),
            z_dim=inputs - label_dim,
            label_dim=label_dim,
            image_channels=state[f"{output}.weight"].shape[0],
            final_activation=final,
        )
    except InputError as error:
        raise CheckpointError(f"it is no PGGAN ({error})") from error
    if older:
        told = {}
    return replace(checkpoint, config=config, state=new), told


def _check(state: Mapping[str, Tensor], blocks: int, output: str) -> None:
    names = [f"layer{k}" for k in range(2 * blocks)] + [output]
    lacks = [f"{n}.{p}" for n in names for p in ("weight", "bias") if f"{n}.{p}" not in state]
    if lacks or not blocks:
        raise CheckpointError(f"it is no whole PGGAN, it lacks {', '.join(lacks[:4]) or 'layers'}")
    odd = [n for n in names if state[f"{n}.weight"].ndim != 4]
    if odd:
        raise CheckpointError(f"it is no PGGAN, {odd[0]}.weight is no kernel")
    lod = state.get("lod")
    if lod is not None and lod.numel() == 1 and float(lod):
        raise CheckpointError(
            f"its lod is {float(lod):g}: it was still growing; give a checkpoint from the end"
        )
    known = {f"{name}.{part}" for name in names for part in ("weight", "bias")} | {"lod"}
    foreign = [n for n in state if n not in known and not n.startswith("output")]
    if foreign:
        raise CheckpointError(f"it is no plain PGGAN, it has a foreign {', '.join(foreign[:4])}")


def _told_fused(state: Mapping[str, Tensor], blocks: int) -> bool | None:
    """Whether kernels have axes (in, out); None where all layers have as many in as out."""
    for k in range(1, blocks):
        inputs = state[f"layer{2 * k - 1}.weight"].shape[0]
        outputs = state[f"layer{2 * k + 1}.weight"].shape[0]
        if inputs != outputs:
            return state[f"layer{2 * k}.weight"].shape[0] == inputs
    return None


def _unscaled(name: str, tensor: Tensor) -> Tensor:
    if not name.endswith("weight"):
        return tensor
    return tensor / scale_of(tensor, 1.0 if name.startswith("output") else math.sqrt(2.0))
