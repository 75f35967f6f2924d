"""Losses of adversarial training: non-saturating logistic, and the R1 gradient penalty."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def d_logistic_loss(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """Mean of softplus(-real) plus mean of softplus(fake) (Goodfellow et al., 2014); scalar.

    Args:
        real_scores, fake_scores: the discriminator's logits, any shape.
    """
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def g_logistic_loss(fake_scores: Tensor) -> Tensor:
    """Mean of softplus(-fake), the non-saturating loss of the generator; scalar."""
    return F.softplus(-fake_scores).mean()


def r1_penalty(real_scores: Tensor, real_images: Tensor, gamma: float = 10.0) -> Tensor:
    """`gamma / 2` times the mean squared norm of the scores' gradient by the real images; scalar.

    From Mescheder et al., "Which Training Methods for GANs do actually Converge?" (2018). It can
    be differentiated again.

    Args:
        real_scores: one score a row, made from `real_images`.
        real_images: (N, ...) with `requires_grad` set before the scores were made.
    """
    (gradient,) = torch.autograd.grad(real_scores.sum(), real_images, create_graph=True)
    return 0.5 * gamma * gradient.square().flatten(1).sum(dim=1).mean()
