"""Adversarial training of a generator: logistic loss, lazy R1, moving average, style mixing.

Losses as in StyleGAN (Karras et al., 2019): non-saturating logistic with R1 (Mescheder et al.,
2018) every few steps. The data are the renderer's faces. From scratch nothing else teaches the
generator; after `stylegan_ft.training.pretraining` an anchor holds each latent near the face that
it stands for, while the discriminator asks for sharpness.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

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
from property_cnn.common.errors import TrainingError
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, mixed_styles
from stylegan_ft.training.loop import Training, follow, numbers, settled
from stylegan_ft.training.losses import d_logistic_loss, g_logistic_loss, r1_penalty
from stylegan_ft.training.measures import auroc
from stylegan_ft.training.population import draw_batch
from stylegan_ft.training.pretraining import feature_weights, regression_losses, score_loss
from stylegan_ft.training.samples import fixed_samples, save_grid

FIRST_STEP = 500_000
"""Number of the first batch, so that the faces are not those of pretraining again."""


@dataclass(frozen=True)
class TrainSettings(Settings):
    """How generator and discriminator are trained against each other.

    Args:
        images: real faces shown.
        lr, d_lr: Adam's rates; the mapping's lr multiplier is part of the network.
        settle: share of the images at the end over which both rates fall to 0.
        d_channels: the discriminator's feature maps, 4 × 4 first; None takes the generator's.
        r1_gamma, r1_every: weight of the gradient penalty, and steps between two of them.
        style_mixing: share of steps whose later layers take another latent's w.
        adversarial: weight of the generator's adversarial loss.
        anchor: weight of the regression on the rendered face; 0 for training from scratch.
        score_weight: weight of the scorer's loss on it, where a scorer is given.
        ema: decay a step of the averaged generator.
        warm_discriminator: steps at the start in which the discriminator trains alone.
    """

    images: Count = 112_000
    batch_size: Batch = 16
    lr: Positive = 1e-3
    d_lr: Positive = 1e-3
    settle: Share = 0.3
    d_channels: tuple[Count, ...] | None = (128, 96, 64, 32, 16)
    r1_gamma: Factor = 1.0
    r1_every: Count = 8
    style_mixing: Share = 0.0
    adversarial: Factor = 0.3
    anchor: Factor = 1.0
    score_weight: Factor = 0.5
    ema: Share = 0.998
    warm_discriminator: Annotated[int, Whole(0)] = 200
    seed: Seed = 0
    checkpoint_every: Count = 400
    log_every: Count = 50
    grid_every: Count = 400


FROM_SCRATCH = TrainSettings(
    images=3_000_000,
    batch_size=64,
    lr=2e-3,
    d_lr=2e-3,
    d_channels=None,
    r1_gamma=2.0,
    r1_every=16,
    style_mixing=0.9,
    adversarial=1.0,
    anchor=0.0,
    score_weight=0.0,
    ema=0.9995,
    warm_discriminator=0,
)
"""Settings without pretraining and anchor; meant for an accelerator."""


def train(
    network: GeneratorNetwork,
    settings: TrainSettings,
    out: Path,
    scorer: Callable[[Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] = print,
    stop_after: int | None = None,
) -> tuple[GeneratorNetwork, Discriminator]:
    """Trains the network, or goes on from the checkpoint in `out`.

    Args:
        network: where to start; a checkpoint in `out` replaces its weights.
        out: folder of `train.pt` (both networks, average, optimisers, step), `train.csv` (the log)
            and sample grids `samples-*.png`.
        scorer: differentiable network from images to scores, used where `score_weight` is not 0.
        stop_after: end early at this step, as an interruption would.

    Returns:
        The averaged generator, and the discriminator.

    Raises:
        TrainingError: a loss is no longer finite.
    """
    training = _Adversarial(network, settings, out, scorer, device)
    training.restore()
    return training.run(report, stop_after), training.discriminator


class _Adversarial(Training):
    name = "train"
    columns = (
        "d_loss", "g_loss", "real_scores_mean", "fake_scores_mean", "real_fake_auroc", "r1",
        "anchor", "score",
    )  # fmt: skip

    def __init__(self, network: GeneratorNetwork, settings: TrainSettings, out, scorer, device):
        super().__init__(network, settings, out, device)
        self.scorer, config = scorer, network.config
        channels = settings.d_channels or config.channels
        discriminator = Discriminator(config.resolution, channels, seed=settings.seed)
        self.discriminator = discriminator.to(device)
        rates = {"betas": (0.0, 0.99), "fused": True}
        self.g_optimiser = torch.optim.Adam(self.network.parameters(), lr=settings.lr, **rates)
        self.d_optimiser = torch.optim.Adam(
            self.discriminator.parameters(), lr=settings.d_lr, **rates
        )
        self.weights = feature_weights(config.resolution).to(device)

    @property
    def total(self) -> int:
        return self.settings.images // self.settings.batch_size

    def parts(self) -> dict[str, Any]:
        names = ("network", "average", "discriminator", "g_optimiser", "d_optimiser")
        return {name: getattr(self, name) for name in names}

    def after_step(self) -> None:
        if self.step % self.settings.grid_every == 0:
            images = fixed_samples(self.average, 64, seed=self.settings.seed)
            save_grid(self.out / f"samples-{self.step:07d}.png", images, columns=16)

    def _set_rates(self) -> None:
        settings = self.settings
        share = settled(self.step / (settings.images / settings.batch_size), settings.settle)
        self.g_optimiser.param_groups[0]["lr"] = settings.lr * share
        self.d_optimiser.param_groups[0]["lr"] = settings.d_lr * share

    def advance(self) -> list[float]:
        settings, config = self.settings, self.network.config
        z, label, real = draw_batch(FIRST_STEP + self.step, config, settings, self.device)
        rng = torch.Generator().manual_seed(settings.seed * 1_000_003 - 1 - self.step)
        self._set_rates()
        warming = self.step < settings.warm_discriminator
        with torch.set_grad_enabled(not warming):
            w = self.network.mapping(z, label)["w"]
            styles = mixed_styles(self.network, w, label, settings.style_mixing, rng)
            fake = self.network.synthesis(styles)
        d_loss, r1, real_scores, fake_scores = self._train_discriminator(real, fake.detach())
        g_loss = anchor = score = torch.zeros(())
        if not warming:
            g_loss, anchor, score = self._train_generator(fake, real)
        means = numbers(d_loss, g_loss, real_scores.mean(), fake_scores.mean())
        separation = auroc(real_scores.detach(), fake_scores.detach())
        return [*means, separation, *numbers(r1, anchor, score)]

    def _train_discriminator(self, real: Tensor, fake: Tensor):
        settings = self.settings
        penalise = self.step % settings.r1_every == 0
        real = real.requires_grad_(penalise)
        real_scores, fake_scores = self.discriminator(real), self.discriminator(fake)
        d_loss = d_logistic_loss(real_scores, fake_scores)
        r1 = torch.zeros((), device=self.device)
        if penalise:
            r1 = r1_penalty(real_scores, real, settings.r1_gamma)
        self.d_optimiser.zero_grad()
        (d_loss + settings.r1_every * r1).backward()
        self.d_optimiser.step()
        real.requires_grad_(False)
        return d_loss, r1, real_scores, fake_scores

    def _train_generator(self, fake: Tensor, real: Tensor):
        settings = self.settings
        self.discriminator.requires_grad_(False)
        g_loss = g_logistic_loss(self.discriminator(fake))
        loss, anchor, score = settings.adversarial * g_loss, torch.zeros(()), torch.zeros(())
        if settings.anchor:
            anchor = sum(regression_losses(fake, real, self.weights))
            loss = loss + settings.anchor * anchor
        if settings.score_weight and self.scorer is not None:
            score = score_loss(self.scorer, fake, real)
            loss = loss + settings.score_weight * score
        self.g_optimiser.zero_grad()
        loss.backward()
        self.g_optimiser.step()
        self.discriminator.requires_grad_(True)
        follow(self.average, self.network, settings.ema)
        if not math.isfinite(float(loss.detach())):
            raise TrainingError(
                f"the loss at step {self.step} is not finite; lower lr or raise r1_gamma"
            )
        return g_loss, anchor, score
