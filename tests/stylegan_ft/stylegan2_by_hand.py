"""Small StyleGAN2 networks of random weights, and their definition once more in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config

TAPS = (1.0, 3.0, 3.0, 1.0)


def tiny(architecture: str = "skip", **settings) -> StyleGAN2Config:
    """Settings of a network for 16 × 16 images."""
    sizes = {"img_resolution": 16, "channels": (6, 5, 4), "z_dim": 6, "w_dim": 8}
    sizes |= {"mapping_layers": 3, "layer_features": 7}
    return StyleGAN2Config(architecture=architecture, **{**sizes, **settings})


def randomize(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fills weights, noise and mean w with random numbers of the size that training leaves."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith(("resample_filter", "up_filter", "down_filter")):
                continue
            scale = 100.0 if name.startswith("mapping.fc") and name.endswith("weight") else 1.0
            values = torch.randn(tensor.shape, generator=rng) * scale
            if name.endswith("affine.bias"):
                values = 1.0 + 0.3 * values
            tensor.copy_(values)
    return network.eval().requires_grad_(False)


def random_stylegan2(architecture: str = "skip", seed: int = 0, **settings) -> StyleGAN2:
    return randomize(StyleGAN2(tiny(architecture, **settings)), seed)


def latents(config: StyleGAN2Config, n: int, seed: int = 1) -> tuple[Tensor, Tensor | None]:
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(n, config.z_dim, generator=rng)
    return z, torch.randn(n, config.c_dim, generator=rng) if config.c_dim else None


def zeros_between(x: Tensor) -> Tensor:
    """A zero behind each pixel, along both axes."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def filtered(x: Tensor, before: int, after: int, taps: Sequence[float] = TAPS) -> Tensor:
    """Zeros around, or borders cut off, then the strict sense's convolution by the filter of sum 4
    wherever it fits; (N, C, H, W) -> (N, C, H + before + after - T + 1, ...).
    """
    line = torch.tensor(taps, dtype=x.dtype)
    kernel = torch.outer(line, line) * (4 / line.sum() ** 2)
    x = F.pad(x, (before, after, before, after))
    n, c, h, w = x.shape
    x = F.conv2d(x.reshape(n * c, 1, h, w), kernel.flip(0, 1)[None, None])
    return x.reshape(n, c, *x.shape[2:])


def enlarged(image: Tensor, taps: Sequence[float] = TAPS) -> Tensor:
    """Twice the height and width."""
    count = len(taps)
    return filtered(zeros_between(image), (count + 1) // 2, (count - 2) // 2, taps)


def convolved(x: Tensor, weights: Tensor, up: bool, taps: Sequence[float] = TAPS) -> Tensor:
    """Each row with its own weights (N, O, I, k, k): from their definition."""
    rows, count = [], len(taps)
    for row, weight in zip(x.split(1), weights, strict=True):
        k = weight.shape[-1]
        if up:  # zeros, filter, and a convolution in the strict sense, with the turned kernel
            before, after = k // 2 + (count + 1) // 2, k // 2 + (count - 2) // 2
            wide = filtered(zeros_between(row), before, after, taps)
            rows.append(F.conv2d(wide, weight.flip(2, 3)))
        else:
            rows.append(F.conv2d(row, weight, padding=k // 2))
    return torch.cat(rows)


def modulated(
    x: Tensor,
    weight: Tensor,
    style: Tensor,
    up: bool = False,
    taps: Sequence[float] = TAPS,
) -> Tensor:
    """Modulated convolution with explicit weights of each row, brought to unit norm."""
    weights = weight[None] * style[:, None, :, None, None]  # (N, O, I, k, k)
    norm = weights.square().sum(dim=(2, 3, 4), keepdim=True)
    return convolved(x, weights / torch.sqrt(norm + 1e-8), up, taps)


ROOT, ALPHA, SCALE = math.sqrt(2.0), 1.6732632423543772, 1.0507009873554805
ACTIVATIONS = {
    "linear": (1.0, lambda x: x),
    "relu": (ROOT, lambda x: x.clamp(min=0)),
    "lrelu": (ROOT, lambda x: torch.maximum(x, x / 5)),
    "tanh": (1.0, lambda x: (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())),
    "sigmoid": (1.0, lambda x: 1 / (1 + (-x).exp())),
    "elu": (1.0, lambda x: torch.where(x > 0, x, x.exp() - 1)),
    "selu": (1.0, lambda x: SCALE * torch.where(x > 0, x, ALPHA * (x.exp() - 1))),
    "softplus": (1.0, lambda x: (1 + x.exp()).log()),
    "swish": (ROOT, lambda x: x / (1 + (-x).exp())),
}
"""Name -> gain and function, as the original's bias_act has them."""


def activated(x: Tensor, activation: str = "lrelu", gain: float = 1.0) -> Tensor:
    own, function = ACTIVATIONS[activation]
    return function(x) * (own * gain)


def mapping_by_hand(
    state: dict[str, Tensor],
    z: Tensor,
    c: Tensor | None = None,
    activation: str = "lrelu",
) -> list[Tensor]:
    """Outputs of all dense layers, in float64."""
    state, x = {k: v.double() for k, v in state.items()}, z.double()
    x = x / torch.sqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)
    if c is not None:
        weight = state["mapping.embed.weight"]
        y = c.double() @ weight.T / math.sqrt(weight.shape[1]) + state["mapping.embed.bias"]
        x = torch.cat([x, y / torch.sqrt(y.square().mean(dim=1, keepdim=True) + 1e-8)], dim=1)
    found = []
    while f"mapping.fc{len(found)}.weight" in state:
        name = f"mapping.fc{len(found)}"
        weight = state[f"{name}.weight"]
        x = x @ weight.T * (0.01 / math.sqrt(weight.shape[1])) + 0.01 * state[f"{name}.bias"]
        x = activated(x, activation)
        found.append(x)
    return found


def images_by_hand(config: StyleGAN2Config, state: dict[str, Tensor], ws: Tensor) -> Tensor:
    """Images of (N, num_ws, w_dim), in float64, from the definition of all three architectures."""
    state, ws = {k: v.double() for k, v in state.items()}, ws.double()
    clamp = math.inf if config.conv_clamp is None else config.conv_clamp
    taps = config.resample_filter

    def affine(name, w):
        weight = state[f"{name}.affine.weight"]
        return w @ weight.T / math.sqrt(weight.shape[1]) + state[f"{name}.affine.bias"]

    def layer(x, name, w, up=False, gain=1.0):
        y = modulated(x, state[f"{name}.weight"], affine(name, w), up, taps)
        if config.use_noise:
            y = y + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        y = activated(y + state[f"{name}.bias"][:, None, None], config.activation, gain)
        return y.clamp(-clamp * gain, clamp * gain)

    def to_rgb(x, name, w):
        style = affine(name, w) / math.sqrt(x.shape[1])
        weights = state[f"{name}.weight"][None] * style[:, None, :, None, None]
        return (convolved(x, weights, False) + state[f"{name}.bias"][:, None, None]).clamp(
            -clamp, clamp
        )

    image, index = None, 0
    for k in range(len(config.channels)):
        name = f"synthesis.b{4 * 2**k}"
        if k == 0:
            x = state[f"{name}.const"].expand(len(ws), -1, -1, -1)
            x = layer(x, f"{name}.conv1", ws[:, 0])
            index = 1
        elif config.architecture == "resnet":
            weight = state[f"{name}.skip.weight"]
            side = enlarged(F.conv2d(x, weight / math.sqrt(weight.shape[1])), taps)
            side = side * math.sqrt(0.5)
            x = layer(x, f"{name}.conv0", ws[:, index], up=True)
            x = layer(x, f"{name}.conv1", ws[:, index + 1], gain=math.sqrt(0.5)) + side
            index += 2
        else:
            x = layer(x, f"{name}.conv0", ws[:, index], up=True)
            x = layer(x, f"{name}.conv1", ws[:, index + 1])
            index += 2
        if config.architecture == "skip" or k == len(config.channels) - 1:
            added = to_rgb(x, f"{name}.torgb", ws[:, index])
            image = added if image is None else enlarged(image, taps) + added
    return image
