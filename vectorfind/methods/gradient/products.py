"""Matrix products for training on a CPU, by oneDNN, in float32 or bfloat16.

PyTorch multiplies float32 matrices on a CPU by MKL, which reaches less than half of what some
processors can do; oneDNN, which it uses for convolutions, does not depend on the maker. Some
processors multiply bfloat16 matrices twice as fast, adding up in float32.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from property_cnn.common.devices import choose_device

_QUICK = ("avx512_bf16", "amx_bf16")
"""What a processor that multiplies bfloat16 matrices fast can do, by PyTorch's names."""


def quick_dtype(device: torch.device | str | None = None) -> str:
    """The precision to multiply in: "bfloat16" on a CPU that is fast at it, else "float32"."""
    if choose_device(device).type != "cpu" or not torch.backends.mkldnn.is_available():
        return "float32"
    told = getattr(torch.cpu, "get_capabilities", dict)()
    return "bfloat16" if any(told.get(name) for name in _QUICK) else "float32"


def tanh_layer(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    kept: Tensor | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """tanh(x weight^T + bias) * kept, with gradients of x, weight and bias.

    Args:
        x: (B, d) of float32 or `dtype`.
        weight, bias: (h, d) and (h,) of float32.
        kept: (B, h) factor of each unit; None for 1.
        dtype: that products and their gradients are taken in; all else is float32.

    Returns:
        (B, h) float32.
    """
    return _TanhLayer.apply(x, weight, bias, kept, dtype)


class _TanhLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, x: Tensor, weight: Tensor, bias: Tensor, kept: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        x, weight = x.to(dtype), weight.to(dtype)
        # tanh by its sigmoid: PyTorch's own takes ten times as long on a CPU.
        y = _product(x, weight).add_(bias).mul_(2).sigmoid_().mul_(2).sub_(1)
        ctx.save_for_backward(x, weight, y, kept)
        return y if kept is None else y * kept

    @staticmethod
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y, kept = ctx.saved_tensors
        slope = slope if kept is None else slope * kept
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
