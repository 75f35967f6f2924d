"""The dye: what its three parameters do on a known mask, and what it leaves alone."""

from __future__ import annotations

import colorsys

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.hair.ombre import LUMA, dye_weights, ombre, sharpened

TOP, END, SIDE = 10, 50, 64  # hair from row 10 to row 49


def mask(value=1.0):
    drawn = torch.zeros(1, 1, SIDE, SIDE)
    drawn[..., TOP:END, 20:44] = value
    return drawn


def noisy(n=1, seed=0):
    return torch.rand(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) * 1.6 - 0.8


def hue(pixel):
    return colorsys.rgb_to_hsv(*((pixel + 1) / 2).tolist())[0]


def test_the_mask_is_sharpened():
    given = torch.tensor([0.0, 0.5, 0.75, 0.875, 1.0]).view(1, 1, 1, 5)
    assert sharpened(given).flatten().tolist() == [0, 0, 0, 0.5, 1]


@pytest.mark.parametrize("height", [0.25, 0.5, 1.0])
def test_the_lowest_share_of_the_hair_is_dyed(height):
    images = noisy()
    dyed = ombre(images, mask(), 0.5, height, 0.0)
    first = END - round(height * (END - TOP))
    changed = (dyed != images).any(dim=1)[0]
    assert torch.equal(changed.any(dim=1).nonzero().flatten(), torch.arange(first, END))
    assert changed[first:END, 20:44].all()
    assert torch.equal(dyed[:, :, :first], images[:, :, :first])  # to the bit
    assert torch.equal(dyed[..., :20], images[..., :20])
    assert torch.equal(dyed[:, :, END:], images[:, :, END:])


def test_no_height_dyes_nothing():
    images = noisy()
    assert torch.equal(ombre(images, mask(), 0.5, 0.0, 0.5), images)


def test_weights_rise_linearly_over_the_gradient_rows():
    weights = dye_weights(mask(), 0.8, 0.5)[0, 0, :, 30]  # 32 rows dyed, 16 of them gradient
    expected = torch.zeros(SIDE)
    expected[18:34] = (torch.arange(16) + 0.5) / 16
    expected[34:END] = 1
    torch.testing.assert_close(weights, expected)
    assert dye_weights(mask(), 0.8, 0.0)[0, 0, 18:END, 30].tolist() == [1.0] * 32
    last = dye_weights(mask(), 1.0, 1.0)[0, 0, TOP:END, 30]
    torch.testing.assert_close(last, (torch.arange(40) + 0.5) / 40)


def test_even_hair_changes_linearly_over_the_gradient():
    images = torch.full((1, 3, SIDE, SIDE), -0.3)
    change = (ombre(images, mask(), 0.1, 0.8, 0.5) - images)[0, :, :, 30]
    whole = change[:, END - 1 : END]
    torch.testing.assert_close(change[:, 18:34], whole * (torch.arange(16) + 0.5) / 16)


def test_soft_masks_are_dyed_softly():
    images = torch.full((1, 3, SIDE, SIDE), -0.3)
    full = ombre(images, mask(), 0.5, 1.0, 0.0) - images
    half = ombre(images, mask(0.875), 0.5, 1.0, 0.0) - images
    torch.testing.assert_close(half, full / 2, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("color", [0.0, 0.1, 0.25, 0.5, 0.7, 0.9, 1.0])
def test_the_hue_is_the_one_asked_for(color):
    dyed = ombre(noisy(), mask(), color, 1.0, 0.0)[0, :, TOP:END, 20:44].flatten(1).T
    for pixel in dyed[::37].double():
        difference = abs(hue(pixel) - color)
        assert min(difference, 1 - difference) < 2e-3


def test_red_is_at_both_ends():
    images = noisy()
    assert torch.equal(ombre(images, mask(), 0.0, 1, 0.3), ombre(images, mask(), 1.0, 1, 0.3))


def test_light_strands_stay_lighter_and_dark_hair_is_brightened():
    luma = torch.tensor(LUMA).view(1, 3, 1, 1)
    images = torch.linspace(-0.95, -0.5, SIDE).expand(1, 3, SIDE, SIDE)
    before = ((images + 1) / 2 * luma).sum(1)[0, 30, 20:44]
    after = ((ombre(images, mask(), 0.5, 1, 0) + 1) / 2 * luma).sum(1)[0, 30, 20:44]
    assert (after.diff() > 0).all()
    assert after.mean() > before.mean() + 0.1
    assert after.max() < 0.95


def test_a_picture_does_not_depend_on_its_batch():
    images, masks = noisy(3), torch.cat([mask(), mask(0.9), mask()])
    whole = ombre(images, masks, 0.3, 0.7, 0.5)
    alone = [ombre(images[i : i + 1], masks[i : i + 1], 0.3, 0.7, 0.5) for i in range(3)]
    assert torch.equal(whole, torch.cat(alone))
    assert torch.equal(whole, ombre(images, masks[:, 0], 0.3, 0.7, 0.5))
    assert -1 <= whole.min() <= whole.max() <= 1


def test_an_image_without_hair_is_left_with_a_warning():
    images = noisy(2)
    masks = torch.cat([mask(0.7), mask()])
    with pytest.warns(UserWarning, match="no hair in image 0: left"):
        dyed = ombre(images, masks, 0.5, 1.0, 0.5)
    assert torch.equal(dyed[0], images[0])
    assert not torch.equal(dyed[1], images[1])


@pytest.mark.parametrize("name", ["color", "ombre_height", "ombre_grad_height"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_parameters_outside_their_range_are_refused(name, value):
    given = {"color": 0.5, "ombre_height": 0.5, "ombre_grad_height": 0.5} | {name: value}
    with pytest.raises(InputError, match=f"{name} .*from 0 to 1"):
        ombre(noisy(), mask(), **given)


def test_masks_of_another_shape_are_refused():
    for shape in ((2, 1, SIDE, SIDE), (1, 1, 32, 32), (1, 2, SIDE, SIDE), (SIDE, SIDE)):
        with pytest.raises(InputError, match="mask"):
            ombre(noisy(), torch.ones(shape), 0.5, 0.5, 0.5)
    with pytest.raises(InputError, match="images are"):
        ombre(noisy()[0], mask(), 0.5, 0.5, 0.5)
