"""The student: its five maps, its sizes, its probabilities, and the shortcut in its decoder."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from property_cnn.common.errors import InputError
from property_cnn.segmentation.networks.effisegnet import EffiSegNet, GhostModule, new_student
from property_cnn.segmentation.settings import StudentSettings
from tests.property_cnn.conftest import TINY_STUDENT


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_b0_gives_the_five_maps_of_efficientnet_b0(images):
    network = new_student().eval()
    assert network.feature_channels == (16, 24, 40, 112, 320)
    with torch.inference_mode():
        shapes = [tuple(maps.shape[1:]) for maps in network.features(images)]
        masks = network(images)
    assert shapes == [(16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    assert masks.shape == (2, 1, 64, 64)
    assert 0 <= masks.min() <= masks.max() <= 1
    assert 3.8e6 < sum(weights.numel() for weights in network.parameters()) < 4.0e6


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (75, 131), (224, 224)])
def test_any_size_is_answered_in_that_size(size):
    network = new_student(TINY_STUDENT).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, *size)).shape == (1, 1, *size)


def test_several_classes_are_exclusive(images):
    network = new_student(StudentSettings(width=0.25, depth=0.2, channels=8, classes=5)).eval()
    with torch.inference_mode():
        answer = network(images)
    assert answer.shape == (2, 5, 64, 64)
    torch.testing.assert_close(answer.sum(dim=1), torch.ones(2, 64, 64))


def test_the_decoder_is_the_sum_of_maps_enlarged_to_full_size(images):
    network = new_student(TINY_STUDENT)
    for _ in range(3):
        network.logits(images)  # so that the normalisations differ from the identity
    network.eval()
    with torch.inference_mode():
        full = sum(
            F.interpolate(project(maps), (64, 64), mode="nearest")
            for project, maps in zip(network.project, network.features(images), strict=True)
        )
        expected = network.head(network.ghost2(network.ghost1(network.norm(full))))
        torch.testing.assert_close(network.logits(images), expected, atol=1e-4, rtol=1e-4)


def test_ghost_modules_double_their_primary_maps():
    module = GhostModule(6, 8).eval()
    maps = torch.rand(1, 6, 4, 4)
    assert module(maps).shape == (1, 8, 4, 4)
    torch.testing.assert_close(module(maps)[:, :4], module.primary(maps))
    assert module(maps, (8, 8)).shape == (1, 8, 8, 8)


def test_the_seed_fixes_the_weights_and_leaves_the_global_generator():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first, second = new_student(TINY_STUDENT, 1), new_student(TINY_STUDENT, 1)
    assert torch.equal(torch.rand(3), expected)
    other = new_student(TINY_STUDENT, 2)
    assert torch.equal(first.head.weight, second.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_normalisations_remember_more_than_the_last_batch():
    network = EffiSegNet(TINY_STUDENT)
    assert {m.momentum for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.1}


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 31, 64)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(InputError, match="at least 32"):
        new_student(TINY_STUDENT).logits(torch.zeros(shape))


def test_wrong_settings_are_refused():
    for wrong in ({"channels": 7}, {"classes": 0}, {"width": 0.0}):
        with pytest.raises(InputError):
            StudentSettings(**wrong)
