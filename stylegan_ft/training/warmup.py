"""Warms up the mapping network: its w must tell a face's attributes through a small decoder.

The mapping's learning-rate multiplier makes it slow at learning an outside function of z when its
only teacher is the image. A nonlinear decoder that is thrown away afterwards lets it learn that
at thousands of latents a second, and leaves open how w holds the attributes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from property_cnn.faces import ATTRIBUTES
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.training.population import population_attributes


def warm_mapping(
    network: GeneratorNetwork,
    steps: int,
    batch_size: int = 256,
    lr: float = 4e-3,
    hidden: int = 512,
    seed: int = 0,
) -> list[float]:
    """Trains `network.mapping` in place; gives the share of variance left, every 50 steps.

    Args:
        network: with labels as `stylegan_ft.training.population` has them.
        steps: batches; the rate falls to a tenth by a cosine.
        lr: Adam's rate for weights of unit scale; the multiplier is undone.
    """
    rng = torch.Generator().manual_seed(seed)
    config = network.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = nn.Sequential(
            nn.Linear(config.w_dim, hidden), nn.Tanh(), nn.Linear(hidden, len(ATTRIBUTES))
        )
    groups = [
        {"params": list(network.mapping.parameters()), "lr": lr / config.lr_mul},
        {"params": list(decoder.parameters()), "lr": min(lr, 1e-3)},
    ]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    history = []
    for step in range(steps):
        z = torch.randn(batch_size, config.z_dim, generator=rng)
        label = torch.randn(batch_size, config.label_dim, generator=rng)
        w = network.mapping(z, label)["w"]
        loss = F.mse_loss(decoder(w), population_attributes(z, label))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 49:
            history.append(float(loss.detach()))
    return history
