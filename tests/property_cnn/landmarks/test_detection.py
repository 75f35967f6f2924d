"""Faces of a detector's rows: anchors, boxes and which of them are of one face."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.landmarks.detection import (
    LEAST_SCORE,
    MOST_FACES,
    SAME_FACE,
    anchors,
    decoded,
    find_faces,
    overlaps,
    suppressed,
)
from property_cnn.landmarks.files import DETECTOR, from_tflite
from tests.property_cnn.landmarks.conftest import detector_file

EYES = [(0.4, 0.4), (0.6, 0.5)]


def test_anchors_are_the_middles_of_the_grids_cells():
    at = anchors()
    assert at.shape == (896, 2)
    assert at[0].tolist() == at[1].tolist() == [0.5 / 16, 0.5 / 16]
    assert at[2].tolist() == [1.5 / 16, 0.5 / 16]  # along a row first
    assert at[511].tolist() == [15.5 / 16, 15.5 / 16]
    assert at[512].tolist() == at[517].tolist() == [0.5 / 8, 0.5 / 8]
    assert at[518].tolist() == [1.5 / 8, 0.5 / 8]


def test_rows_count_from_their_anchors_in_pixels():
    raw = torch.zeros(1, 896, 16)
    side = DETECTOR.side
    raw[0, 518] = torch.tensor([0.5, 0.25, 0.2, 0.1, *[0.0] * 10, 0.125, -0.0625]) * side
    boxes, points = decoded(raw)
    x, y = 1.5 / 8, 0.5 / 8
    wanted = [x + 0.4, y + 0.2, x + 0.6, y + 0.3]
    assert boxes[0, 518].tolist() == pytest.approx(wanted)
    assert points[0, 518, 5].tolist() == pytest.approx([x + 0.125, y - 0.0625])
    assert points[0, 518, 0].tolist() == pytest.approx([x, y])


def test_overlap_is_intersection_by_union():
    boxes = torch.tensor([[[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [2, 2, 1, 1], [0, 0, 2, 2]]])
    found = overlaps(boxes, torch.tensor([[0.0, 0, 2, 2]]))
    assert found[0].tolist() == pytest.approx([1, 1 / 7, 0, 0, 1])


def by_loops(boxes, scores):
    """Lists of (score, box) of one picture."""
    left = [k for k in np.argsort(-scores, kind="stable") if scores[k] >= LEAST_SCORE]
    found = []
    while left and len(found) < MOST_FACES:
        same = []
        for k in left:
            low, high = np.maximum(boxes[k, :2], boxes[left[0], :2]), np.minimum(
                boxes[k, 2:], boxes[left[0], 2:])  # fmt: skip
            shared = np.prod(np.maximum(high - low, 0))
            areas = [np.prod(boxes[n, 2:] - boxes[n, :2]) for n in (k, left[0])]
            if shared / (sum(areas) - shared) >= SAME_FACE:
                same.append(k)
        found.append((scores[left[0]], np.average(boxes[same], axis=0, weights=scores[same])))
        left = [k for k in left if k not in same]
    return found


def test_boxes_of_one_face_become_their_weighted_mean():
    draws = np.random.default_rng(0)
    low = draws.random((4, 60, 2))
    boxes = np.concatenate([low, low + 0.05 + 0.3 * draws.random((4, 60, 2))], axis=2)
    scores = draws.random((4, 60))
    scores[3] = 0.4
    points = np.tile(boxes[..., :2].reshape(4, 60, 1, 2), (1, 1, 6, 1))
    faces = suppressed(*(torch.from_numpy(values) for values in (boxes, points, scores)))
    assert faces.counts.tolist() == [len(by_loops(*one)) for one in zip(boxes, scores, strict=True)]
    assert faces.counts[0] > 2
    assert faces.counts[3] == 0
    for k in range(3):
        wanted = by_loops(boxes[k], scores[k])
        for n, (score, box) in enumerate(wanted):
            np.testing.assert_allclose(faces.scores[k, n], score)
            np.testing.assert_allclose(faces.boxes[k, n], box)
            np.testing.assert_allclose(faces.points[k, n, 5], box[:2])


def test_the_largest_face_need_not_be_the_surest():
    boxes = torch.tensor([[[0.0, 0, 0.2, 0.2], [0.4, 0.4, 0.9, 0.9], [0, 0.5, 0.9, 1.3]]])
    points = torch.arange(36.0).reshape(1, 3, 6, 2)
    faces = suppressed(boxes, points, torch.tensor([[0.9, 0.8, 0.3]]))
    box, six = faces.largest()
    assert box[0].tolist() == pytest.approx([0.4, 0.4, 0.9, 0.9])
    assert torch.equal(six, points[:, 1])


def test_no_more_faces_than_are_told_apart():
    corner = torch.arange(40.0)[:, None].expand(-1, 2)
    boxes = torch.cat([corner, corner + 0.5], dim=1)[None]
    faces = suppressed(boxes, torch.zeros(1, 40, 6, 2), torch.full((1, 40), 0.7))
    assert faces.counts.tolist() == [MOST_FACES]


def test_faces_are_those_that_the_network_tells():
    data = detector_file((700, 2.0, (0.3, 0.2, 0.7, 0.8), EYES), (0, -2.0, (0, 0, 1, 1), EYES))
    network = from_tflite(data, DETECTOR, "a detector").eval()
    with torch.inference_mode():
        faces = find_faces(network, torch.zeros(2, 3, 96, 96))
    assert faces.counts.tolist() == [1, 1]
    box, points = faces.largest()
    np.testing.assert_allclose(box, [(0.3, 0.2, 0.7, 0.8)] * 2, atol=1e-5)
    np.testing.assert_allclose(points[:, :2], [EYES] * 2, atol=1e-5)
    np.testing.assert_allclose(faces.scores[:, 0], 1 / (1 + np.exp(-2)), atol=1e-5)
