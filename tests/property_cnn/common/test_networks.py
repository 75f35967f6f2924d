from __future__ import annotations

import torch

from property_cnn.common.networks import differentiable


class _Doubler:
    @differentiable
    def __call__(self, tensor):
        return 2 * tensor


def test_a_differentiable_method_has_gradients_only_where_they_are_asked_for():
    asked = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad(_Doubler()(asked).sum(), asked)
    assert slope.tolist() == [2.0, 2.0, 2.0]
    assert _Doubler()(torch.ones(3)).is_inference()
    with torch.no_grad():
        assert _Doubler()(asked).is_inference()
