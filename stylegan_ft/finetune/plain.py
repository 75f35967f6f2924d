"""A plain base: a generator without labels and without the split, from one that has them.

Most base generators have neither, and the experiments with labels must not start from a network
that was given them before. The plain mapping learns the w of the given one by regression, as a
student of its teacher (Hinton et al., 2015); the labels become a fixed projection of z, so that
they vary as before and nobody can set them. Synthesis is taken over as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, set_w_average
from stylegan_ft.finetune.settings import PlainSettings


def hidden_labels(z: Tensor, label_dim: int, seed: int) -> Tensor:
    """Labels (N, label_dim) that a fixed orthonormal projection of z (N, D) stands for."""
    rng = torch.Generator().manual_seed(seed)
    square = torch.randn(z.shape[1], label_dim, generator=rng, dtype=torch.float64)
    return z @ torch.linalg.qr(square)[0].to(z)


def plain_generator(
    teacher: GeneratorNetwork,
    settings: PlainSettings | None = None,
    log: Callable[[str], None] = print,
) -> tuple[GeneratorNetwork, float]:
    """The plain generator, in evaluation mode, on the CPU.

    Args:
        teacher: with labels or split or both; it is left as it was.
        settings: how its mapping is learned.
        log: called with a line now and then.

    Returns:
        The network, and the share of the variance of w that it misses on fresh latents.
    """
    settings = settings or PlainSettings()
    teacher = teacher.eval()
    network = _take_over(teacher, settings.seed)
    mapping = network.mapping.train().requires_grad_(True)
    parameters = list(mapping.parameters())
    rate = settings.lr / network.config.lr_mul
    optimiser = torch.optim.Adam(parameters, lr=rate, betas=(0.9, 0.99), fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    spread = _spread(teacher, settings)
    for step in range(settings.steps):
        z, wanted = _batch(teacher, settings, step)
        loss = ((mapping(z)["w"] - wanted).square().sum(dim=1) / spread).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if (step + 1) % 500 == 0:
            missed = float(loss.detach())
            log(f"plain {step + 1:,}/{settings.steps:,}: {missed:.2%} of w's variance missed")
    network.eval().requires_grad_(False)
    set_w_average(network, settings.seed)
    return network, _missed(network, teacher, settings, spread)


def _take_over(teacher: GeneratorNetwork, seed: int) -> GeneratorNetwork:
    """A plain network with the teacher's synthesis and what fits of its mapping."""
    config = replace(teacher.config, label_dim=0, label_embedding=0, split=False)
    network = GeneratorNetwork(config, seed=seed)
    given, state = teacher.state_dict(), network.state_dict()
    for name, tensor in state.items():
        source = given[name]
        state[name] = source[:, : tensor.shape[1]] if source.shape != tensor.shape else source
    network.load_state_dict(state)
    return network


@torch.no_grad()
def _batch(teacher: GeneratorNetwork, settings: PlainSettings, step: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    z = torch.randn(settings.batch_size, teacher.config.z_dim, generator=rng)
    label_dim = teacher.config.label_dim
    label = hidden_labels(z, label_dim, settings.seed) if label_dim else None
    return z, teacher.mapping(z, label)["w"]


def _spread(teacher: GeneratorNetwork, settings: PlainSettings) -> float:
    """Variance of w, summed over its dimensions."""
    w = torch.cat([_batch(teacher, settings, -1 - step)[1] for step in range(8)])
    return float(w.var(dim=0).sum())


@torch.no_grad()
def _missed(network, teacher, settings: PlainSettings, spread: float) -> float:
    batches = (_batch(teacher, settings, settings.steps + step) for step in range(8))
    errors = [(network.mapping(z)["w"] - w).square().sum(dim=1).mean() for z, w in batches]
    return float(torch.stack(errors).mean()) / spread
