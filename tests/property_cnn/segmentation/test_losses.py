"""The mask losses: closed forms, and the collapse of the single-channel KL."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from property_cnn.common.errors import InputError
from property_cnn.segmentation.losses import (
    MASK_LOSSES,
    kl_bernoulli,
    kl_single,
    mask_loss,
    mse,
    soft_bce,
)

MASKS = torch.rand(2, 1, 6, 5, generator=torch.Generator().manual_seed(0))
LOGITS = torch.randn(2, 1, 6, 5, generator=torch.Generator().manual_seed(1))


def entropy(mask):
    return -(torch.xlogy(mask, mask) + torch.xlogy(1 - mask, 1 - mask)).mean()


def test_soft_bce_of_known_answers():
    assert soft_bce(torch.zeros(1, 1, 4, 4), MASKS[:1, :, :4, :4]).item() == pytest.approx(
        math.log(2)
    )
    perfect = soft_bce(torch.logit(MASKS), MASKS)
    assert perfect.item() == pytest.approx(entropy(MASKS).item(), rel=1e-5)


def test_mse_is_that_of_probabilities():
    assert mse(torch.logit(MASKS), MASKS).item() == pytest.approx(0, abs=1e-12)
    assert mse(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)).item() == pytest.approx(0.25)


def test_kl_bernoulli_is_the_cross_entropy_less_the_entropy():
    expected = soft_bce(LOGITS, MASKS) - entropy(MASKS)
    torch.testing.assert_close(kl_bernoulli(LOGITS, MASKS), expected)
    assert kl_bernoulli(torch.logit(MASKS), MASKS).item() == pytest.approx(0, abs=1e-6)
    assert kl_bernoulli(LOGITS, MASKS) > 0


def test_kl_single_is_pytorchs_and_falls_towards_all_hair():
    expected = F.kl_div(LOGITS.sigmoid().log(), MASKS, reduction="none").mean()
    torch.testing.assert_close(kl_single(LOGITS, MASKS), expected)
    right, everything = torch.logit(MASKS), torch.full_like(MASKS, 20.0)
    assert kl_single(everything, MASKS) < kl_single(right, MASKS)  # the mask is not the minimum
    assert kl_bernoulli(everything, MASKS) > kl_bernoulli(right, MASKS)
    logits = LOGITS.clone().requires_grad_()
    kl_single(logits, MASKS).backward()
    assert (logits.grad < 0).all()  # every pixel is pushed towards hair


@pytest.mark.parametrize("name", MASK_LOSSES)
def test_masks_of_zeros_and_ones_give_finite_losses_and_gradients(name):
    logits = LOGITS.clone().mul(30).requires_grad_()
    loss = mask_loss(name)(logits, (MASKS > 0.5).float())
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("name", ["soft-bce", "mse", "kl-bernoulli"])
def test_label_maps_are_one_hot_targets(name):
    logits = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(2))
    labels = torch.randint(0, 4, (2, 3, 3), generator=torch.Generator().manual_seed(3))
    soft = F.one_hot(labels, 4).movedim(-1, 1).float()
    torch.testing.assert_close(mask_loss(name)(logits, labels), mask_loss(name)(logits, soft))
    ignored = labels.clone()
    ignored[1] = 255
    torch.testing.assert_close(
        mask_loss(name)(logits, ignored), mask_loss(name)(logits[:1], labels[:1])
    )


@pytest.mark.parametrize("name", ["soft-bce", "mse", "kl-bernoulli"])
def test_a_batch_without_any_label_has_no_loss_and_no_gradient(name):
    logits = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(2)).requires_grad_()
    loss = mask_loss(name)(logits, torch.full((2, 3, 3), 255))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_label_maps_are_meant_over_the_pixels_that_count():
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0]]).log_softmax(dim=1)
    labels = torch.tensor([[0, 255], [255, 2]])
    maps = logits[[0, 1, 0, 1]].T.reshape(1, 3, 2, 2)
    expected = -(logits[0, 0] + logits[1, 2]) / 2
    torch.testing.assert_close(soft_bce(maps, labels[None]), expected)
    torch.testing.assert_close(soft_bce(maps, labels[None].byte()), expected)


def test_two_classes_are_one_channel():
    two = torch.cat([torch.zeros_like(LOGITS), LOGITS], dim=1)
    soft = torch.cat([1 - MASKS, MASKS], dim=1)
    for loss in (soft_bce, mse, kl_bernoulli):
        torch.testing.assert_close(loss(two, soft), loss(LOGITS, MASKS))


def test_unknown_losses_and_wrong_channels_are_refused():
    with pytest.raises(InputError, match="soft-bce, mse, kl-single, kl-bernoulli"):
        mask_loss("kl")
    with pytest.raises(InputError, match="one channel"):
        kl_single(torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2))
