"""Rolled squares show what they should, and points find back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import ScorerError
from property_cnn.landmarks.crops import (
    CROP,
    OUTSIDE,
    Squares,
    cut,
    face_squares,
    in_picture,
    landmark_squares,
    squared,
)
from property_cnn.landmarks.measures import EYE_CORNERS


def square(x, y, side, degrees=0.0):
    turn = np.radians(degrees)
    along = [[side * np.cos(turn), side * np.sin(turn)]]
    return Squares(torch.tensor([[x, y]], dtype=torch.float32), torch.tensor(along).float())


def places(side):
    """A picture whose colours are x and y."""
    at = (torch.arange(side) + 0.5) / side
    x, y = at.expand(side, side), at[:, None].expand(side, side)
    return torch.stack([x, y, torch.zeros(side, side)])[None]


@pytest.mark.parametrize("side", [8, 32, 64])
@pytest.mark.parametrize("degrees", [0.0, 30.0, -100.0])
def test_a_crops_pixels_are_where_points_of_it_find_back(side, degrees):
    squares = square(0.45, 0.55, 0.4, degrees)
    crop = cut(places(96), squares, side)[0, :2]
    at = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(at, at, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1).reshape(1, -1, 3)
    back = in_picture(points, squares)[0]
    np.testing.assert_allclose(crop.reshape(2, -1).T, back[:, :2], atol=1e-4)
    np.testing.assert_allclose(back[:, 2], 0.4, atol=1e-6)  # depths are in the picture's unit


def test_rolled_clockwise_the_squares_right_is_lower():
    back = in_picture(torch.tensor([[[1.0, 0.5, 0.0]]]), square(0.5, 0.5, 0.4, 30.0))[0, 0]
    assert back.tolist() == pytest.approx([0.5 + 0.2 * np.cos(np.pi / 6), 0.6, 0.0])


def test_what_is_too_fine_becomes_its_mean():
    checks = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).repeat(64, 64).expand(2, 3, -1, -1)
    near, whole = square(0.5, 0.5, 0.125), square(0.5, 0.5, 0.9)
    both = (torch.cat([near.middle, whole.middle]), torch.cat([near.along, whole.along]))
    close, far = cut(checks, Squares(*both), 16)
    assert close.abs().min() > 0.99  # 16 pixels of 16
    assert far[:, 1:-1, 1:-1].abs().max() < 0.2


def test_beyond_the_picture_it_is_black():
    crop = cut(torch.ones(1, 3, 32, 32), square(0.0, 0.5, 0.5), 16)[0]
    assert (crop[:, :, :7] == OUTSIDE).all()
    assert (crop[:, :, 9:] == 1).all()
    assert (cut(torch.ones(1, 3, 8, 8), square(9.0, 9.0, 100.0), 16) <= 1).all()


def test_what_is_not_square_gets_black_below_or_at_the_right():
    wide, high = squared(torch.ones(1, 3, 4, 6)), squared(torch.ones(1, 3, 6, 4))
    assert wide.shape == high.shape == (1, 3, 6, 6)
    assert (wide[:, :, 4:] == OUTSIDE).all()
    assert (high[..., 4:] == OUTSIDE).all()
    assert wide.sum() == 3 * (24 - 12)
    for shape in ((3, 8, 8), (1, 1, 8, 8), (1, 3, 0, 8)):
        with pytest.raises(ScorerError, match="images are"):
            squared(torch.zeros(shape))


def test_a_faces_square_is_level_with_its_eyes():
    boxes = torch.tensor([[0.2, 0.3, 0.6, 0.5], [0.2, 0.3, 0.6, 0.5]])
    points = torch.zeros(2, 6, 2)
    points[0, :2] = torch.tensor([[0.3, 0.3], [0.4, 0.4]])
    squares = face_squares(boxes, points)
    np.testing.assert_allclose(squares.middle, [[0.4, 0.4]] * 2)
    half = CROP * 0.4 * np.sqrt(0.5)
    np.testing.assert_allclose(squares.along, [[half, half], [CROP * 0.4, 0]], atol=1e-6)


def test_a_square_around_landmarks_turns_and_moves_with_them():
    points = torch.rand(1, 468, 2, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.4
    points[0, list(EYE_CORNERS)] = torch.tensor([[0.45, 0.5], [0.55, 0.5]])
    points[0, :4] = torch.tensor([[0.3, 0.4], [0.6, 0.45], [0.5, 0.4], [0.5, 0.6]])
    squares = landmark_squares(points)
    np.testing.assert_allclose(squares.middle, [[0.45, 0.5]], atol=1e-3)
    np.testing.assert_allclose(squares.along, [[CROP * 0.3, 0]], atol=1e-3)
    turn = torch.deg2rad(torch.tensor(40.0))
    roll = torch.tensor([[turn.cos(), -turn.sin()], [turn.sin(), turn.cos()]])
    moved = landmark_squares(2 * points @ roll.T + 0.1)
    torch.testing.assert_close(moved.middle, 2 * squares.middle @ roll.T + 0.1)
    torch.testing.assert_close(moved.along, 2 * squares.along @ roll.T)
