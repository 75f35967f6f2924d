"""Grids of sample images, as arrays and as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from property_cnn.common.files import atomic_write
from property_cnn.pictures import encoded, to_bytes
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork


def image_grid(images: Tensor, columns: int) -> np.ndarray:
    """Images (N, 3, H, W) in [-1, 1], row by row -> uint8 (rows · H, columns · W, 3)."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = torch.full((rows * columns, 3, height, width), 1.0)
    sheet[:n] = images.detach().float().cpu()
    pixels = to_bytes(sheet)
    grid = pixels.reshape(rows, columns, 3, height, width).permute(0, 3, 1, 4, 2)
    return grid.reshape(rows * height, columns * width, 3).numpy()


def save_grid(path: Path, images: Tensor, columns: int, scale: int = 1) -> None:
    """Writes the grid as a PNG, each pixel enlarged `scale` times by Lanczos, atomically."""
    picture = Image.fromarray(image_grid(images, columns))
    if scale > 1:
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    atomic_write(path, encoded(np.asarray(picture)))


@torch.inference_mode()
def fixed_samples(network: GeneratorNetwork, n: int, seed: int, batch_size: int = 64) -> Tensor:
    """Images (n, 3, R, R) of n latents that depend on the seed alone, on the network's device."""
    z, label = fixed_latents(network, n, seed)
    device = network.truncation.w_avg.device
    parts = zip(z.split(batch_size), label.split(batch_size), strict=True)
    return torch.cat([network(a.to(device), b.to(device)) for a, b in parts])


def fixed_latents(network: GeneratorNetwork, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Standard normal z (n, z_dim) and labels (n, label_dim) of a seed."""
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(n, network.config.z_dim, generator=rng)
    return z, torch.randn(n, network.config.label_dim, generator=rng)
