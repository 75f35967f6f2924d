"""Small StyleGAN2 networks of random weights, and their definition once more in float64."""

from __future__ import annotations

import math

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


def blurred(x: Tensor, factor: float) -> Tensor:
    """Full convolution with the filter; (N, C, H, W) -> (N, C, H + 3, W + 3)."""
    line = torch.tensor(TAPS, dtype=x.dtype) / 8
    kernel = torch.outer(line, line) * factor  # the same when turned
    n, c, h, w = x.shape
    x = F.conv2d(x.reshape(n * c, 1, h, w), kernel[None, None], padding=3)
    return x.reshape(n, c, h + 3, w + 3)


def enlarged(image: Tensor) -> Tensor:
    """Twice the height and width."""
    size = 2 * image.shape[2]
    return blurred(zeros_between(image), 4.0)[:, :, 1 : 1 + size, 1 : 1 + size]


def convolved(x: Tensor, weights: Tensor, up: bool) -> Tensor:
    """Each row with its own weights (N, O, I, k, k): from their definition."""
    rows = []
    for row, weight in zip(x.split(1), weights, strict=True):
        k = weight.shape[-1]
        if up:  # zeros, filter, and a convolution in the strict sense, with the turned kernel
            size = 2 * x.shape[2]
            full = F.conv2d(blurred(zeros_between(row), 4.0), weight.flip(2, 3), padding=k - 1)
            rows.append(full[:, :, 2 : 2 + size, 2 : 2 + size])
        else:
            rows.append(F.conv2d(row, weight, padding=k // 2))
    return torch.cat(rows)


def modulated(x: Tensor, weight: Tensor, style: Tensor, up: bool = False) -> Tensor:
    """Modulated convolution with explicit weights of each row, brought to unit norm."""
    weights = weight[None] * style[:, None, :, None, None]  # (N, O, I, k, k)
    norm = weights.square().sum(dim=(2, 3, 4), keepdim=True)
    return convolved(x, weights / torch.sqrt(norm + 1e-8), up)


def lrelu(x: Tensor, gain: float = math.sqrt(2.0)) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x) * gain


def mapping_by_hand(state: dict[str, Tensor], z: Tensor, c: Tensor | None = None) -> list[Tensor]:
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
        x = lrelu(x)
        found.append(x)
    return found


def images_by_hand(config: StyleGAN2Config, state: dict[str, Tensor], ws: Tensor) -> Tensor:
    """Images of (N, num_ws, w_dim), in float64, from the definition of all three architectures."""
    state, ws = {k: v.double() for k, v in state.items()}, ws.double()
    clamp = math.inf if config.conv_clamp is None else config.conv_clamp

    def affine(name, w):
        weight = state[f"{name}.affine.weight"]
        return w @ weight.T / math.sqrt(weight.shape[1]) + state[f"{name}.affine.bias"]

    def layer(x, name, w, up=False, gain=1.0):
        y = modulated(x, state[f"{name}.weight"], affine(name, w), up)
        if config.use_noise:
            y = y + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        y = lrelu(y + state[f"{name}.bias"][:, None, None], math.sqrt(2) * gain)
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
            side = enlarged(F.conv2d(x, weight / math.sqrt(weight.shape[1]))) * math.sqrt(0.5)
            x = layer(x, f"{name}.conv0", ws[:, index], up=True)
            x = layer(x, f"{name}.conv1", ws[:, index + 1], gain=math.sqrt(0.5)) + side
            index += 2
        else:
            x = layer(x, f"{name}.conv0", ws[:, index], up=True)
            x = layer(x, f"{name}.conv1", ws[:, index + 1])
            index += 2
        if config.architecture == "skip" or k == len(config.channels) - 1:
            added = to_rgb(x, f"{name}.torgb", ws[:, index])
            image = added if image is None else enlarged(image) + added
    return image
