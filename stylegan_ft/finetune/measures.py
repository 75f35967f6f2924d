"""What a row of the log measures: labels against scores, the concept, and the samples' variance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from property_cnn.properties import CONTROLLED, LABELS
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.finetune.truncation import ConditionalTruncation

LABEL_GRID = {"eyes": (-1.6, 1.6), "mouth": (-1.2, 1.6), "pose": (-1.2, 2.4)}
"""Intended labels of the measured images, every combination of them: the reference's."""

LATENTS = 10
"""Latents that every combination of labels is measured on."""

CONCEPT_SAMPLES = 100
"""Images that the filter's scores are averaged over."""

START_IMAGES = 256
"""Images that the start is compared with the base on."""

_BATCH = 50


@dataclass(frozen=True)
class Probe:
    """Fixed latents and labels that the same images come from at every row.

    Attributes:
        z: (N, z_dim).
        label: (N, L), or None for a generator without labels.
    """

    z: Tensor
    label: Tensor | None


def label_probe(z_dim: int, seed: int) -> Probe:
    """`LATENTS` latents with every label of `LABEL_GRID`; labels in the order of `CONTROLLED`."""
    rng = torch.Generator().manual_seed(seed)
    combinations = torch.tensor(list(itertools.product(*(LABEL_GRID[name] for name in CONTROLLED))))
    z = torch.randn(LATENTS, z_dim, generator=rng).repeat(len(combinations), 1)
    return Probe(z, combinations.repeat_interleave(LATENTS, dim=0))


def normal_probe(z_dim: int, label_dim: int, n: int, seed: int) -> Probe:
    """n standard normal latents and labels."""
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(n, z_dim, generator=rng)
    return Probe(z, torch.randn(n, label_dim, generator=rng) if label_dim else None)


def grid_rows(probe: Probe) -> Tensor:
    """Rows (40,) of a probe to show ten a line: five latents under every label, or the first."""
    if probe.label is None or len(probe.z) != 8 * LATENTS:
        return torch.arange(min(40, len(probe.z)))
    return (LATENTS * torch.arange(8)[:, None] + torch.arange(5)).flatten()


@torch.no_grad()
def probe_images(
    network: GeneratorNetwork,
    probe: Probe,
    truncation: ConditionalTruncation | None = None,
    psi: float = 1.0,
) -> Tensor:
    """Images (N, 3, R, R) of a probe, on the network's device."""
    device = network.truncation.w_avg.device
    images = []
    for rows in torch.arange(len(probe.z)).split(_BATCH):
        label = probe.label[rows].to(device) if probe.label is not None else None
        w = network.mapping(probe.z[rows].to(device), label)["w"]
        w = truncation(w, label, psi) if truncation is not None else w
        images.append(network.synthesis(w))
    return torch.cat(images)


def label_agreement(intended: Tensor, scores: Tensor) -> list[float]:
    """How labels (N, P) show in scores (N, P): P corr-coefs, then P mean absolute errors.

    A corr-coef is nan where the scores are constant.
    """
    wanted, given = intended.double(), scores.double().cpu()
    first, second = wanted - wanted.mean(dim=0), given - given.mean(dim=0)
    scale = (first.square().sum(dim=0) * second.square().sum(dim=0)).sqrt()
    corr = (first * second).sum(dim=0) / scale  # 0 / 0 is nan
    return [*corr.tolist(), *(wanted - given).abs().mean(dim=0).tolist()]


def concept_means(images: Tensor, classifiers: Callable[[Tensor], Tensor]) -> list[float]:
    """Mean of each of the filter's probabilities over the images."""
    return classifiers(images).double().mean(dim=0).tolist()


def sample_spread(images: Tensor) -> float:
    """Standard deviation of a pixel over the images, averaged over the pixels; 0 after collapse."""
    spread = float(images.float().std(dim=0).mean())
    return spread if math.isfinite(spread) else 0.0


def start_difference(
    base: GeneratorNetwork, network: GeneratorNetwork, labels: tuple[str, ...] | None, seed: int
) -> tuple[float, float]:
    """How far a network's images are from the base's, before any training.

    Args:
        labels: properties of the network's label, where it is not the base's own.
        seed: of the latents and labels.

    Returns:
        The root-mean-square difference of the pixels, and for comparison their standard deviation
        over the base's images, both of a range of 2.
    """
    config, mine = base.config, network.config
    probe = normal_probe(config.z_dim, config.label_dim, START_IMAGES, seed)
    label = probe.label
    if label is None and mine.label_dim:
        rng = torch.Generator().manual_seed(seed + 1)
        label = torch.randn(START_IMAGES, mine.label_dim, generator=rng)
    elif label is not None and mine.label_dim != config.label_dim:
        given = label[:, [LABELS.index(name) for name in labels]]
        probe = Probe(probe.z, torch.zeros_like(label))  # the other labels at their mean
        probe.label[:, [LABELS.index(name) for name in labels]] = given
        label = given
    wanted = probe_images(base, probe).cpu()
    images = probe_images(network, Probe(probe.z, label)).cpu()
    difference = (images - wanted).square().mean().sqrt()
    return float(difference), float(wanted.std(dim=0).mean())
