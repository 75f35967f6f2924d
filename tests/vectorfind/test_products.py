"""Products by oneDNN: PyTorch's own values and gradients, the same bytes every time."""

import pytest
import torch
from torch.nn import functional as F

from vectorfind.products import linear


def tensors(inputs, outputs, rows):
    rng = torch.Generator().manual_seed(0)
    shapes = ((rows, inputs), (outputs, inputs), (outputs,))
    return [torch.randn(shape, generator=rng).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("size", [(7, 5, 3), (64, 33, 20), (16, 1, 8), (5, 4, 1)])
def test_values_and_gradients_are_those_of_pytorch(size):
    ours, theirs = tensors(*size), tensors(*size)
    results = [linear(*ours), F.linear(*theirs)]
    assert torch.allclose(*results, atol=1e-5)
    for result in results:
        (result**2).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_inputs_that_need_no_gradient_get_none():
    x, weight, bias = tensors(6, 4, 3)
    x = x.detach()
    linear(x, weight, bias).sum().backward()
    assert x.grad is None
    assert torch.allclose(weight.grad, x.sum(0).expand(4, 6), atol=1e-5)


def test_the_same_bytes_every_time():
    values = [linear(*tensors(40, 30, 20)).detach().numpy().tobytes() for _ in range(3)]
    assert len(set(values)) == 1
