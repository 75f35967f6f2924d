"""What the spread of weights tells of how they are scaled, since it hardly changes in training."""

from __future__ import annotations

import math

from torch import Tensor

TELLING = ("synthesis.layer1.weight", "mapping.dense0.weight", "layer1.weight")
"""Weights whose spread tells."""

SURE = 1 / 3
"""Of the way, in powers, between the spreads that two settings start from: there each is told."""


def scale_of(weight: Tensor, gain: float) -> float:
    """What weight scaling multiplies a weight (O, I, …) by, but for the multiplier."""
    return gain / math.sqrt(weight[0].numel())


def told_scaling(weight: Tensor | None, gain: float) -> dict[str, bool]:
    """`use_wscale`, where it is told: convolutions start from N(0, 1), or else from the scale."""
    spread = _spread(weight)
    if not spread:
        return {}
    way = math.log(spread) / math.log(scale_of(weight, gain))
    return {"use_wscale": way < SURE} if way < SURE or way > 1 - SURE else {}


def told_multiplier(weight: Tensor | None, wscale: bool, gain: float) -> dict[str, float]:
    """`mapping_lr_mul`, where 0.01 or 1 is told: dense layers start from N(0, 1 / lr_mul²), without
    weight scaling multiplied by their scale.
    """
    spread = _spread(weight)
    if not spread:
        return {}
    way = math.log(spread if wscale else spread / scale_of(weight, gain), 100.0)
    told = 1.0 if way < SURE else 0.01 if way > 1 - SURE else None
    return {} if told is None else {"mapping_lr_mul": told}


def _spread(weight: Tensor | None) -> float:
    """Standard deviation of a weight; 0 where its numbers are not there."""
    if weight is None or weight.is_meta or weight.ndim < 2 or weight.numel() < 8:
        return 0.0
    spread = float(weight.float().std())
    return spread if math.isfinite(spread) else 0.0
