"""Losses of masks: what the student's answer is compared with the soft mask by.

Every one takes logits, as sigmoids and softmaxes of them are compared more exactly than their
probabilities. With one channel m is the probability of hair; with C > 1 channels the targets are
the probabilities of C exclusive classes, or label maps (N, H, W) of class numbers, where 255
marks pixels that do not count. All are means over pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from property_cnn.common.checks import choose
from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import IGNORED, LOSSES


def soft_bce(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with a soft mask: -m log p - (1 - m) log(1 - p), or -Σ m_c log p_c."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, target)
    if target.ndim == 3:
        summed = F.cross_entropy(logits, target.long(), ignore_index=IGNORED, reduction="sum")
        return summed / (target != IGNORED).sum().clamp_min(1)
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()


def mse(logits: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of probabilities, over pixels and channels."""
    if logits.shape[1] == 1:
        return F.mse_loss(logits.sigmoid(), target)
    target, counted = _soft(logits, target)
    squared = (logits.softmax(dim=1) - target).square().mean(dim=1)
    return (squared * counted).sum() / counted.sum().clamp_min(1)


def kl_single(logits: Tensor, target: Tensor) -> Tensor:
    """`KLDivLoss(log p, m)` on the one channel: m log(m / p), the reference system's loss.

    It lacks the term of 1 - m, so that p = 1 everywhere minimises it whatever the mask: a
    student that is trained with it learns to say "hair". Kept to show that.
    """
    if logits.shape[1] != 1:
        raise InputError(f"kl-single is for one channel, not {logits.shape[1]}; use kl-bernoulli")
    return F.kl_div(F.logsigmoid(logits), target, reduction="none").mean()


def kl_bernoulli(logits: Tensor, target: Tensor) -> Tensor:
    """KL divergence of whole distributions: m log(m/p) + (1 - m) log((1 - m)/(1 - p)), or
    Σ m_c log(m_c / p_c). It is the cross-entropy less the target's own entropy.
    """
    if logits.shape[1] == 1:
        positive = F.kl_div(F.logsigmoid(logits), target, reduction="none").mean()
        return positive + F.kl_div(F.logsigmoid(-logits), 1 - target, reduction="none").mean()
    target, counted = _soft(logits, target)
    divergence = F.kl_div(logits.log_softmax(dim=1), target, reduction="none").sum(dim=1)
    return (divergence * counted).sum() / counted.sum().clamp_min(1)


MASK_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = dict(
    zip(LOSSES, (soft_bce, mse, kl_single, kl_bernoulli), strict=True)
)
"""The losses by the names that settings and commands use."""


def mask_loss(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of that name: (logits (N, C, H, W), target) -> a scalar.

    Raises:
        InputError: there is no such loss.
    """
    return MASK_LOSSES[choose("loss", name, LOSSES)]


def _soft(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Targets as probabilities (N, C, H, W), and which pixels (N, H, W) count."""
    if target.ndim == 4:
        return target, torch.ones_like(target[:, 0])
    counted = target != IGNORED
    labels = target.long().masked_fill(~counted, 0)
    return F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(logits.dtype), counted.float()
