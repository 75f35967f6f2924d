"""Measures of a face by hand: known numbers, moved by nothing but what they measure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.landmarks.measures import measures
from property_cnn.properties import CONTROLLED, LANDMARK_PROPERTIES
from tests.property_cnn.landmarks import faces_by_hand as by_hand


def measured(*faces):
    scores = measures(torch.tensor(np.array(faces))).numpy()
    return [dict(zip(LANDMARK_PROPERTIES, row, strict=True)) for row in scores]


def test_a_face_has_its_measures():
    (scores,) = measured(by_hand.face())
    angles = dict.fromkeys(("yaw", "pitch", "roll", "pose"), 0.0)
    assert scores == pytest.approx({**by_hand.KNOWN, **angles}, abs=1e-9)


@pytest.mark.parametrize(
    "pose",
    [
        {"yaw": 35.0},
        {"pitch": -20.0},
        {"roll": 50.0},
        {"yaw": -60.0, "pitch": 25.0, "roll": -100.0},
    ],
)
def test_a_turned_head_has_other_angles_and_nothing_else(pose):
    (scores,) = measured(by_hand.turned(by_hand.face(), **pose, scale=71.0, shift=(90, 80, -7)))
    angles = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, **pose}
    wanted = {**by_hand.KNOWN, **angles, "pose": angles["yaw"]}
    assert scores == pytest.approx(wanted, abs=1e-6)


def test_more_is_what_the_names_say():
    face = by_hand.face()
    nose_ahead = np.array([0.0, 0.0, -1.0])
    assert by_hand.turned(nose_ahead, yaw=30)[0] > 0  # to the picture's right
    assert by_hand.turned(nose_ahead, pitch=30)[1] < 0  # up
    assert by_hand.turned(np.array([1.0, 0.0, 0.0]), roll=30)[1] > 0  # right eye goes down
    wide = face.copy()
    wide[:, 1] = np.where(face[:, 1] < -0.3, face[:, 1] - 0.2, face[:, 1])  # brows and forehead
    before, after = measured(face, wide)
    assert after["brows"] == pytest.approx(before["brows"] + 0.1)


def test_the_usual_properties_are_among_them():
    assert set(CONTROLLED) <= set(LANDMARK_PROPERTIES)


def test_gradients_are_finite():
    points = torch.tensor(by_hand.face(), dtype=torch.float32)[None].requires_grad_()
    for column in measures(points)[0]:
        (gradient,) = torch.autograd.grad(column, points, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0
