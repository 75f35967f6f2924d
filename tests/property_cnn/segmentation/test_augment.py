"""Random crops: pixels and labels stay together, and a stream fixes all of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from property_cnn.common.streams import CROPS, random_stream
from property_cnn.segmentation.augment import random_crop
from property_cnn.segmentation.settings import ScheduleSettings
from tests.property_cnn.segmentation.shapes import PALETTE, painted, shapes

SETTINGS = ScheduleSettings(height=48, width=40, photometric=False)
PLAIN = replace(SETTINGS, scales=(1.0, 1.0), flip=False)


def crop(picture, labels, settings, key=0):
    return random_crop(picture, labels, settings, random_stream(0, CROPS, key))


def blocks(height, width):
    """Labels in squares of 16 pixels, so that none is lost where the image is made smaller."""
    drawn = np.random.default_rng(1).integers(0, 4, (14, 6)).astype(np.uint8)
    return np.kron(drawn, np.ones((16, 16), np.uint8))[:height, :width]


def inner(labels, radius):
    """Where all labels around a pixel are its own, so that interpolation mixes no two colours."""
    padded = np.pad(labels, radius, constant_values=254)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1,) * 2)
    return (windows == labels[..., None, None]).all(axis=(2, 3))


@pytest.mark.parametrize("scales", [(0.5, 2.0), (0.3, 0.4), (3.0, 4.0), (1.0, 1.0)], ids=str)
@pytest.mark.parametrize("size", [(32, 32), (64, 90), (48, 40), (200, 40)], ids=str)
def test_the_colours_of_a_crop_tell_its_labels(size, scales):
    labels = blocks(*size)
    settings, seen = replace(SETTINGS, scales=scales), 0
    for key in range(12):
        pixels, found = crop(painted(labels), labels, settings, key)
        assert pixels.shape == (48, 40, 3)
        assert found.shape == (48, 40)
        assert pixels.dtype == found.dtype == np.uint8
        assert set(np.unique(found)) <= {0, 1, 2, 3, 255}
        known = inner(found, 1 + math.ceil(scales[1])) & (found != 255)
        assert np.array_equal(pixels[known], np.array(PALETTE, np.uint8)[found[known]])
        assert not pixels[found == 255].any()  # black, and nothing of the picture
        assert pixels[found != 255].any(axis=1).all()
        seen += known.sum()
    assert seen > 100


def test_what_lies_beyond_a_small_image_is_black_and_ignored():
    picture, labels = np.full((20, 30, 3), 200, np.uint8), np.full((20, 30), 2, np.uint8)
    places = set()
    for key in range(40):
        pixels, found = crop(picture, labels, PLAIN, key)
        rows, columns = np.nonzero(found == 2)
        assert len(rows) == 20 * 30
        assert (np.ptp(rows), np.ptp(columns)) == (19, 29)
        assert np.array_equal(pixels, 200 * (found == 2)[..., None].repeat(3, axis=2))
        assert set(np.unique(found)) == {2, 255}
        places.add((rows[0], columns[0]))
    assert {row for row, _ in places} <= set(range(29))
    assert {column for _, column in places} <= set(range(11))
    assert len(places) > 20


def test_a_crop_without_changes_is_a_window_of_the_image_and_every_window_is_possible():
    rows, columns = np.mgrid[:52, :44].astype(np.uint8)
    picture, labels = np.stack([rows, columns, rows], axis=2), rows
    corners = set()
    for key in range(200):
        pixels, found = crop(picture, labels, PLAIN, key)
        top, left = found[0, 0], pixels[0, 0, 1]
        corners.add((int(top), int(left)))
        assert np.abs(found.astype(int) - rows[top : top + 48, :40]).max() <= 1
        assert np.abs(pixels[..., 1].astype(int) - columns[:48, left : left + 40]).max() <= 1
    assert {top for top, _ in corners} == set(range(5))
    assert {left for _, left in corners} == set(range(5))


def test_scales_lie_between_the_least_and_the_largest():
    labels = np.zeros((100, 100), np.uint8)
    shown = []
    for key in range(60):
        settings = replace(SETTINGS, height=200, width=200, scales=(0.5, 1.5))
        found = crop(painted(labels), labels, settings, key)[1]
        height, width = np.ptp(np.nonzero(found == 0), axis=1) + 1
        assert abs(height - width) <= 1
        shown.append(height)
    assert 50 <= min(shown) < 60
    assert 140 < max(shown) <= 150


def test_half_of_the_crops_are_mirrored_in_pixels_and_labels():
    labels = np.zeros((48, 40), np.uint8)
    labels[:, 20:] = 3
    mirrored = []
    for key in range(100):
        pixels, found = crop(painted(labels), labels, replace(PLAIN, flip=True), key)
        assert np.array_equal(pixels, painted(found))
        mirrored.append(found[0, 0] == 3)
        assert np.array_equal(found, labels[:, ::-1] if mirrored[-1] else labels)
    assert 35 <= sum(mirrored) <= 65
    assert not any(crop(painted(labels), labels, PLAIN, key)[1][0, 0] for key in range(20))


def test_a_stream_gives_the_same_crop_and_another_another():
    labels = np.tile(shapes(1)[0], (3, 3))
    picture, settings = painted(labels, noise=40), replace(SETTINGS, photometric=True)
    first, second = crop(picture, labels, settings), crop(picture, labels, settings)
    assert all(map(np.array_equal, first, second))
    assert not np.array_equal(first[0], crop(picture, labels, settings, 1)[0])


def test_other_light_leaves_labels_alone_and_lies_within_its_bounds():
    labels = np.tile(shapes(1)[0], (3, 3))
    picture = painted(labels, noise=20)
    lit, changed = replace(SETTINGS, photometric=True), 0
    for key in range(40):
        plain, first = crop(picture, labels, SETTINGS, key)
        pixels, second = crop(picture, labels, lit, key)
        assert np.array_equal(first, second)
        assert not pixels[second == 255].any()  # what is beyond stays black
        changed += not np.array_equal(plain, pixels)
    assert 28 <= changed < 40  # fifteen in sixteen have one change or more


def test_the_image_itself_is_left_alone():
    labels = shapes(1)[0]
    picture = painted(labels)
    before = picture.copy(), labels.copy()
    for key in range(5):
        pixels, found = crop(picture, labels, replace(SETTINGS, photometric=True), key)
        pixels[:], found[:] = 7, 7
    assert np.array_equal(picture, before[0])
    assert np.array_equal(labels, before[1])
