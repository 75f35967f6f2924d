"""Pretrains a generator on the renderer: from (z, label) to the face that they stand for.

Regression on rendered faces, grown progressively (16, 32, 64 pixels) as in Karras et al. (2018),
with the features that matter weighted up. It gives a generator that already knows faces; the
adversarial phase (`stylegan_ft.training.adversarial`) then makes the samples sharp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.checks import (
    Batch,
    Count,
    Factor,
    Positive,
    Seed,
    Settings,
    Share,
    Whole,
)
from property_cnn.faces import ATTRIBUTES
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.training.loop import Training, follow, numbers
from stylegan_ft.training.population import draw_batch, population_attributes


@dataclass(frozen=True)
class PretrainSettings(Settings):
    """How the generator is pretrained.

    Args:
        images: faces shown at each level of detail, coarsest first; the last is full size.
        warmup_steps: batches of the mapping's warm-up before the first image.
        fade: share of a level's faces over which its new layers fade in.
        lr, final_lr: Adam's learning rate at the start and, by a cosine, at the end.
        mapping_lr: factor on the mapping's rate; 100 undoes its multiplier of 0.01.
        edge_weight: weight of the differences between neighbouring pixels.
        score_weight: weight of the scorer's loss, where a scorer is given.
    """

    images: tuple[Count, ...] = (64_000, 128_000, 240_000)
    warmup_steps: Annotated[int, Whole(0)] = 3000
    fade: Share = 0.25
    batch_size: Batch = 32
    lr: Positive = 2.5e-3
    final_lr: Factor = 2e-4
    mapping_lr: Positive = 20.0
    edge_weight: Factor = 1.0
    score_weight: Factor = 0.05
    ema: Share = 0.998
    seed: Seed = 0
    checkpoint_every: Count = 400
    log_every: Count = 50


def feature_weights(size: int) -> Tensor:
    """(1, 1, size, size) weights of the pixels: eyes up to 5, the mouth up to 4, elsewhere 1."""
    centres = (torch.arange(size) + 0.5) * 2.0 / size - 1.0
    x, y = centres[None, :], centres[:, None]
    eyes = torch.exp(-(((x.abs() - 0.27) / 0.20) ** 4) - ((y + 0.06) / 0.17) ** 4)
    mouth = torch.exp(-((x / 0.24) ** 4) - ((y - 0.45) / 0.16) ** 4)
    return (1.0 + 4.0 * eyes + 3.0 * mouth)[None, None]


def regression_losses(images: Tensor, targets: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean absolute error of pixels and of the differences between neighbours."""
    error = images - targets
    pixel = (weights * error.abs()).mean()
    across = (weights[..., 1:] * (error[..., 1:] - error[..., :-1]).abs()).mean()
    down = (weights[..., 1:, :] * (error[..., 1:, :] - error[..., :-1, :]).abs()).mean()
    return pixel, across + down


def level_of_detail(shown: int, settings: PretrainSettings) -> float:
    """Level of detail after `shown` faces; fractions while a new level fades in."""
    last = len(settings.images) - 1
    for level, count in enumerate(settings.images):
        if shown < count or level == last:
            fade = settings.fade * count if level else 0.0
            fading = max(0.0, 1.0 - shown / fade) if fade else 0.0
            return last - level + fading
        shown -= count
    return 0.0


def learning_rate(shown: int, settings: PretrainSettings) -> float:
    """Linear warm-up over 3,000 faces, then a cosine from `lr` to `final_lr`."""
    warm = min(1.0, (shown + settings.batch_size) / 3000)
    share = min(1.0, shown / sum(settings.images))
    wave = 0.5 * (1.0 + float(torch.cos(torch.tensor(torch.pi * share))))
    return warm * (settings.final_lr + (settings.lr - settings.final_lr) * wave)


def pretrain(
    config: GeneratorConfig,
    settings: PretrainSettings,
    out: Path,
    scorer: Callable[[Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] = print,
    stop_after: int | None = None,
) -> GeneratorNetwork:
    """Trains, or goes on from the checkpoint in `out`, and returns the averaged generator.

    Args:
        out: folder of `pretrain.pt` (networks, optimiser, step) and `pretrain.csv` (the log).
        scorer: differentiable network from images to scores; its outputs on generated faces are
            drawn towards those on the targets.
        stop_after: end early at this step, as an interruption would.
    """
    training = _Pretraining(config, settings, out, scorer, device)
    if not training.restore():
        warmed = warm_mapping(training.network, settings.warmup_steps, seed=settings.seed)
        training.average.load_state_dict(training.network.state_dict())
        if warmed:
            report(f"warm-up: {warmed[-1]:.1%} of the attributes' variance left")
    return training.run(report, stop_after)


class _Pretraining(Training):
    name = "pretrain"
    columns = ("lod", "loss", "pixel", "edge", "score")

    def __init__(self, config: GeneratorConfig, settings: PretrainSettings, out, scorer, device):
        super().__init__(GeneratorNetwork(config, seed=settings.seed), settings, out, device)
        self.scorer = scorer
        groups = [
            {"params": list(self.network.mapping.parameters()), "factor": settings.mapping_lr},
            {"params": list(self.network.synthesis.parameters()), "factor": 1.0},
        ]
        self.optimiser = torch.optim.Adam(groups, lr=settings.lr, betas=(0.9, 0.99), fused=True)

    @property
    def total(self) -> int:
        return sum(self.settings.images) // self.settings.batch_size

    def parts(self) -> dict[str, Any]:
        names = ("network", "average", "optimiser")
        return {name: getattr(self, name) for name in names}

    def advance(self) -> list[float]:
        settings, config = self.settings, self.network.config
        shown = self.step * settings.batch_size
        rate, lod = learning_rate(shown, settings), level_of_detail(shown, settings)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        z, label, targets = draw_batch(self.step, config, settings, self.device)
        size = config.resolution // 2 ** int(lod)
        targets = F.interpolate(targets, size=(size, size), mode="area")
        images = self.network(z, label, lod=lod, upsample_output=False)
        weights = feature_weights(size).to(self.device)
        pixel, edge = regression_losses(images, targets, weights)
        loss = pixel + settings.edge_weight * edge
        score = torch.zeros((), device=self.device)
        if self.scorer is not None and lod < 1.0:
            score = score_loss(self.scorer, images, targets)
            loss = loss + settings.score_weight * score
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        done = self.step + 1
        follow(self.average, self.network, min(settings.ema, done / (done + 10)))
        return [lod, *numbers(loss, pixel, edge, score)]


def score_loss(scorer: Callable[[Tensor], Tensor], images: Tensor, targets: Tensor) -> Tensor:
    """How far a scorer's answers on images are from those on the targets; scalar."""
    with torch.no_grad():
        wanted = scorer(targets)
    return F.smooth_l1_loss(scorer(images), wanted)


def warm_mapping(
    network: GeneratorNetwork,
    steps: int,
    batch_size: int = 256,
    lr: float = 4e-3,
    hidden: int = 512,
    seed: int = 0,
) -> list[float]:
    """Trains `network.mapping` in place; gives the share of variance left, every 50 steps.

    Its w must tell a face's attributes through a small nonlinear decoder, thrown away afterwards.
    The mapping's learning-rate multiplier makes it slow at learning an outside function of z when
    its only teacher is the image; so it learns that at thousands of latents a second, and how w
    holds the attributes stays open.

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
