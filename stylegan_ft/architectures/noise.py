"""The noise that synthesis adds to its maps: the stored one, none, or another drawn from a seed.

A fixed noise for all images is what the originals call `noise_mode="const"` or
`randomize_noise=False`: without it no edit could be told from chance.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from property_cnn.common.errors import InputError

CONST, NONE = "const", "none"
"""The noise that the file has; none."""

STORED = ("noise", "noise_const")
"""Last parts of the names of stored noise."""


def check_noise(given: str) -> str:
    """The name of a noise as it is kept.

    Raises:
        InputError: neither "const", "none" nor a seed.
    """
    text = str(given).lower()
    if text not in (CONST, NONE) and not (text.isdecimal() and int(text) < 2**63):
        raise InputError(f"noise {given}: it must be {CONST}, {NONE} or a seed, a whole number")
    return text


def with_noise(state: Mapping[str, Tensor], noise: str) -> dict[str, Tensor]:
    """Weights with another noise.

    Args:
        state: of any of our networks, by name.
        noise: see `check_noise`. A seed draws normal noise as strong, by its root mean square, as
            the stored one of each layer.
    """
    noise = check_noise(noise)
    if noise == CONST:
        return dict(state)
    changed = dict(state)
    names = sorted(name for name in state if name.rpartition(".")[2] in STORED)
    random = None if noise == NONE else torch.Generator().manual_seed(int(noise))
    for name in names:
        stored = state[name]
        if random is None or stored.is_meta:
            changed[name] = torch.zeros_like(stored)
        else:
            drawn = torch.randn(stored.shape, generator=random)
            changed[name] = (drawn * stored.float().square().mean().sqrt()).to(stored.dtype)
    return changed
