"""One batch of adversarial fine-tuning: D, then G, each repeated while it falls behind the other.

Losses as in StyleGAN (Karras et al., 2019): non-saturating logistic, R1 every few steps of D.
A batch depends on the state and on (seed, number of the batch) alone, so a run that was stopped
goes on to the same numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from property_cnn.common.devices import autocast
from property_cnn.common.training_state import parts_state, restore_parts
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork, mixed_styles
from stylegan_ft.finetune.data import RealImages
from stylegan_ft.finetune.property_discriminator import PropertyDiscriminator
from stylegan_ft.finetune.settings import FinetuneSettings, Variant
from stylegan_ft.finetune.start import trained_parameters
from stylegan_ft.finetune.truncation import ConditionalTruncation
from stylegan_ft.training.loop import follow, settled
from stylegan_ft.training.losses import d_logistic_loss, g_logistic_loss, r1_penalty
from stylegan_ft.training.measures import auroc


@dataclass(frozen=True)
class BatchValues:
    """What one batch gave.

    Attributes:
        d_loss, g_loss: of the last step of each; no g_loss while D trains alone.
        d_steps, g_steps: how often each was trained.
        real_scores, fake_scores: logits (N,) of the last step of D.
    """

    d_loss: float
    g_loss: float | None
    d_steps: int
    g_steps: int
    real_scores: Tensor
    fake_scores: Tensor


class Trainer:
    """Networks, optimisers and position of a run.

    Args:
        generator, discriminator: as `stylegan_ft.finetune.start` makes them.
        variant, settings: what and how to train.
        device: where to.

    Attributes:
        average: the moving average of the generator.
        truncation: mean w of each cell of labels, where the variant uses them.
        batches: batches done.
    """

    def __init__(
        self,
        generator: GeneratorNetwork,
        discriminator: nn.Module,
        variant: Variant,
        settings: FinetuneSettings,
        device: torch.device,
    ):
        self.variant, self.settings, self.device = variant, settings, device
        self.generator = generator.to(device)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.discriminator = discriminator.to(device).train()
        self.truncation = None
        if variant.psi != 1.0:
            cells = ConditionalTruncation(generator.config.label_dim, generator.truncation.w_avg)
            self.truncation = cells.to(device)
        self.g_optimiser, self.d_optimiser = self._optimisers()
        self.batches = self.d_steps = 0
        self.last_g_loss = float("inf")  # D does not repeat before G has a loss

    def _optimisers(self) -> tuple[torch.optim.Adam, torch.optim.Adam]:
        settings, rates = self.settings, {"betas": (0.0, 0.99), "fused": True}
        mapping = trained_parameters(self.generator.mapping)
        groups = [{"params": mapping, "lr": settings.lr * settings.mapping_lr}]
        synthesis = trained_parameters(self.generator.synthesis)
        if synthesis:
            groups.append({"params": synthesis, "lr": settings.lr})
        judges = trained_parameters(self.discriminator)
        g_optimiser = torch.optim.Adam(groups, **rates)
        d_optimiser = torch.optim.Adam(judges, lr=settings.d_lr, **rates)
        self._rates = [
            [group["lr"] for group in optimiser.param_groups]
            for optimiser in (g_optimiser, d_optimiser)
        ]
        self._d_parameters = judges
        return g_optimiser, d_optimiser

    def state(self) -> dict:
        """All that a checkpoint needs."""
        numbers = ("batches", "d_steps", "last_g_loss")
        return {**parts_state(self._parts()), **{name: getattr(self, name) for name in numbers}}

    def restore(self, state: dict) -> None:
        """Goes on from `state()`."""
        restore_parts(self._parts(), state)
        self.batches, self.d_steps = state["batches"], state["d_steps"]
        self.last_g_loss = state["last_g_loss"]

    def _parts(self) -> dict:
        names = ["generator", "average", "discriminator", "g_optimiser", "d_optimiser"]
        if self.truncation is not None:
            names.append("truncation")
        return {name: getattr(self, name) for name in names}

    def train_batch(self, data: RealImages) -> BatchValues:
        """Trains D, then G, on the next batch; repeats of D see other real images."""
        settings = self.settings
        per_epoch = len(data) // settings.batch_size
        epoch, idx = divmod(self.batches, per_epoch)
        rows = data.rows(epoch, idx, settings.batch_size, settings.seed)
        real, label = data.batch(rows, self.device)
        rng = torch.Generator().manual_seed(settings.seed * 1_000_003 + self.batches)
        self._set_rates()
        warming = self.batches < settings.warm_discriminator
        with torch.set_grad_enabled(not warming):
            fake, fake_label = self._fakes(data, rng)
        for d_steps in range(1, settings.repeats + 1):
            if d_steps > 1:
                rows = torch.randint(len(data), (settings.batch_size,), generator=rng)
                real, label = data.batch(rows, self.device)
                with torch.no_grad():
                    others, other_label = self._fakes(data, rng)
            else:
                others, other_label = fake.detach(), fake_label
            d_loss, real_scores, fake_scores = self._d_step(real, label, others, other_label)
            if not (warming or d_loss >= settings.d_factor * self.last_g_loss):
                break
        g_steps = 0
        while not warming and g_steps < settings.repeats:
            if g_steps:
                fake, fake_label = self._fakes(data, rng)
            self.last_g_loss = self._g_step(fake, fake_label)
            g_steps += 1
            if not self.last_g_loss >= settings.g_factor * d_loss:
                break
        self.batches += 1
        g_loss = None if warming else self.last_g_loss
        return BatchValues(d_loss, g_loss, d_steps, g_steps, real_scores, fake_scores)

    def _set_rates(self) -> None:
        share = settled(self.batches / self.settings.batches, self.settings.settle)
        for optimiser, rates in zip((self.g_optimiser, self.d_optimiser), self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share

    def _fakes(self, data: RealImages, rng: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """Images of fresh latents, and their labels: the data's own, or N(0, I)."""
        config, n = self.generator.config, self.settings.batch_size
        z = torch.randn(n, config.z_dim, generator=rng).to(self.device)
        label = None
        if self.variant.labels:
            picked = torch.randint(len(data), (n,), generator=rng)
            label = data.labels[picked].to(self.device)
        elif config.label_dim:
            label = torch.randn(n, config.label_dim, generator=rng).to(self.device)
        w = self.generator.mapping(z, label)["w"]
        if self.truncation is not None:
            self.truncation.update(w, label)
            w = self.truncation(w, label, self.variant.psi)
        with autocast(self.device, self.settings.dtype):
            styles = mixed_styles(self.generator, w, label, self.settings.style_mixing, rng)
            images = self.generator.synthesis(styles)
        return images.float(), label if self.variant.labels else None

    def _d_step(
        self, real: Tensor, label: Tensor, fake: Tensor, fake_label: Tensor | None
    ) -> tuple[float, Tensor, Tensor]:
        settings = self.settings
        self._freeze_body()
        penalise = self.d_steps % settings.r1_every == 0
        real = real.detach().requires_grad_(penalise)
        own = label if self.variant.labels else None
        with autocast(self.device, "float32" if penalise else settings.dtype):
            real_scores, properties = self._judge(real, own)
            fake_scores, _ = self._judge(fake, fake_label)
        real_scores, fake_scores = real_scores.float(), fake_scores.float()
        d_loss = d_logistic_loss(real_scores, fake_scores)
        loss = d_loss
        if self.variant.through_scorer:
            loss = loss + settings.property_weight * F.mse_loss(properties.float(), label)
        if penalise:
            loss = loss + settings.r1_every * r1_penalty(real_scores, real, settings.r1_gamma)
        self.d_optimiser.zero_grad()
        loss.backward()
        self.d_optimiser.step()
        self.d_steps += 1
        return float(d_loss.detach()), real_scores.detach(), fake_scores.detach()

    def _freeze_body(self) -> None:
        """Of a generator trained through the property CNN: as it is at first, trained later."""
        if self.variant.through_scorer:
            frozen = self.batches < self.settings.frozen * self.settings.batches
            self.discriminator.body.requires_grad_(not frozen)

    def _judge(self, images: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if isinstance(self.discriminator, PropertyDiscriminator):
            return self.discriminator.judge(images, label)
        return self.discriminator(images, label), None

    def _g_step(self, fake: Tensor, label: Tensor | None) -> float:
        for parameter in self._d_parameters:
            parameter.requires_grad_(False)
        with autocast(self.device, self.settings.dtype):
            scores, properties = self._judge(fake, label)
        g_loss = g_logistic_loss(scores.float())
        loss = g_loss
        if self.variant.through_scorer:
            loss = loss + self.settings.property_weight * F.mse_loss(properties.float(), label)
        self.g_optimiser.zero_grad()
        loss.backward()
        self.g_optimiser.step()
        for parameter in self._d_parameters:
            parameter.requires_grad_(True)
        follow(self.average, self.generator, self.settings.ema)
        return float(g_loss.detach())


def mean_values(since: Sequence[BatchValues]) -> list[float | None]:
    """Losses, steps of D and G, and logits, as means over batches; last the AUROC of all logits."""
    real = torch.cat([values.real_scores for values in since])
    fake = torch.cat([values.fake_scores for values in since])
    means = []
    for name in ("d_loss", "g_loss", "d_steps", "g_steps"):
        known = [
            value for value in (getattr(values, name) for values in since) if value is not None
        ]
        means.append(sum(known) / len(known) if known else None)
    return [*means, float(real.mean()), float(fake.mean()), auroc(real, fake)]
