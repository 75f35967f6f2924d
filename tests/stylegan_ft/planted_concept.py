"""Tiny images in which the four attributes are planted, and settings that learn them quickly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from stylegan_ft.concept.classifiers import save_classifiers
from stylegan_ft.concept.network import Member
from stylegan_ft.concept.settings import CONCEPT, EnsembleSettings, MemberSettings

NETWORK = MemberSettings(side=16, widths=(4, 8))
TINY = EnsembleSettings(folds=2, epochs=12, batch_size=16, lr=1e-2, dropout=0.1, network=NETWORK)


def planted(n: int = 160, seed: int = 0) -> tuple[Tensor, np.ndarray]:
    """Images (n, 3, 16, 16) uint8 of noise; each attribute lights a band of rows of its own."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, len(CONCEPT))).astype(np.float32)
    images = rng.integers(60, 140, (n, 3, 16, 16))
    for column in range(len(CONCEPT)):
        images[:, :, 4 * column : 4 * column + 4] += (50 * labels[:, column]).astype(int)[
            :, None, None, None
        ]
    return torch.from_numpy(images.astype(np.uint8)), labels


def random_members(seed: int = 0, folds: int = 2) -> dict[str, list[Member]]:
    """Folded members with weights of no meaning."""
    rng = torch.Generator().manual_seed(seed)
    members = {}
    for name in CONCEPT:
        members[name] = [Member(NETWORK, folded=True).eval() for _ in range(folds)]
        for member in members[name]:
            for weights in member.parameters():
                weights.data = torch.randn(weights.shape, generator=rng).half().float() * 0.25
    return members


def write_classifiers(path, seed: int = 0) -> None:
    """A file of classifiers with weights of no meaning."""
    save_classifiers(path, random_members(seed))
