"""Small StyleGAN3 networks of random weights, and their definition once more in numpy and scipy."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.signal import convolve2d, correlate2d, firwin, kaiser_atten, kaiser_beta
from scipy.special import j1

from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config

RADIAL = {"conv_kernel": 1, "use_radial_filters": True}


def tiny(**settings) -> StyleGAN3Config:
    """Settings of a network of configuration T for 16 × 16 images."""
    sizes = {"img_resolution": 16, "z_dim": 6, "w_dim": 8, "channel_base": 64, "channel_max": 6}
    return StyleGAN3Config(**{**sizes, "num_layers": 4, "margin_size": 3, **settings})


def random_stylegan3(seed: int = 0, **settings) -> StyleGAN3:
    """A network with weights, waves and mean w of the size that training leaves."""
    network = StyleGAN3(tiny(**settings)).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        last = name.rpartition(".")[2]
        values = torch.randn(tensor.shape, generator=rng)
        if name == "synthesis.input.affine.bias":
            tensor.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]) + 0.1 * values)
        elif name.endswith("affine.bias"):
            tensor.copy_(1.0 + 0.3 * values)
        elif name.startswith("mapping.fc"):
            tensor.copy_(values * (100.0 if last == "weight" else 1.0))
        elif last == "bias":
            tensor.copy_(0.1 * values)
        elif last == "magnitude_ema":
            tensor.copy_(0.5 + values.abs())
        elif last not in ("up_filter", "down_filter", "transform"):
            tensor.copy_(values)
    return network


def some_ws(network: StyleGAN3, n: int = 2) -> torch.Tensor:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(n, network.num_ws, network.config.w_dim, generator=rng)


def lowpass(taps: int, cutoff: float, half_width: float, rate: float, radial: bool) -> np.ndarray:
    """The filter in two dimensions, (taps, taps)."""
    if not radial:
        line = firwin(taps, cutoff, width=2 * half_width, fs=rate)
        return np.outer(line, line)
    window = np.kaiser(taps, kaiser_beta(kaiser_atten(taps, 2 * half_width / (rate / 2))))
    kernel = np.zeros((taps, taps))
    for i in range(taps):
        for j in range(taps):
            r = math.hypot(i - (taps - 1) / 2, j - (taps - 1) / 2) / rate
            kernel[i, j] = j1(2 * math.pi * cutoff * r) / (math.pi * r) * window[i] * window[j]
    return kernel / kernel.sum()


def upsampled(x: np.ndarray, kernel: np.ndarray, factor: int, size: int) -> np.ndarray:
    """Zeros between pixels, full convolution, and `size` pixels around the middle; (H, W)."""
    spread = np.zeros([(n - 1) * factor + 1 for n in x.shape])
    spread[::factor, ::factor] = x
    full = convolve2d(spread, kernel * factor**2)
    spare = full.shape[0] - size
    assert spare >= 0
    assert spare % 2 == 0
    return full[spare // 2 : spare // 2 + size, spare // 2 : spare // 2 + size]


def activated(
    x: np.ndarray,
    up_kernel: np.ndarray,
    down_kernel: np.ndarray,
    up: int,
    down: int,
    size: int,
    clamp: float | None = None,
) -> np.ndarray:
    """Upsample, filter, activate, filter, downsample, to `size` pixels a side; (H, W)."""
    x = upsampled(x, up_kernel, up, (size - 1) * down + len(down_kernel))
    x = np.where(x > 0, x, 0.2 * x) * math.sqrt(2)
    if clamp is not None:
        x = np.clip(x, -clamp, clamp)
    return convolve2d(x, down_kernel, mode="valid")[::down, ::down]


def modulated(x: np.ndarray, weight: np.ndarray, style: np.ndarray, gain: float) -> np.ndarray:
    """One row's convolution with its explicit, demodulated weights; (I, H, W) -> (O, H', W')."""
    weight = weight * style[:, None, None]
    weight = weight / np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True))
    return convolved(x, weight * gain)


def convolved(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            sum(correlate2d(plane, taps) for plane, taps in zip(x, kernels, strict=True))
            for kernels in weight
        ]
    )


def waves(state: dict[str, np.ndarray], style: np.ndarray, size: int, rate: float, cutoff: float):
    """One row's Fourier features: each wave at each pixel's transformed place; (C, S, S)."""
    cos, sin, x, y = style / np.hypot(style[0], style[1])
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    transform = turn @ np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]]) @ state["transform"]
    features = np.zeros((len(state["freqs"]), size, size))
    for c, (freq, phase) in enumerate(zip(state["freqs"], state["phases"], strict=True)):
        length = np.linalg.norm(freq @ transform[:2, :2])
        amplitude = np.clip(1 - (length - cutoff) / (rate / 2 - cutoff), 0, 1)
        for i in range(size):
            for j in range(size):
                middle = (size - 1) / 2
                place = transform @ np.array([(j - middle) / rate, (i - middle) / rate, 1.0])
                angle = 2 * math.pi * (freq @ place[:2] + phase)
                features[c, i, j] = amplitude * math.sin(angle)
    return np.einsum("oc,chw->ohw", state["weight"] / math.sqrt(len(features)), features)


def images_by_hand(network: StyleGAN3, ws: torch.Tensor) -> np.ndarray:
    """Images of (N, num_ws, w_dim), from the definition of the schedule and of every layer."""
    config = network.config
    weights: dict[str, dict[str, np.ndarray]] = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("synthesis."):
            _, layer, key = name.split(".", 2)
            weights.setdefault(layer, {})[key] = tensor.double().numpy()
    steps = _schedule(config)
    size, rate, cutoff, _ = steps[0]
    images = []
    for row in ws.double().numpy():
        styles = [
            state["affine.weight"] @ w / math.sqrt(len(w)) + state["affine.bias"]
            for state, w in zip(weights.values(), row, strict=True)
        ]
        first, *layers = weights.values()
        x = waves(first, styles[0], size, rate, cutoff)
        for k, (state, style) in enumerate(zip(layers, styles[1:], strict=True)):
            gain = 1 / math.sqrt(state["magnitude_ema"])
            bias = state["bias"][:, None, None]
            if k == config.num_layers:
                style = style / math.sqrt(len(x))
                x = convolved(x, state["weight"] * (style * gain)[:, None, None]) + bias
                break
            x = modulated(x, state["weight"], style, gain) + bias
            critical = k >= config.num_layers - config.num_critical
            x = _nonlinear(config, x, steps[max(k - 1, 0)], steps[k], critical)
        clamp = math.inf if config.conv_clamp is None else config.conv_clamp
        images.append(np.clip(x, -clamp, clamp) * config.output_scale)
    return np.stack(images)


def _nonlinear(config: StyleGAN3Config, x: np.ndarray, source, target, critical: bool):
    high = config.lrelu_upsampling * max(source[1], target[1])
    up, down = round(high / source[1]), round(high / target[1])
    up_kernel = lowpass(config.filter_size * up, *source[2:], high, radial=False)
    radial = config.use_radial_filters and not critical
    down_kernel = lowpass(config.filter_size * down, *target[2:], high, radial)
    planes = (
        activated(plane, up_kernel, down_kernel, up, down, target[0], config.conv_clamp)
        for plane in x
    )
    return np.stack(list(planes))


def _schedule(config: StyleGAN3Config) -> list[tuple[int, int, float, float]]:
    """Size, rate, cut-off frequency and half width of each layer's output."""
    last = config.img_resolution / 2
    stop = last * config.last_stopband_rel
    steps = []
    for k in range(config.num_layers + 1):
        share = min(k / (config.num_layers - config.num_critical), 1.0)
        cutoff = config.first_cutoff ** (1 - share) * last**share
        stopband = config.first_stopband ** (1 - share) * stop**share
        rate = 1
        while rate < min(2 * stopband, config.img_resolution):
            rate *= 2
        inside = k >= config.num_layers - 1
        size = config.img_resolution if inside else rate + 2 * config.margin_size
        steps.append((size, rate, cutoff, max(stopband, rate / 2) - cutoff))
    return steps
