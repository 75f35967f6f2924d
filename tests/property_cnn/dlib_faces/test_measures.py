"""Measures of 68 points: closed forms on a face by hand, and their signs."""

import numpy as np
import pytest
import torch

from property_cnn.dlib_faces.measures import measures
from property_cnn.landmarks.measures import measures as measures_3d
from property_cnn.properties import DLIB_PROPERTIES, LANDMARK_PROPERTIES
from tests.property_cnn.landmarks import faces_by_hand

EYE = ((-10, 0), (-4, -1), (4, -1), (10, 0), (4, 1), (-4, 1))  # openness 0.1
POINTS = {
    **{36 + place: (x - 30, 3 * y) for place, (x, y) in enumerate(EYE)},
    **{42 + place: (x + 30, 2 * y) for place, (x, y) in enumerate(EYE)},
    **{30: (8, 30), 48: (-20, 60), 54: (20, 60), 62: (0, 55), 66: (0, 65)},
}


def face():
    points = torch.zeros(1, 68, 2)
    for place, at in POINTS.items():
        points[0, place] = torch.tensor(at, dtype=torch.float32)
    return points


def of(points):
    return dict(zip(DLIB_PROPERTIES, measures(points)[0].tolist(), strict=True))


def test_the_face_by_hand_has_its_closed_forms():
    read = of(face())
    expected = {"left_eye": 0.3, "right_eye": 0.2, "eyes": 0.25, "mouth": 0.25, "smile": 0.5}
    assert read == pytest.approx(expected | {"yaw": 0.1, "roll": 0}, abs=1e-6)


def test_scale_place_and_roll_change_the_roll_alone():
    angle = np.radians(20)
    turn = torch.tensor([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    before, after = of(face()), of(face() @ turn.float() * 3 + 100)
    assert after.pop("roll") == pytest.approx(20, abs=1e-4)  # clockwise, as y goes down
    assert after == pytest.approx({n: v for n, v in before.items() if n != "roll"}, abs=1e-5)


@pytest.mark.parametrize(("name", "angle"), [("yaw", 20.0), ("roll", 10.0)])
def test_signs_are_those_of_the_landmarks_in_space(name, angle):
    head = faces_by_hand.face()
    head[1] = (0, 0.3, -0.6)  # the tip of the nose, towards the viewer
    turned = torch.tensor(faces_by_hand.turned(head, **{name: angle})).float()[None]
    in_space = measures_3d(turned)[0, LANDMARK_PROPERTIES.index(name)]
    flat = torch.zeros(1, 68, 2)
    for ours, theirs in ((36, 33), (45, 263), (30, 1)):
        flat[0, ours] = turned[0, theirs, :2]
    assert torch.sign(in_space) == np.sign(of(flat)[name]) == 1
