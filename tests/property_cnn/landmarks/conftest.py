"""Networks of landmarks that see a face by hand in whatever image."""

from __future__ import annotations

import numpy as np
import pytest

from property_cnn.landmarks.detection import anchors
from property_cnn.landmarks.files import DETECTOR, FACE, IRIS, PERSON, from_tflite
from tests.property_cnn.landmarks import faces_by_hand
from tests.property_cnn.landmarks.tflite_by_hand import Net, tiny_reader


def face_file(points, logit=20.0, scale=0.0):
    """A .tflite of the face's kind that answers with these points, moved by images by `scale`."""
    bias = [np.ravel(points), [logit]]
    return tiny_reader(FACE.side, FACE.outputs, scale=scale, bias=bias).file()


def iris_file(points, scale=0.0):
    """A .tflite of the iris's kind that answers with these points of a contour."""
    bias = [np.ravel(points), np.zeros(15)]
    return tiny_reader(IRIS.side, IRIS.outputs, scale=scale, bias=bias).file()


def detector_file(*faces):
    """A .tflite of the detector's kind that answers with these faces.

    Args:
        faces: (anchor, logit, box, eyes): box left, top, right, bottom and eyes (2, 2), both in
            sides of the picture.
    """
    raw, logits = np.zeros((896, 16)), np.full(896, -50.0)
    at = anchors().numpy()
    for anchor, logit, (left, top, right, bottom), eyes in faces:
        middle = np.array([(left + right) / 2, (top + bottom) / 2]) - at[anchor]
        points = np.concatenate([eyes, np.zeros((4, 2))]) - at[anchor]
        row = np.concatenate([middle, [right - left, bottom - top], points.ravel()])
        raw[anchor], logits[anchor] = row * DETECTOR.side, logit
    return tiny_reader(
        DETECTOR.side, DETECTOR.outputs, scale=0.0, bias=[raw.ravel(), logits]
    ).file()


def person_file(slopes=(0.0, 0.0, 0.0), bias=20.0):
    """A .tflite of the person's kind: a sigmoid of each pixel's colours in [0, 1] by `slopes`."""
    net = Net(PERSON.side)
    logits = net.conv(net.input, np.reshape(slopes, (1, 1, 1, 3)), (bias,))
    net.outputs = [net.same("LOGISTIC", logits)]
    return net.file()


def centred_face(**pose):
    """The face by hand, in the middle of the network's images."""
    return faces_by_hand.turned(faces_by_hand.face(), **pose, scale=40.0, shift=(96, 80, 0))


@pytest.fixture
def network():
    """Of the face's kind; its answer depends on the image."""
    return from_tflite(face_file(centred_face(yaw=20), scale=0.1), FACE, "a face")
