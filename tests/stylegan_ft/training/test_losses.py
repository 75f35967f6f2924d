"""Adversarial losses against their closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from stylegan_ft.training.losses import d_logistic_loss, g_logistic_loss, r1_penalty


def test_losses_of_undecided_scores_are_log_two():
    zero = torch.zeros(5)
    assert float(d_logistic_loss(zero, zero)) == pytest.approx(2 * math.log(2))
    assert float(g_logistic_loss(zero)) == pytest.approx(math.log(2))


def test_losses_are_minus_the_log_of_the_probability_of_the_right_answer():
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 3.0])
    right = torch.log(torch.sigmoid(real)).mean() + torch.log(1 - torch.sigmoid(fake)).mean()
    torch.testing.assert_close(d_logistic_loss(real, fake), -right)
    torch.testing.assert_close(g_logistic_loss(fake), -torch.log(torch.sigmoid(fake)).mean())


def test_losses_stay_finite_at_large_scores():
    far = torch.tensor([1e4])
    assert float(d_logistic_loss(far, -far)) == 0.0
    assert float(g_logistic_loss(-far)) == 1e4


def test_r1_of_a_linear_discriminator_is_its_squared_norm():
    weights = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)  # squared norm 14
    images = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    penalty = r1_penalty(images @ weights, images, gamma=6.0)
    assert float(penalty.detach()) == pytest.approx(42.0)
    penalty.backward()
    torch.testing.assert_close(weights.grad, 6.0 * weights.detach())


def test_r1_of_a_quadratic_discriminator_is_the_mean_over_images():
    images = torch.tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True)
    penalty = r1_penalty(images.square().sum(dim=1), images, gamma=2.0)
    assert float(penalty.detach()) == pytest.approx((4 * 5 + 4 * 9) / 2)
