"""Adversarial training of a generator: logistic loss, lazy R1, moving average, style mixing.

Losses as in StyleGAN (Karras et al., 2019): non-saturating logistic with R1 (Mescheder et al.,
2018) every few steps. The data are the renderer's faces. From scratch nothing else teaches the
generator; after `stylegan_ft.training.pretraining` an anchor holds each latent near the face that
it stands for, while the discriminator asks for sharpness.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from stylegan_ft.architectures.stylegan1.discriminator import Discriminator
from stylegan_ft.architectures.stylegan1.network import GeneratorConfig, GeneratorNetwork
from stylegan_ft.training.log import TrainingLog
from stylegan_ft.training.losses import d_logistic_loss, g_logistic_loss, r1_penalty
from stylegan_ft.training.pretraining import (
    draw_batch,
    feature_weights,
    load_state,
    regression_losses,
    save_state,
    set_w_average,
)
from stylegan_ft.training.samples import fixed_samples, save_grid

LOG_COLUMNS = (
    "step", "images", "d_loss", "g_loss", "real_scores_mean", "fake_scores_mean",
    "real_fake_auroc", "r1", "anchor", "score", "seconds",
)  # fmt: skip

FIRST_STEP = 500_000
"""Number of the first batch, so that the faces are not those of pretraining again."""


@dataclass(frozen=True)
class TrainSettings:
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

    images: int = 112_000
    batch_size: int = 16
    lr: float = 1e-3
    d_lr: float = 1e-3
    settle: float = 0.3
    d_channels: tuple[int, ...] | None = (128, 96, 64, 32, 16)
    r1_gamma: float = 1.0
    r1_every: int = 8
    style_mixing: float = 0.0
    adversarial: float = 0.3
    anchor: float = 1.0
    score_weight: float = 0.5
    ema: float = 0.998
    warm_discriminator: int = 200
    seed: int = 0
    checkpoint_every: int = 400
    log_every: int = 50
    grid_every: int = 400


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


def auroc(positive: Tensor, negative: Tensor) -> float:
    """Share of (positive, negative) pairs in which the positive is larger; ties count half."""
    difference = positive.flatten()[:, None] - negative.flatten()[None, :]
    return float(((difference > 0).float() + 0.5 * (difference == 0).float()).mean())


def mixed_styles(
    network: GeneratorNetwork,
    w: Tensor,
    label: Tensor | None,
    share: float,
    rng: torch.Generator,
) -> Tensor:
    """Styles (N, layers, w_dim) of w (N, w_dim), in a share of the calls with another latent's w
    from some layer on (style mixing, Karras et al., 2019).
    """
    layers = network.truncation.layers
    styles = w[:, None].expand(-1, layers, -1)
    if not share or torch.rand((), generator=rng) >= share:
        return styles
    z = torch.randn(len(w), network.config.z_dim, generator=rng).to(w)
    second = network.mapping(z, label)["w"][:, None].expand_as(styles)
    first = int(torch.randint(1, layers, (), generator=rng))
    return torch.cat([styles[:, :first], second[:, first:]], dim=1)


def train(
    network: GeneratorNetwork,
    settings: TrainSettings,
    out: Path,
    scorer: Callable[[Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] = print,
    stop_after: int | None = None,
) -> GeneratorNetwork:
    """Trains the network, or goes on from the checkpoint in `out`; returns the averaged generator.

    Args:
        network: where to start; a checkpoint in `out` replaces its weights.
        out: folder of `train.pt` (both networks, average, optimisers, step), `train.csv` (the log,
            `LOG_COLUMNS`) and sample grids `samples-*.png`.
        scorer: differentiable network from images to scores, used where `score_weight` is not 0.
        stop_after: end early at this step, as an interruption would.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = _State(network, settings, out, torch.device(device))
    total = settings.images // settings.batch_size
    log = TrainingLog(out / "train.csv", LOG_COLUMNS, state.step)
    started = time.monotonic()
    while state.step < min(total, stop_after if stop_after is not None else total):
        values = state.advance(scorer)
        if state.step % settings.log_every == 0:
            seconds = round(time.monotonic() - started, 1)
            log.add([state.step, state.step * settings.batch_size, *values, seconds])
            named = zip(LOG_COLUMNS[2:], values, strict=False)
            report(
                f"train {state.step:,}/{total:,} "
                + " ".join(f"{name} {value:.4f}" for name, value in named)
                + f", {seconds:.0f} s"
            )
        if state.step % settings.checkpoint_every == 0 or state.step == total:
            state.save()
        if state.step % settings.grid_every == 0:
            images = fixed_samples(state.average, 64, seed=settings.seed)
            save_grid(out / f"samples-{state.step:07d}.png", images, columns=16)
    set_w_average(state.average, settings.seed)
    return state.average


def trained_discriminator(
    out: Path, config: GeneratorConfig, settings: TrainSettings
) -> Discriminator:
    """The discriminator in the checkpoint of a training.

    Args:
        out, settings: those that `train` was given; config: its network's.

    Raises:
        CheckpointError: the checkpoint is damaged or of another training.
    """
    network = _new_discriminator(config, settings)
    try:
        network.load_state_dict(load_state(out / "train.pt", "cpu")["discriminator"])
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{out} holds another training; choose another folder") from error
    return network


def _new_discriminator(config: GeneratorConfig, settings: TrainSettings) -> Discriminator:
    channels = settings.d_channels or config.channels
    return Discriminator(config.resolution, channels, seed=settings.seed)


class _State:
    """Networks, optimisers and step of a run; a step depends on them and on (seed, step) alone."""

    def __init__(self, network, settings: TrainSettings, out: Path, device: torch.device):
        self.settings, self.device, self.path = settings, device, out / "train.pt"
        self.network = network.to(device).requires_grad_(True)
        self.average = copy.deepcopy(network).requires_grad_(False)
        config = network.config
        self.discriminator = _new_discriminator(config, settings).to(device)
        rates = {"betas": (0.0, 0.99), "fused": True}
        self.g_optimiser = torch.optim.Adam(self.network.parameters(), lr=settings.lr, **rates)
        self.d_optimiser = torch.optim.Adam(
            self.discriminator.parameters(), lr=settings.d_lr, **rates
        )
        self.weights = feature_weights(config.resolution).to(device)
        self.step = 0
        if self.path.exists():
            self._restore()

    def _parts(self) -> dict:
        names = ("network", "average", "discriminator", "g_optimiser", "d_optimiser")
        return {name: getattr(self, name) for name in names}

    def _restore(self) -> None:
        state = load_state(self.path, self.device)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step = state["step"]

    def _set_rates(self) -> None:
        settings, total = self.settings, self.settings.images / self.settings.batch_size
        share = min(1.0, (1.0 - self.step / total) / settings.settle) if settings.settle else 1.0
        self.g_optimiser.param_groups[0]["lr"] = settings.lr * share
        self.d_optimiser.param_groups[0]["lr"] = settings.d_lr * share

    def save(self) -> None:
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        settings = {name: str(value) for name, value in asdict(self.settings).items()}
        save_state(self.path, step=self.step, settings=settings, **parts)

    def advance(self, scorer) -> list[float]:
        """One step of both networks; the logged values, `LOG_COLUMNS` from `d_loss` to `score`."""
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
            g_loss, anchor, score = self._train_generator(fake, real, scorer)
        self.step += 1
        values = [d_loss, g_loss, real_scores.mean(), fake_scores.mean()]
        numbers = [float(value.detach()) for value in values]
        numbers.append(auroc(real_scores.detach(), fake_scores.detach()))
        return numbers + [float(value.detach()) for value in (r1, anchor, score)]

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

    def _train_generator(self, fake: Tensor, real: Tensor, scorer):
        settings = self.settings
        self.discriminator.requires_grad_(False)
        g_loss = g_logistic_loss(self.discriminator(fake))
        loss, anchor, score = settings.adversarial * g_loss, torch.zeros(()), torch.zeros(())
        if settings.anchor:
            anchor = sum(regression_losses(fake, real, self.weights))
            loss = loss + settings.anchor * anchor
        if settings.score_weight and scorer is not None:
            with torch.no_grad():
                wanted = scorer(real)
            score = F.smooth_l1_loss(scorer(fake), wanted)
            loss = loss + settings.score_weight * score
        self.g_optimiser.zero_grad()
        loss.backward()
        self.g_optimiser.step()
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.network.parameters(), strict=True)
            for mean, value in pairs:
                mean.lerp_(value, 1.0 - settings.ema)
        if not math.isfinite(float(loss.detach())):
            raise FloatingPointError(
                f"the loss at step {self.step} is not finite; lower lr or raise r1_gamma, "
                f"then go on from {self.path}"
            )
        return g_loss, anchor, score
