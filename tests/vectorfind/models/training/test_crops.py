"""Boxes of known points, and properties that others make up."""

from __future__ import annotations

import numpy as np
import pytest

from vectorfind.models.training.crops import MARGIN, boxes_of, made_of

READ_FROM = {"left_eye": (0, 1), "right_eye": (2, 3), "eyes": (0, 1, 2, 3)}


def points_of(shift=0.0):
    """200 images of four points, of which one image's are elsewhere."""
    corners = np.array([[0.2, 0.4], [0.4, 0.5], [0.6, 0.4], [0.7, 0.5]]) + np.array([shift, 0])
    points = np.repeat(corners[None], 200, axis=0)
    points[7] = 0.95
    return points


def test_a_box_holds_its_points_and_a_margin():
    box = boxes_of(points_of(), READ_FROM)["left_eye"]
    wide, high = 0.2 * MARGIN, 0.1 * MARGIN
    wanted = (0.4 - high, 0.5 + high, 0.2 - wide, 0.4 + wide)
    assert tuple(box) == pytest.approx(wanted)


def test_boxes_of_mirrored_images_fit_both_ways():
    boxes = boxes_of(points_of(), READ_FROM, mirrored=True)
    left, right = boxes["left_eye"], boxes["right_eye"]
    assert left.left == pytest.approx(1 - right.right)
    assert left.right == pytest.approx(1 - right.left)
    assert left.left == pytest.approx(0.2 - 0.2 * MARGIN)
    assert boxes["eyes"].left == pytest.approx(1 - boxes["eyes"].right)


def test_boxes_stay_in_the_image():
    box = boxes_of(points_of(shift=0.32), READ_FROM)["right_eye"]
    assert box.right == 1


def test_what_others_make_up_reads_their_branches():
    assert made_of(READ_FROM) == {"eyes": ("left_eye", "right_eye")}
    assert made_of({"a": (0, 1), "b": (0, 1, 2)}) == {}
    assert made_of({}) == {}
