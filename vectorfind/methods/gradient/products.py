"""Matrix products for training on a CPU, by oneDNN, in float32 or bfloat16.

PyTorch multiplies float32 matrices on a CPU by MKL, which reaches less than half of what some
processors can do; oneDNN, which it uses for convolutions, does not depend on the maker. Some
processors multiply bfloat16 matrices twice as fast, adding up in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def tanh_layer(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    factors: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """tanh(x weight^T + bias) * factors, with gradients of x, weight and bias.

    Args:
        x: (B, d) of float32 or `dtype`.
        weight, bias: (h, d) and (h,) of float32.
        factors: (B, h) factor of each unit; None for 1.
        dtype: that products and their gradients are taken in; all else is float32.

    Returns:
        (B, h) float32.
    """
    return _TanhLayer.apply(x, weight, bias, factors, dtype)


class _TanhLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, x: Tensor, weight: Tensor, bias: Tensor, factors: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        x, weight = x.to(dtype), weight.to(dtype)
        # tanh by its sigmoid: PyTorch's own takes ten times as long on a CPU.
        y = _product(x, weight).add_(bias).mul_(2).sigmoid_().mul_(2).sub_(1)
        ctx.save_for_backward(x, weight, y, factors)
        return y if factors is None else y * factors

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y, factors = ctx.saved_tensors
        slope = slope if factors is None else slope * factors
        slope = torch.addcmul(slope, slope, y.square(), value=-1)  # tanh' = 1 - tanh^2
        halved = slope.to(x.dtype)
        of_x, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            _product(halved, weight.t()) if of_x else None,
            _product(halved.t(), x.t()) if of_weight else None,
            slope.sum(0) if of_bias else None,
            None,
            None,
        )


def _product(a: Tensor, b: Tensor) -> Tensor:
    """a b^T as float32; bfloat16 matrices PyTorch multiplies by oneDNN itself."""
    if a.dtype == torch.float32 and a.device.type == "cpu" and torch.backends.mkldnn.is_available():
        return F.linear(a.to_mkldnn(), b.to_mkldnn()).to_dense()
    return F.linear(a, b).float()
