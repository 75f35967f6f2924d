"""Conditional truncation: styles are drawn towards the mean w of their label's own cell.

Method of Dobler et al., "Art Creation with Multi-Conditional StyleGANs" (2022): the mean over all
labels would pull every image to the same face, the label's own mean keeps what the label says.
A cell is the signs of a label's numbers, so L numbers have 2^L cells.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOVING = 0.995
"""Decay of the moving averages, a batch."""


def cells_of(label: Tensor) -> Tensor:
    """Cell (N,) of each label (N, L): bit k is set where number k is at least 0."""
    bits = 2 ** torch.arange(label.shape[1], device=label.device)
    return ((label >= 0).long() * bits).sum(dim=1)


class ConditionalTruncation(nn.Module):
    """Mean w of each cell of labels, and truncation towards it.

    Args:
        label_dim: numbers of a label, at least 1.
        w_avg: (w_dim,) the mean over all labels, which every cell starts from.
    """

    def __init__(self, label_dim: int, w_avg: Tensor):
        super().__init__()
        self.register_buffer("cells", w_avg.detach().clone().repeat(2**label_dim, 1))

    @torch.no_grad()
    def update(self, w: Tensor, label: Tensor) -> None:
        """Moves each cell's mean towards that of its rows of w (N, w_dim)."""
        w = w.detach().float()
        member = nn.functional.one_hot(cells_of(label), len(self.cells)).to(w)  # (N, cells)
        counts = member.sum(dim=0)[:, None]
        means = member.T @ w / counts.clamp(min=1.0)
        moved = torch.lerp(means, self.cells, MOVING)
        self.cells.copy_(torch.where(counts > 0, moved, self.cells))

    def forward(self, w: Tensor, label: Tensor, psi: float) -> Tensor:
        """w (N, w_dim) drawn towards the means of the labels' cells; psi 1 leaves it."""
        return w if psi == 1.0 else torch.lerp(self.cells[cells_of(label)].to(w), w, psi)
