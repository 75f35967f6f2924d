"""Pretrains a generator on the renderer: from (z, label) to the face that they stand for.

Regression on rendered faces, grown progressively (16, 32, 64 pixels) as in Karras et al. (2018),
with the features that matter weighted up. It gives a generator that already knows faces; the
adversarial phase (`stylegan_ft.training.adversarial`) then makes the samples sharp.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import atomic_path
from property_cnn.faces import render_faces
from stylegan_ft.architectures.stylegan1.network import GeneratorConfig, GeneratorNetwork
from stylegan_ft.training.log import TrainingLog
from stylegan_ft.training.population import population_attributes
from stylegan_ft.training.warmup import warm_mapping


@dataclass(frozen=True)
class PretrainSettings:
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

    images: tuple[int, ...] = (64_000, 128_000, 240_000)
    warmup_steps: int = 3000
    fade: float = 0.25
    batch_size: int = 32
    lr: float = 2.5e-3
    final_lr: float = 2e-4
    mapping_lr: float = 20.0
    edge_weight: float = 1.0
    score_weight: float = 0.05
    ema: float = 0.998
    seed: int = 0
    checkpoint_every: int = 400
    log_every: int = 50


LOG_COLUMNS = ("step", "images", "lod", "loss", "pixel", "edge", "score", "seconds")


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
    out.mkdir(parents=True, exist_ok=True)
    network = GeneratorNetwork(config, seed=settings.seed).to(device)
    average = GeneratorNetwork(config, seed=settings.seed).to(device).requires_grad_(False)
    groups = [
        {"params": list(network.mapping.parameters()), "factor": settings.mapping_lr},
        {"params": list(network.synthesis.parameters()), "factor": 1.0},
    ]
    optimiser = torch.optim.Adam(groups, lr=settings.lr, betas=(0.9, 0.99), fused=True)
    step = 0
    checkpoint = out / "pretrain.pt"
    if checkpoint.exists():
        state = load_state(checkpoint, device)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step = state["step"]
    else:
        warmed = warm_mapping(network, settings.warmup_steps, seed=settings.seed)
        average.load_state_dict(network.state_dict())
        report(f"warm-up: {warmed[-1]:.1%} of the attributes' variance left" if warmed else "")
    total = sum(settings.images) // settings.batch_size
    log = TrainingLog(out / "pretrain.csv", LOG_COLUMNS, step)
    started = time.monotonic()
    while step < min(total, stop_after if stop_after is not None else total):
        shown = step * settings.batch_size
        rate, lod = learning_rate(shown, settings), level_of_detail(shown, settings)
        for group in optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        z, label, targets = draw_batch(step, config, settings, device)
        size = config.resolution // 2 ** int(lod)
        targets = F.interpolate(targets, size=(size, size), mode="area")
        images = network(z, label, lod=lod, upsample_output=False)
        pixel, edge = regression_losses(images, targets, feature_weights(size).to(device))
        loss = pixel + settings.edge_weight * edge
        score = torch.zeros((), device=device)
        if scorer is not None and lod < 1.0:
            with torch.no_grad():
                wanted = scorer(targets)
            score = F.smooth_l1_loss(scorer(images), wanted)
            loss = loss + settings.score_weight * score
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        decay = min(settings.ema, step / (step + 10))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(value, 1.0 - decay)
        if step % settings.log_every == 0:
            seconds = time.monotonic() - started
            values = [float(v.detach()) for v in (loss, pixel, edge, score)]
            log.add([step, step * settings.batch_size, lod, *values, round(seconds, 1)])
            report(
                f"pretrain {step:,}/{total:,} lod {lod:.2f} loss {values[0]:.4f} "
                f"score {values[3]:.4f}, {seconds:.0f} s"
            )
        if step % settings.checkpoint_every == 0 or step == total:
            save_state(
                checkpoint,
                network=network.state_dict(),
                average=average.state_dict(),
                optimiser=optimiser.state_dict(),
                step=step,
                settings={k: str(v) for k, v in asdict(settings).items()},
            )
    set_w_average(average, settings.seed)
    return average


def save_state(path: Path, **state) -> None:
    """Writes a training state atomically; it is read back with `weights_only=True`."""
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def load_state(path: Path, device: torch.device | str) -> dict:
    """A training state that `save_state` wrote, on the device.

    Raises:
        CheckpointError: the file is damaged.
    """
    try:
        return torch.load(path, weights_only=True, map_location=device)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(
            f"{path} is damaged; remove it to train from the start of this stage"
        ) from error


@torch.inference_mode()
def set_w_average(network: GeneratorNetwork, seed: int, n: int = 8192) -> None:
    """Sets truncation's mean w from n samples."""
    rng = torch.Generator().manual_seed(seed)
    config = network.config
    z = torch.randn(n, config.z_dim, generator=rng)
    label = torch.randn(n, config.label_dim, generator=rng) if config.label_dim else None
    network.truncation.w_avg.copy_(network.mapping(z, label)["w"].mean(dim=0))
