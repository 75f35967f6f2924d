"""The property CNN: crops, shapes, sizes, and what its outputs depend on."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import CROPS, HEADS, NetworkSettings
from property_cnn.properties import PROPERTIES


def network(**settings):
    torch.manual_seed(0)
    return PropertyCNN(NetworkSettings(**{"resolution": 32, "width": 4, "features": 6, **settings}))


def random_images(n, size, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("eyes", (24, 36), (16, 48)),
        ("mouth", (40, 52), (24, 40)),
        ("pose", (28, 40), (22, 42)),
        ("hair_length", (32, 64), (0, 64)),
        ("background", (0, 32), (0, 64)),
        ("hair_color", (0, 64), (0, 64)),
        ("hairstyle_left", (32, 64), (0, 24)),
        ("hairstyle_right", (32, 64), (40, 64)),
    ],
)
def test_crops_of_a_64_pixel_image(name, rows, columns):
    images = random_images(1, 64)
    expected = images[:, :, rows[0] : rows[1], columns[0] : columns[1]]
    assert torch.equal(CROPS[name].of(images), expected)


def test_heads_give_every_property_once():
    assert sorted(sum(HEADS.values(), ())) == sorted(PROPERTIES)


@pytest.mark.parametrize("size", [32, 50, 64, 256])
def test_images_of_any_size_get_eight_scores(size):
    model = network().eval()
    images = random_images(2, size)
    assert model(images).shape == (2, 8)
    assert model.features(images).shape == (2, 7 * 6)


def test_a_larger_image_of_the_same_picture_scores_alike():
    model = network().eval()
    images = random_images(2, 32)
    enlarged = images.repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(model(enlarged), model(images), atol=1e-4, rtol=1e-4)


def test_a_network_for_larger_images_is_deeper():
    small, large = network(resolution=64), network(resolution=256)
    assert len(large.branches["mouth"].layers) > len(small.branches["mouth"].layers)
    assert large.branches["mouth"].outputs == small.branches["mouth"].outputs


@pytest.mark.parametrize("head", HEADS)
def test_a_head_depends_on_its_own_crops_only(head):
    model = network().eval()
    images = random_images(1, 32).requires_grad_()
    columns = [PROPERTIES.index(name) for name in HEADS[head]]
    model(images)[:, columns].sum().backward()
    seen = torch.zeros(1, 3, 32, 32)
    for name, crop in CROPS.items():
        if name == head or name.rpartition("_")[0] == head:
            crop.of(seen).fill_(1)
    assert torch.count_nonzero(images.grad * (1 - seen)) == 0
    assert torch.count_nonzero(images.grad) > 0


def test_normalisation_is_stored_with_the_weights_and_undone():
    model = network()
    model.score_mean.copy_(torch.arange(8.0))
    model.score_std.copy_(torch.arange(1.0, 9.0))
    assert {"score_mean", "score_std"} <= set(model.state_dict())
    scores = torch.ones(2, 8)
    raw = model.denormalise(scores)
    assert raw[0].tolist() == [1, 3, 5, 7, 9, 11, 13, 15]
    torch.testing.assert_close(model.normalise(raw), scores)


@pytest.mark.parametrize("wrong", [{"resolution": 40}, {"resolution": 0}, {"width": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(InputError):
        NetworkSettings(**wrong)
