"""Distances of images: zero for the same, in the units that they are told in."""

import pytest
import torch

from tests.vectorfind.characters.inversion.conftest import noise
from vectorfind.characters.inversion.losses import (
    SIDES,
    landmark_distance,
    landmark_shifts,
    perceptual_distance,
    pixel_distance,
    pyramid,
)


def test_a_pyramid_ends_at_eight_pixels():
    assert [level.shape[-1] for level in pyramid(torch.zeros(1, 3, 64, 64))] == [64, 32, 16, 8]
    assert len(pyramid(torch.zeros(1, 3, 9, 9))) == 1


def test_pixels_differ_by_the_mean_square_at_each_level():
    images = noise(2, 3, 16, 16, seed=0)
    levels, others = pyramid(images), pyramid(images[:1] + 0.5)
    assert pixel_distance(levels, others)[0].item() == pytest.approx(0.25)
    fine = torch.ones(1, 3, 16, 16)
    fine[..., ::2] = -1  # vanishes when it is halved
    flat = torch.zeros(1, 3, 16, 16)
    assert pixel_distance(pyramid(fine), pyramid(flat)).item() == pytest.approx(0.5)


def test_activations_count_by_their_direction_alone():
    maps = [noise(1, 4, 5, 5, seed=1), noise(1, 2, 3, 3, seed=2)]
    assert perceptual_distance(maps, [3 * m for m in maps]).item() == pytest.approx(0, abs=1e-5)
    assert perceptual_distance(maps, [-m for m in maps]).item() == pytest.approx(4, abs=1e-4)


def test_landmarks_are_in_widths_of_the_face():
    points = torch.zeros(1, 468, 2)
    points[0, SIDES[1], 0] = 0.5  # the face is half a picture wide
    moved = points + torch.tensor([0.03, 0.04])
    assert landmark_shifts(moved, points).allclose(torch.tensor(0.1))
    assert landmark_distance(moved, points).item() == pytest.approx(1.0, rel=1e-4)
    same = points.clone().requires_grad_()
    landmark_distance(same, points).sum().backward()
    assert same.grad.isfinite().all()  # where nothing is apart, too
