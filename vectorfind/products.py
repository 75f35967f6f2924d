"""Matrix products for training on a CPU, by oneDNN.

PyTorch multiplies float32 matrices on a CPU by MKL, which reaches less than half of what some
processors can do; oneDNN, which it uses for convolutions, does not depend on the maker.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(B, d) and (h, d), (h,) -> x weight^T + bias (B, h), as `torch.nn.functional.linear`."""
    if x.device.type != "cpu" or not torch.backends.mkldnn.is_available() or len(weight) == 1:
        return F.linear(x, weight, bias)
    return _Product.apply(x, weight) + bias


class _Product(torch.autograd.Function):
    """x (B, d) and weight (h, d) -> x weight^T (B, h), with its gradients."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight)

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        of_x, of_weight = ctx.needs_input_grad
        return (
            _product(slope, weight.t()) if of_x else None,
            _product(slope.t(), x.t()) if of_weight else None,
        )


def _product(a: Tensor, b: Tensor) -> Tensor:
    return F.linear(a.to_mkldnn(), b.to_mkldnn()).to_dense()
