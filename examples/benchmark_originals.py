"""Times StyleGAN2 and StyleGAN3 here beside the arithmetic of the originals, on a CPU.

    python examples/benchmark_originals.py
    python examples/benchmark_originals.py 256 2

The first number is the side of the images (1024), the second how many are timed of each (2). The
networks are StyleGAN2's configuration F and StyleGAN3's T at their published sizes, with random
weights. The other side is written anew from the papers, in the order in which NVlabs' PyTorch code
computes where there are no kernels for a GPU: each row's own weights, modulated and demodulated, in
one grouped convolution; zeros put between pixels, padding and a convolution for each change of
resolution; bias, activation, gain and clamp one after the other. Both sides run in processes of
their own, on one thread, on the same weights and w, one image at a time. Rates are images per
second of the processor's time, memory is the most that was held, above that after the imports.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan_ft.architectures.network import StyleGANNetwork
from stylegan_ft.architectures.stylegan2.network import StyleGAN2
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.generator import StyleGANGenerator
from vectorfind.bench.child import peak_memory

GIB = 2**30
ROOT = math.sqrt(2.0)
NETWORKS = ("StyleGAN2 F", "StyleGAN3 T")
SIDES = ("here", "originals")


def network_of(name: str, resolution: int) -> StyleGANNetwork:
    """A network of the published size whose weights are random, such that signals keep near 1."""
    if name == "StyleGAN2 F":
        levels = range(2, resolution.bit_length())
        channels = tuple(min(32768 // 2**k, 512) for k in levels)
        network = StyleGAN2(StyleGAN2Config(resolution, channels, conv_clamp=256.0))
    else:
        network = StyleGAN3(StyleGAN3Config(resolution))
    random = torch.Generator().manual_seed(0)
    for key, tensor in network.state_dict().items():
        last = key.rpartition(".")[2]
        if last in ("weight", "const", "noise_const", "phases"):
            tensor.copy_(torch.randn(tensor.shape, generator=random))
        elif last == "noise_strength":
            tensor.fill_(0.1)
        elif last == "freqs":
            tensor.copy_(torch.rand(tensor.shape, generator=random) * 2.0)
        elif key.endswith("affine.bias") and ".input." not in key:
            tensor.fill_(1.0)
    return network.eval().requires_grad_(False)


# The originals' arithmetic.


def resampled(
    x: Tensor, kernel: Tensor | None, up: int, down: int, padding: tuple[int, int], gain: float
) -> Tensor:
    """Zeros, padding, convolution, every n-th pixel; (N, C, H, W) -> (N, C, H', W')."""
    n, channels, height, width = x.shape
    spread = x.reshape(n, channels, height, 1, width, 1)
    spread = F.pad(spread, (0, up - 1, 0, 0, 0, up - 1))
    x = spread.reshape(n, channels, height * up, width * up)
    before, after = padding
    x = F.pad(x, (max(before, 0), max(after, 0)) * 2)
    rows, columns = (slice(max(-before, 0), size - max(-after, 0)) for size in x.shape[2:])
    x = x[:, :, rows, columns]
    if kernel is None:
        return x[:, :, ::down, ::down] * gain
    kernel = (kernel * gain ** (kernel.ndim / 2)).flip(list(range(kernel.ndim)))
    passes = (kernel,) if kernel.ndim == 2 else (kernel[None], kernel[:, None])
    for taps in passes:
        x = F.conv2d(x, taps.expand(channels, 1, -1, -1), groups=channels)
    return x[:, :, ::down, ::down]


def activated(x: Tensor, bias: Tensor, linear: bool, clamp: float | None) -> Tensor:
    """Bias, leaky ReLU with its gain, clamp."""
    x = x + bias[:, None, None]
    if not linear:
        x = F.leaky_relu(x, 0.2)
        x = x * ROOT
    return x if clamp is None else x.clamp(-clamp, clamp)


def convolved(x: Tensor, weights: Tensor, padding: int, up: Tensor | None = None) -> Tensor:
    """Each row with its own weights (N, O, I, k, k), as groups of one convolution; with a filter,
    twice the height and width, by a transposed convolution, which is the original's way too.
    """
    n, outputs, inputs, k, _ = weights.shape
    x = x.reshape(1, n * inputs, *x.shape[2:])
    if up is None:
        x = F.conv2d(x, weights.reshape(n * outputs, inputs, k, k), padding=padding, groups=n)
    else:
        turned = weights.transpose(1, 2).reshape(n * inputs, outputs, k, k)
        x = F.conv_transpose2d(x, turned, stride=2, groups=n)
        x = resampled(x, up, 1, 1, (1, 1), 4.0)
    return x.reshape(n, outputs, *x.shape[2:])


def modulated(weight: Tensor, style: Tensor, demodulate: bool = True) -> Tensor:
    """(O, I, k, k) and (N, I) -> each row's weights (N, O, I, k, k)."""
    weights = weight[None] * style[:, None, :, None, None]
    if not demodulate:
        return weights
    return weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()


def stylegan2_layer(layer: nn.Module, x: Tensor, style: Tensor) -> Tensor:
    weights = modulated(layer.weight, style)
    x = convolved(x, weights, 1, layer.resample_filter if layer.up else None)
    x = x + layer.noise_const * layer.noise_strength
    return activated(x, layer.bias, linear=False, clamp=layer.clamp)


def stylegan2_images(network: StyleGAN2, ws: Tensor) -> Tensor:
    styles = iter(network.styles(ws))
    x = image = None
    for block in network.synthesis.values():
        if x is None:
            x = block.const.expand(len(ws), -1, -1, -1)
        else:
            x = stylegan2_layer(block.conv0, x, next(styles))
        x = stylegan2_layer(block.conv1, x, next(styles))
        last = block.torgb
        weights = modulated(last.weight, next(styles) * last.weight_scale, demodulate=False)
        added = activated(convolved(x, weights, 0), last.bias, linear=True, clamp=last.clamp)
        if image is None:
            image = added
        else:
            image = resampled(image, block.resample_filter, 2, 1, (2, 1), 4.0) + added
    return image


def stylegan3_layer(layer: nn.Module, x: Tensor, style: Tensor) -> Tensor:
    weight = layer.weight
    weight = weight * weight.square().mean(dim=(1, 2, 3), keepdim=True).rsqrt()
    weights = modulated(weight, style * style.square().mean().rsqrt())
    x = convolved(x, weights * layer.magnitude_ema.rsqrt(), weight.shape[-1] - 1)
    x = x + layer.bias[:, None, None]
    x = resampled(x, layer.up_filter, layer.up, 1, layer.padding, layer.up**2)
    x = activated(x, torch.zeros_like(layer.bias), linear=False, clamp=layer.clamp)
    return resampled(x, layer.down_filter, 1, layer.down, (0, 0), 1.0)


def stylegan3_images(network: StyleGAN3, ws: Tensor) -> Tensor:
    first, *layers, last = network.synthesis.values()
    style, *styles, colour = network.styles(ws)
    x = first(style)  # waves: some thousandths of the time
    for layer, each in zip(layers, styles, strict=True):
        x = stylegan3_layer(layer, x, each)
    gain = last.magnitude_ema.rsqrt() / math.sqrt(x.shape[1])
    weights = modulated(last.weight, colour * gain, demodulate=False)
    x = activated(convolved(x, weights, 0), last.bias, linear=True, clamp=last.clamp)
    return x * network.config.output_scale


ORIGINALS: dict[str, Callable[..., Tensor]] = {
    "StyleGAN2 F": stylegan2_images,
    "StyleGAN3 T": stylegan3_images,
}


@dataclass(frozen=True)
class Measured:
    """Of one side: images a second of the processor's time, most bytes above the start, and the
    last image (3, R, R).
    """

    rate: float
    memory: float
    image: np.ndarray


@torch.inference_mode()
def measure(name: str, side: str, resolution: int, count: int) -> Measured:
    """Times one side; in a process of its own, whose memory it tells."""
    torch.set_num_threads(1)
    start = peak_memory()
    network = network_of(name, resolution)
    if side == "here":
        make = StyleGANGenerator(network, digest="random").synthesize
    else:

        def make(w: Tensor) -> Tensor:
            return ORIGINALS[name](network, w[:, None].expand(-1, network.num_ws, -1))

    w = torch.randn(count, 1, 512, generator=torch.Generator().manual_seed(1))
    seconds = []
    for row in w:
        started = time.process_time()
        image = make(row)
        seconds.append(time.process_time() - started)
    return Measured(1.0 / min(seconds), peak_memory() - start, image[0].numpy())


def main(resolution: int = 1024, count: int = 2) -> None:
    print(f"{resolution} × {resolution}, one thread, {count} images each, the faster one")
    columns = ("here", "originals", "ratio", "GiB here", "originals", "difference")
    print(f"{'network':14}" + "".join(f"{column:>12}" for column in columns))
    spawn = multiprocessing.get_context("spawn")
    for name in NETWORKS:
        found = []
        for side in SIDES:
            with ProcessPoolExecutor(1, mp_context=spawn) as alone:
                found.append(alone.submit(measure, name, side, resolution, count).result())
        here, there = found
        difference = np.abs(here.image - there.image).max() / there.image.std()
        numbers = (here.rate, there.rate, here.rate / there.rate)
        sizes = (here.memory / GIB, there.memory / GIB)
        shown = "".join(f"{number:12.3f}" for number in (*numbers, *sizes))
        print(f"{name:14}{shown}{difference:12.1e}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
