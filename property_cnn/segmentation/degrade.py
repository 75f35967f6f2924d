"""Training pictures made as poor as those that the networks will meet: small, noisy, unevenly lit.

A generator's faces are blurry where rendered ones are sharp; a network that has seen both kinds
of each face does not mind. All of it is drawn from a local generator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LOWEST_SIDE = 48
"""The smallest side that a picture is reduced to before it is enlarged again."""


def degrade(images: Tensor, generator: torch.Generator, share: float = 0.7) -> Tensor:
    """Pictures of the same faces, some of them worse.

    Args:
        images: (N, 3, S, S) in [-1, 1].
        generator: on the CPU; the order of draws does not depend on the images.
        share: probability that a picture loses resolution; light, contrast and noise vary always.

    Returns:
        (N, 3, S, S) in [-1, 1]; new tensors.
    """
    side = images.shape[-1]
    draws = torch.rand(len(images), 6, generator=generator)
    done = []
    for image, draw in zip(images.unsqueeze(1), draws.tolist(), strict=True):
        if draw[0] < share and side > LOWEST_SIDE:
            small = round(LOWEST_SIDE + draw[1] * (side - LOWEST_SIDE))
            image = F.interpolate(image, (small, small), mode="area")
            image = F.interpolate(image, (side, side), mode="bilinear", align_corners=False)
        contrast, light = 0.8 + 0.4 * draw[2], 0.3 * (draw[3] - 0.5)
        noise = torch.randn(image.shape, generator=generator).to(image.device)
        done.append(image * contrast + light + 0.04 * draw[4] * noise)
    return torch.cat(done).clamp(-1, 1) if done else images.clone()


def flip(images: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirrors a random half of the images (N, C, H, W) and their masks (N, ..., H, W)."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    where = chosen.to(images.device)
    return (
        torch.where(where.view(-1, 1, 1, 1), images.flip(-1), images),
        torch.where(where.view(-1, *[1] * (masks.ndim - 1)), masks.flip(-1), masks),
    )
