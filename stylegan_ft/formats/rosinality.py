"""Checkpoints of rosinality's stylegan2-pytorch, turned into NVlabs' names, shapes and scales.

Both are the same network. They differ in the names, in axes of length one, and in that rosinality
multiplies the weights of its convolutions by 1 / sqrt(inputs * 9) before it brings them to unit
norm. Its upsampling filters are stored multiplied by four.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config

_MOST = 64
"""More layers than this of one kind are not looked for."""


def is_rosinality(state: Mapping[str, Tensor]) -> bool:
    """Whether the names of the weights are those of rosinality's generator."""
    return {"input.input", "conv1.conv.weight", "to_rgb1.conv.weight"} <= set(state)


def convert_rosinality(
    state: Mapping[str, Tensor],
    latent_avg: Tensor | None = None,
    source: str = "the weights",
) -> tuple[StyleGAN2Config, dict[str, Tensor]]:
    """Settings and state dict of the same generator in NVlabs' layout.

    Args:
        state: the checkpoint's `g_ema` (or `g`).
        latent_avg: the checkpoint's mean w; without it, the state has no `mapping.w_avg`.
        source: what errors call the weights.

    Raises:
        CheckpointError: weights are missing, foreign, or of another shape.
    """
    taken = _Taken(state, source)
    config = _config(taken)
    out: dict[str, Tensor] = {}
    for k in range(config.mapping_layers):
        for part in ("weight", "bias"):
            out[f"mapping.fc{k}.{part}"] = taken[f"style.{k + 1}.{part}"]
    if latent_avg is not None:
        w_dim = config.w_dim  # encoders hold one row for each layer, all the same
        rows = latent_avg.reshape(-1, w_dim) if latent_avg.numel() % w_dim == 0 else latent_avg
        out["mapping.w_avg"] = rows.mean(dim=0)
    out["synthesis.b4.const"] = taken.inner("input.input", 3)
    out |= _layer(taken, "conv1", 0, "synthesis.b4.conv1", 4)
    out |= _to_rgb(taken, "to_rgb1", "synthesis.b4.torgb")
    for j in range(len(config.channels) - 1):
        size = 8 * 2**j
        out |= _layer(taken, f"convs.{2 * j}", 2 * j + 1, f"synthesis.b{size}.conv0", size)
        out |= _layer(taken, f"convs.{2 * j + 1}", 2 * j + 2, f"synthesis.b{size}.conv1", size)
        out |= _to_rgb(taken, f"to_rgbs.{j}", f"synthesis.b{size}.torgb")
    taken.finish()
    return config, out


class _Taken:
    """A state dict whose entries are taken by name, with one error for all that is amiss."""

    def __init__(self, state: Mapping[str, Tensor], source: str):
        self.state, self.source = state, source
        self.left = set(state)

    def __contains__(self, name: str) -> bool:
        return name in self.state

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.state:
            raise CheckpointError(f"{self.source}: no rosinality StyleGAN2, it lacks {name}")
        self.left.discard(name)
        return self.state[name]

    def inner(self, name: str, dims: int) -> Tensor:
        """The last axes of a tensor whose axes before are of length one."""
        tensor = self[name]
        if tensor.ndim < dims or tensor.shape[tensor.ndim - dims :].numel() != tensor.numel():
            raise CheckpointError(
                f"{self.source}: {name} of shape {tuple(tensor.shape)}, which should have "
                f"{dims} axes, and others of length 1 before them"
            )
        return tensor.reshape(tensor.shape[tensor.ndim - dims :])

    def finish(self) -> None:
        if self.left:
            names = sorted(self.left)
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise CheckpointError(
                f"{self.source}: no plain rosinality StyleGAN2, it has a foreign "
                f"{', '.join(names[:4])}{more}"
            )


def _config(taken: _Taken) -> StyleGAN2Config:
    first = taken.inner("style.1.weight", 2)
    layers = _count(taken, "style.{}.weight", start=1)
    blocks = 1 + _count(taken, "to_rgbs.{}.conv.weight")
    channels = [taken.inner("input.input", 3).shape[0]]
    for j in range(blocks - 1):
        channels.append(taken.inner(f"convs.{2 * j}.conv.weight", 4).shape[0])
    taps = _taps(taken, [f"convs.{2 * j}.conv.blur.kernel" for j in range(blocks - 1)])
    image_taps = _taps(taken, [f"to_rgbs.{j}.upsample.kernel" for j in range(blocks - 1)])
    try:
        return StyleGAN2Config(
            img_resolution=2 * 2**blocks,
            channels=tuple(channels),
            z_dim=first.shape[1],
            w_dim=taken.inner(f"style.{layers}.weight", 2).shape[0],
            img_channels=taken["to_rgb1.bias"].numel(),
            mapping_layers=layers,
            layer_features=first.shape[0],
            resample_filter=taps,
            image_filter=None if image_taps == taps else image_taps,
        )
    except InputError as error:
        raise CheckpointError(f"{taken.source}: {error}") from error


def _count(taken: _Taken, pattern: str, start: int = 0) -> int:
    return next((k for k in range(_MOST) if pattern.format(start + k) not in taken), _MOST)


def _taps(taken: _Taken, names: Sequence[str]) -> tuple[float, ...]:
    """The taps that filters of these names all have.

    Those of convolutions are the argument `blur_kernel`, which the original does not hand on to the
    sum of images: there they always are 1, 3, 3, 1.
    """
    kernels = [taken.inner(name, 2).float() for name in names if name in taken]
    if not kernels:
        return (0.125, 0.375, 0.375, 0.125)
    line = kernels[0].sum(dim=0) / 4.0
    square = torch.outer(line, line) * 4.0
    if not all(k.shape == square.shape and torch.allclose(k, square, atol=1e-5) for k in kernels):
        raise CheckpointError(f"{taken.source}: its upsampling filters are not all the same line")
    return tuple(line.tolist())


def _layer(taken: _Taken, old: str, noise: int, new: str, size: int) -> dict[str, Tensor]:
    weight = taken.inner(f"{old}.conv.weight", 4)  # (O, I, 3, 3)
    stored = f"noises.noise_{noise}"
    return {
        **_affine(taken, old, new),
        f"{new}.weight": weight / math.sqrt(max(1, weight.shape[1:].numel())),
        f"{new}.bias": taken[f"{old}.activate.bias"].reshape(-1),
        f"{new}.noise_strength": taken.inner(f"{old}.noise.weight", 0),
        f"{new}.noise_const": taken.inner(stored, 2)
        if stored in taken
        else torch.zeros(size, size),
    }


def _to_rgb(taken: _Taken, old: str, new: str) -> dict[str, Tensor]:
    return {
        **_affine(taken, old, new),
        f"{new}.weight": taken.inner(f"{old}.conv.weight", 4),
        f"{new}.bias": taken[f"{old}.bias"].reshape(-1),
    }


def _affine(taken: _Taken, old: str, new: str) -> dict[str, Tensor]:
    parts = ("weight", "bias")
    return {f"{new}.affine.{part}": taken[f"{old}.conv.modulation.{part}"] for part in parts}
