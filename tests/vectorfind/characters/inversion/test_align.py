"""Faces cut out of pictures: where FFHQ's formula puts them, level, padded at the borders."""

import numpy as np
import pytest

from property_cnn.common.errors import InputError
from property_cnn.landmarks.measures import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE
from vectorfind.characters.inversion.align import FaceSquare, cut_face, face_square, square_of


def points_of(left, right, mouth):
    """(468, 3) landmarks with these middles of eyes and mouth; all others far away."""
    points = np.full((468, 3), 1e6)
    for where, places in ((left, LEFT_EYE), (right, RIGHT_EYE), (mouth, MOUTH_CORNERS)):
        offsets = np.linspace(-3, 3, len(places))
        for offset, place in zip(offsets, places, strict=True):
            points[place] = [where[0] + offset, where[1] - offset, 0]
    return points


def turned(point, degrees, about):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]]) @ (np.asarray(point, float) - about) + about


def test_an_upright_face_s_square():
    # eyes 100 apart, mouth 120 below: half a side is 1.8 * 120 = 216 > 2 * 100
    square = face_square(points_of((200, 300), (300, 300), (250, 420)))
    np.testing.assert_allclose(square.middle, [250, 300 + 0.1 * 120])
    np.testing.assert_allclose(square.right, [216, 0], atol=1e-9)
    np.testing.assert_allclose(square.corners, [[34, 96], [34, 528], [466, 528], [466, 96]])


def test_the_distance_of_the_eyes_counts_where_it_is_larger():
    square = square_of(*map(np.array, ([0.0, 0], [100.0, 0], [50.0, 100])))
    assert square.side == pytest.approx(2 * 2.0 * 100)


@pytest.mark.parametrize("degrees", [-170, -30, 20, 90])
def test_a_rolled_face_has_a_rolled_square(degrees):
    places = ((200, 300), (300, 300), (260, 420))  # turned to the side, too
    about = np.array([10.0, 20.0])
    level = square_of(*(np.array(p, float) for p in places))
    rolled = square_of(*(turned(p, degrees, about) for p in places))
    corners = [turned(corner, degrees, about) for corner in level.corners]
    np.testing.assert_allclose(rolled.corners, corners, atol=1e-9)


def test_landmarks_in_one_place_are_refused():
    with pytest.raises(InputError, match="all in one place"):
        square_of(np.ones(2), np.ones(2), np.ones(2))


def blobs(places, side=400):
    y, x = np.mgrid[:side, :side] + 0.5
    grey = sum(255 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 72) for a, b in places)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def brightest(pixels, low, high):
    part = pixels[..., 0].astype(float).copy()
    part[:, : int(low)], part[:, int(high) :] = 0, 0
    rows, columns = np.mgrid[: len(part), : len(part)] + 0.5
    return np.array([(part * columns).sum(), (part * rows).sum()]) / part.sum()


@pytest.mark.parametrize(("size", "degrees"), [(64, 0), (64, 25), (300, -40)])
def test_points_land_where_the_square_says(size, degrees):
    middle = np.array([210.0, 190.0])
    eyes = [turned(p, degrees, middle) for p in ((180, 180), (240, 180))]
    mouth = turned((210, 250), degrees, middle)
    square = square_of(*eyes, mouth)
    face = cut_face(blobs(eyes), square, size)
    assert face.shape == (size, size, 3)
    for eye, half in zip(eyes, ((0, size / 2), (size / 2, size)), strict=True):
        axes = np.stack([square.right, square.down])
        wanted = ((eye - square.middle) @ axes.T / (square.side / 2) ** 2 + 1) / 2 * size
        np.testing.assert_allclose(brightest(face, *half), wanted, atol=0.6)


def test_a_large_picture_is_shrunk_without_aliasing():
    stripes = np.zeros((1600, 1600, 3), np.uint8)
    stripes[:, ::2] = 255
    face = cut_face(stripes, FaceSquare(np.array([800.0, 800]), np.array([512.0, 0])), 64)
    assert np.abs(face.astype(int) - 127).max() <= 2


def test_beyond_the_border_the_picture_goes_on_mirrored_and_fades():
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 200, axis=0).repeat(3, axis=2)
    face = cut_face(ramp, FaceSquare(np.array([20.0, 100]), np.array([80.0, 0])), 160)
    row = face[80, :, 0].astype(int)  # x of the picture is 60 to the left
    np.testing.assert_allclose(row[75:], np.arange(15, 100), atol=3)
    assert row[50] == pytest.approx(10, abs=8)  # ten beyond the border as ten before it
    assert (face[..., 0] > 0).mean() > 0.9  # nothing black outside


def test_a_face_that_is_mostly_outside_is_refused():
    with pytest.raises(InputError, match="outside the picture"):
        cut_face(blobs([(9, 9)]), FaceSquare(np.array([-900.0, 0]), np.array([100.0, 0])), 64)


def test_a_tiny_picture_is_cut_too():
    face = cut_face(np.full((1, 3, 3), 9, np.uint8), FaceSquare(np.ones(2), np.array([2.0, 0])), 8)
    assert (face == 9).all()
