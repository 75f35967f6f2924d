"""Layers by oneDNN: PyTorch's own values and gradients, the same bytes every time."""

import pytest
import torch
from torch.nn import functional as F

from vectorfind.methods.gradient.products import tanh_layer

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])


def tensors(inputs, outputs, rows):
    rng = torch.Generator().manual_seed(0)
    shapes = ((rows, inputs), (outputs, inputs), (outputs,))
    return [(0.3 * torch.randn(shape, generator=rng)).requires_grad_() for shape in shapes]


def factors(outputs, rows):
    return torch.rand(rows, outputs, generator=torch.Generator().manual_seed(1)) * 2


@pytest.mark.parametrize("size", [(7, 5, 3), (64, 33, 20), (16, 1, 8), (5, 4, 1)])
@pytest.mark.parametrize("drop", [False, True])
def test_values_and_gradients_are_those_of_pytorch(size, drop):
    ours, theirs = tensors(*size), tensors(*size)
    kept = factors(*size[1:]) if drop else None
    exact = torch.tanh(F.linear(*theirs)) * (kept if drop else 1)
    results = [tanh_layer(*ours, kept), exact]
    assert torch.allclose(*results, atol=1e-6)
    for result in results:
        (result**2).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_bfloat16_rounds_what_is_multiplied_and_nothing_else():
    ours, theirs = tensors(64, 33, 20), tensors(64, 33, 20)
    result, exact = tanh_layer(*ours, None, torch.bfloat16), tanh_layer(*theirs)
    assert result.dtype == torch.float32
    assert 1e-5 < (result - exact).abs().max() < 0.02
    for values in (result, exact):
        values.sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad.dtype == torch.float32
        assert (one.grad - other.grad).abs().max() < 0.02 * other.grad.abs().max()


def test_vectors_in_bfloat16_are_as_good_as_those_that_will_be_rounded():
    x, weight, bias = tensors(16, 8, 4)
    halved = x.detach().bfloat16()
    given = [tanh_layer(x, weight, bias, None, torch.bfloat16) for x in (halved, halved.float())]
    assert torch.equal(*given)


@BOTH
def test_inputs_that_need_no_gradient_get_none(dtype):
    x, weight, bias = tensors(6, 4, 3)
    x = x.detach()
    tanh_layer(x, weight, bias, None, dtype).sum().backward()
    assert x.grad is None
    assert weight.grad.shape == (4, 6)


@BOTH
def test_the_same_bytes_every_time(dtype):
    values = []
    for _ in range(3):
        given = tensors(40, 30, 20)
        result = tanh_layer(*given, factors(30, 20), dtype)
        result.square().sum().backward()
        found = (result, *(tensor.grad for tensor in given))
        values.append(b"".join(tensor.detach().numpy().tobytes() for tensor in found))
    assert len(set(values)) == 1
