"""genforce's StyleGAN2 and StyleGAN2-ADA, turned into NVlabs' names, shapes and scales.

The same network as NVlabs'. The names differ, kernels of layers that upsample are turned by 180
degrees, styles have a one added that is not in their bias, and convolutions are multiplied by
1 / sqrt(inputs * 9) before they are brought to unit norm. In StyleGAN2 latent and label are
normalised as one vector, in StyleGAN2-ADA each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.formats.genforce.spreads import scale_of, told_multiplier, told_scaling
from stylegan_ft.formats.records import Checkpoint

OPTIONS = {"final_tanh": False, "use_wscale": True, "mapping_lr_mul": 0.01, "demodulate": True}
"""What files do not tell, and genforce's defaults."""

CONST = "synthesis.early_layer.const"
TAPS = (1.0, 3.0, 3.0, 1.0)


def applied(checkpoint: Checkpoint, given: Mapping[str, Any]) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint in NVlabs' names, and the options that its weights told.

    Raises:
        CheckpointError: weights are missing or foreign, or it is a variant that is not known.
    """
    taken = _Taken(checkpoint.state)
    told: dict[str, Any] = {}
    if "use_wscale" not in given:
        told |= told_scaling(checkpoint.state.get("synthesis.layer0.weight"), 1.0)
    wscale = given.get("use_wscale", told.get("use_wscale", True))
    if "mapping_lr_mul" not in given:
        told |= told_multiplier(checkpoint.state.get("mapping.dense0.weight"), wscale, 1.0)
    chosen = {**OPTIONS, **told, **given}
    config, state = _converted(taken, chosen)
    return replace(checkpoint, config=config, state=state), told


class _Taken:
    """A state dict whose entries are taken by name, with one error for what is missing."""

    def __init__(self, state: Mapping[str, Tensor]):
        self.state, self.left = state, set(state)

    def __contains__(self, name: str) -> bool:
        return name in self.state

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.state:
            raise CheckpointError(f"it is no whole StyleGAN2 of genforce, it lacks {name}")
        self.left.discard(name)
        return self.state[name]


def _converted(
    taken: _Taken, chosen: Mapping[str, Any]
) -> tuple[StyleGAN2Config, dict[str, Tensor]]:
    wscale = chosen["use_wscale"]
    blocks = 1 + sum(1 for k in range(1, 16) if f"synthesis.layer{2 * k}.weight" in taken)
    skip = "synthesis.output0.weight" in taken
    out = {"synthesis.b4.const": taken[CONST].flatten(0, 1)}
    channels = []
    for k in range(2 * blocks - 1):
        block = f"synthesis.b{4 * 2 ** ((k + 1) // 2)}"
        up = k % 2 == 1
        layer = _layer(taken, f"synthesis.layer{k}", f"{block}.conv{0 if up else 1}", wscale, up)
        out |= layer
        if not up:
            channels.append(out[f"{block}.conv1.weight"].shape[0])
        if not up and (skip or k == 2 * blocks - 2):
            out |= _output(taken, f"synthesis.output{k // 2}", f"{block}.torgb", wscale)
    last = f"synthesis.b{2 * 2**blocks}.torgb.weight"
    mapping, sizes = _mapping(taken, wscale)
    _finish(taken)
    try:
        config = StyleGAN2Config(
            img_resolution=2 * 2**blocks,
            channels=tuple(channels),
            img_channels=out[last].shape[0],
            architecture="skip" if skip else "orig",
            resample_filter=TAPS,
            lr_multiplier=chosen["mapping_lr_mul"],
            final_tanh=chosen["final_tanh"],
            demodulate=chosen["demodulate"],
            **sizes,
        )
    except InputError as error:
        raise CheckpointError(f"it is no StyleGAN2 of genforce ({error})") from error
    return config, {**mapping, **out}


def _finish(taken: _Taken) -> None:
    """Takes the filters, which all are the usual one, and refuses what is left."""
    usual = torch.outer(torch.tensor(TAPS), torch.tensor(TAPS)) / 16.0  # sum 4
    for name in [
        name for name in taken.left if name.endswith((".filter.kernel", "upsample.kernel"))
    ]:
        kernel = taken[name].float().squeeze()
        if kernel.shape != usual.shape or not torch.allclose(kernel, usual, atol=1e-5):
            raise CheckpointError(f"its {name} is another filter than 1, 3, 3, 1")
    if taken.left:
        names = sorted(taken.left)
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        raise CheckpointError(
            f"it is no plain StyleGAN2 of genforce, it has a foreign {', '.join(names[:4])}{more}"
        )


def _mapping(taken: _Taken, wscale: bool) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights of the mapping, and its sizes as settings."""
    count = sum(1 for k in range(64) if f"mapping.dense{k}.weight" in taken)
    out = {"mapping.w_avg": taken["truncation.w_avg"]}
    for k in range(count):
        out[f"mapping.fc{k}.weight"] = _dense(taken[f"mapping.dense{k}.weight"], wscale)
        out[f"mapping.fc{k}.bias"] = taken[f"mapping.dense{k}.bias"]
    if not count:
        taken["mapping.dense0.weight"]
    c_dim = features = 0
    joint = "mapping.label_weight" in taken
    if joint:
        embedding = taken["mapping.label_weight"]  # (c_dim, features)
        c_dim, features = embedding.shape
        out["mapping.embed.weight"] = embedding.T * math.sqrt(c_dim)
        out["mapping.embed.bias"] = embedding.new_zeros(features)
    elif "mapping.LabelEmbed.weight" in taken:
        features, c_dim = taken["mapping.LabelEmbed.weight"].shape
        out["mapping.embed.weight"] = _dense(taken["mapping.LabelEmbed.weight"], wscale)
        out["mapping.embed.bias"] = taken["mapping.LabelEmbed.bias"]
    first = out["mapping.fc0.weight"]
    w_dim = taken["synthesis.layer0.style.weight"].shape[1]
    if out[f"mapping.fc{count - 1}.weight"].shape[0] != w_dim:
        raise CheckpointError(
            "its mapping gives a w for each layer (repeat_w False), which of genforce's StyleGAN 1 "
            "alone is read"
        )
    sizes = {
        "z_dim": first.shape[1] - features,
        "c_dim": c_dim,
        "w_dim": w_dim,
        "mapping_layers": count,
        "embed_features": features,
        "layer_features": first.shape[0],
        "joint_label": joint,
    }
    return out, sizes


def _layer(taken: _Taken, old: str, new: str, wscale: bool, up: bool) -> dict[str, Tensor]:
    weight = taken[f"{old}.weight"]  # (O, I, 3, 3)
    if weight.ndim != 4 or weight.shape[-1] != 3:
        raise CheckpointError(
            f"its {old}.weight is no 3 x 3 kernel, as of genforce's `resnet`, which cannot run"
        )
    weight = weight.flip(2, 3) if up else weight
    return {
        **_style(taken, old, new, wscale),
        f"{new}.weight": weight * scale_of(weight, 1.0) if wscale else weight,
        f"{new}.bias": taken[f"{old}.bias"],
        f"{new}.noise_const": taken[f"{old}.noise"].flatten(0, 2),
        f"{new}.noise_strength": taken[f"{old}.noise_strength"].reshape(()),
    }


def _output(taken: _Taken, old: str, new: str, wscale: bool) -> dict[str, Tensor]:
    return {
        **_style(taken, old, new, wscale),
        f"{new}.weight": _dense(taken[f"{old}.weight"], wscale),
        f"{new}.bias": taken[f"{old}.bias"],
    }


def _style(taken: _Taken, old: str, new: str, wscale: bool) -> dict[str, Tensor]:
    return {
        f"{new}.affine.weight": _dense(taken[f"{old}.style.weight"], wscale),
        f"{new}.affine.bias": taken[f"{old}.style.bias"] + 1.0,
    }


def _dense(weight: Tensor, wscale: bool) -> Tensor:
    """A weight that our network multiplies by its scale."""
    return weight if wscale else weight / scale_of(weight, 1.0)
