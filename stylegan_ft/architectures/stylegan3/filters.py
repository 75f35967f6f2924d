"""Low-pass filters of StyleGAN3, and the leaky ReLU that works between two of them.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021), sections 3.1 and 3.2 and
appendix C.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import j1
from torch import Tensor

from stylegan_ft.architectures.filters import upfirdn2d

SLOPE = 0.2
"""Slope of the leaky ReLU below zero."""

GAIN = math.sqrt(2.0)
"""What the leaky ReLU is multiplied by to keep the signal's power."""

CPU_PIECE, GPU_PIECE = 2**20, 2**28
"""Numbers of the upsampled maps that are made at a time: about a CPU's cache, and 1 GiB."""

LEAST_CHANNELS = 16
"""Channels that are done at a time at the least: for fewer, convolutions are slow."""


def lowpass_filter(
    taps: int, cutoff: float, width: float, rate: float, radial: bool = False
) -> Tensor | None:
    """A Kaiser-windowed low-pass filter that keeps constants.

    Args:
        taps: length of the filter.
        cutoff, width: cut-off frequency and width of the transition band, in the unit of `rate`.
        rate: sampling rate at which the filter works.
        radial: two-dimensional and the same in all directions (jinc), not separable (sinc).

    Returns:
        float32: (taps,) to apply along both axes, or (taps, taps) if radial; None, which stands
        for the identity, for a single tap.
    """
    if taps == 1:
        return None
    place = (np.arange(taps) - (taps - 1) / 2) / rate
    window = np.kaiser(taps, kaiser_beta(taps, width / (rate / 2)))
    if radial:
        radius = np.pi * np.maximum(np.hypot(place[:, None], place), 1e-9)
        values = j1(2 * cutoff * radius) / radius * np.outer(window, window)
    else:
        values = np.sinc(2 * cutoff * place) * window
    return torch.from_numpy(values / values.sum()).float()


def kaiser_beta(taps: int, width: float) -> float:
    """Shape of the Kaiser window for a transition band of `width` half sampling rates.

    Kaiser's formulas, from the attenuation in decibels that as many taps can reach.
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width + 7.95
    if attenuation > 50.0:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21.0:
        return 0.5842 * (attenuation - 21.0) ** 0.4 + 0.07886 * (attenuation - 21.0)
    return 0.0


def filtered_leaky_relu(
    x: Tensor,
    up_filter: Tensor | None,
    down_filter: Tensor | None,
    up: int,
    down: int,
    padding: tuple[int, int],
    clamp: float | None = None,
) -> Tensor:
    """Upsampling, leaky ReLU with its gain, clamping to [-clamp, clamp], downsampling.

    At the higher rate the nonlinearity's new frequencies have room, and the second filter takes
    away those that the output cannot hold. The channels are done in pieces, as the upsampled
    maps are several times larger than what comes in and goes out.

    Args:
        x: (N, C, H, W).
        up_filter: (taps,); None where `up` is 1.
        down_filter: (taps,), or (taps, taps) if radial; None where `down` is 1.
        padding: zeros before and behind each upsampled row and column; below 0 crops them.

    Returns:
        (N, C, H', W') with H' = (H * up + sum(padding) - taps of both + 1) // down + 1.
    """

    def run(x: Tensor) -> Tensor:
        if up_filter is None:
            x = x * GAIN
        else:  # the gain passes through the leaky ReLU, and so the filter can have it
            x = upfirdn2d(x, up_filter, up=up, padding=padding * 2, gain=up**2 * GAIN)
        x = F.leaky_relu(x, SLOPE, inplace=True)
        if clamp is not None:
            limit = x.clamp if x.requires_grad else x.clamp_  # gradients need what came in
            x = limit(-clamp, clamp)
        return x if down_filter is None else upfirdn2d(x, down_filter, down=down)

    piece = CPU_PIECE if x.device.type == "cpu" else GPU_PIECE
    channels = piece // (x[:, 0].numel() * up**2)
    parts = x.split(max(channels, LEAST_CHANNELS), dim=1)
    return torch.cat([run(part) for part in parts], dim=1)
