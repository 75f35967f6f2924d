"""Tiny networks and data for the tests of fine-tuning."""

from __future__ import annotations

import torch

from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.scorer import Scorer
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.finetune.data import RealImages

SIDE = 32
CHANNELS = (4, 4, 4, 4)

CONFIG = GeneratorConfig(
    resolution=SIDE,
    z_dim=8,
    w_dim=8,
    label_dim=0,
    label_embedding=0,
    split=False,
    channels=CHANNELS,
    hidden_dim=8,
    wide_dim=16,
    mapping_layers=4,
)


def base_network(seed: int = 0) -> GeneratorNetwork:
    """A generator without labels and split."""
    return GeneratorNetwork(CONFIG, seed=seed).eval().requires_grad_(False)


def discriminator(seed: int = 1) -> Discriminator:
    return Discriminator(SIDE, CHANNELS, seed=seed)


def scorer() -> Scorer:
    """An untrained property CNN whose batch normalisation has seen some images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        network = PropertyCNN(NetworkSettings(resolution=SIDE, width=2, features=4))
        network(torch.rand(16, 3, SIDE, SIDE) * 2 - 1)
    return Scorer(network, device="cpu")


def real_images(labels: int, n: int = 20, seed: int = 3) -> RealImages:
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, 3, SIDE, SIDE), generator=rng, dtype=torch.uint8)
    return RealImages(images, torch.randn(n, labels, generator=rng))


def classifiers(images: torch.Tensor) -> torch.Tensor:
    """Four numbers between 0 and 1 that depend on the images."""
    brightness = images.mean(dim=(1, 2, 3)).sigmoid()
    return torch.stack([brightness, 1 - brightness, brightness**2, brightness / 2], dim=1)
