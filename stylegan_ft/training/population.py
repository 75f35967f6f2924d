"""The population that the shipped generator learns: which rendered face a latent stands for.

Every (z, label) names one face: a fixed orthonormal projection of z gives the renderer's normal
factors, and each label moves the factor that drives its property. z ~ N(0, I) with label ~ N(0, I)
so gives exactly the renderer's own population.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from property_cnn.faces import ATTRIBUTES, attributes_from_normal, render_faces
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig

LABEL_ATTRIBUTES = (
    "eye_open",
    "hair_brightness",
    "hair_length",
    "mouth_open",
    "roll",
    "background_light",
    "background_pattern",
)
"""The attribute that each of the seven labels moves, in the label's order."""

LABEL_SHARE = 0.5
"""Correlation of a label with the factor of its attribute; z decides the rest."""

_PROJECTION_SEED = 20


@lru_cache(maxsize=4)
def _projection(z_dim: int) -> Tensor:
    rng = torch.Generator().manual_seed(_PROJECTION_SEED)
    square = torch.randn(z_dim, len(ATTRIBUTES), generator=rng, dtype=torch.float64)
    return torch.linalg.qr(square)[0].float()  # (z_dim, A), orthonormal columns


def population_attributes(z: Tensor, label: Tensor) -> Tensor:
    """Attributes of the faces that latents stand for, free of sensor noise.

    Args:
        z: (N, D) standard normal, D at least the number of attributes.
        label: (N, 7) standard normal.

    Returns:
        (N, A) attributes in [-2.5, 2.5].
    """
    factors = z @ _projection(z.shape[1]).to(z)
    columns = [ATTRIBUTES.index(name) for name in LABEL_ATTRIBUTES]
    own = math.sqrt(1.0 - LABEL_SHARE**2)
    factors[:, columns] = LABEL_SHARE * label + own * factors[:, columns]
    attributes = attributes_from_normal(factors)
    attributes[:, ATTRIBUTES.index("noise")] = -2.5
    return attributes


def draw_batch(
    step: int, config: GeneratorConfig, settings, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor, Tensor]:
    """z, label and the rendered targets at full size; they depend on seed and step alone.

    Args:
        settings: anything with `seed` and `batch_size`.
    """
    rng = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    z = torch.randn(settings.batch_size, config.z_dim, generator=rng).to(device)
    label = torch.randn(settings.batch_size, config.label_dim, generator=rng).to(device)
    return z, label, render_faces(population_attributes(z, label), config.resolution).clone()
