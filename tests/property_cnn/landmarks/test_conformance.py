"""MediaPipe's own files, where they are at hand, against OpenVINO's reading of them.

VECTORFIND_LANDMARKS_TFLITE names face_landmark.tflite; the others are sought beside it.
VECTORFIND_PERSON_TFLITE names selfie_segmentation.tflite, which LiteRT reads and OpenVINO does not.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.faces import render_faces, sample_attributes
from property_cnn.landmarks.detected import DetectedScorer
from property_cnn.landmarks.files import DETECTOR, FACE, IRIS, PERSON, load_network
from property_cnn.landmarks.scorer import LandmarksScorer, resized

ENVIRONMENT = "VECTORFIND_LANDMARKS_TFLITE"
FILES = {
    "face_landmark.tflite": FACE,
    "iris_landmark.tflite": IRIS,
    "face_detection_back.tflite": DETECTOR,
}
LEAST_PIXELS = 1e-3
PERSON_ENVIRONMENT = "VECTORFIND_PERSON_TFLITE"
LEAST_SHARE = 1e-3


def path_of(name):
    given = os.environ.get(ENVIRONMENT)
    path = Path(given).with_name(name) if given else None
    if path is None or not path.is_file():
        pytest.skip(f"{ENVIRONMENT} names no {name}")
    return path


@pytest.mark.parametrize("name", FILES)
def test_mediapipes_file_gives_what_its_runtime_gives(name):
    openvino = pytest.importorskip("openvino")
    path, kind = path_of(name), FILES[name]
    faces = render_faces(sample_attributes(8, seed=0), size=128)
    images = resized(faces, kind.side).add(1).div(2).clamp(0, 1)
    with torch.inference_mode():
        outputs = load_network(path, kind)(images)
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    for k, image in enumerate(images.permute(0, 2, 3, 1).contiguous().numpy()):
        wanted = {value.size: value.ravel() for value in compiled(image[None]).values()}
        for got in outputs:
            np.testing.assert_allclose(got[k], wanted[got.shape[1]], rtol=0, atol=LEAST_PIXELS)


def test_faces_are_read_the_same_where_they_do_not_fill_the_picture_and_in_grey():
    networks = [load_network(path_of(name), kind) for name, kind in FILES.items() if kind != IRIS]
    scorer = DetectedScorer(*reversed(networks), "cpu")
    faces = render_faces(sample_attributes(24, seed=0), size=128)
    pasted = torch.zeros(24, 3, 200, 300)
    pasted[..., 50:178, 150:278] = faces
    grey = pasted.mean(1, keepdim=True).expand_as(pasted)
    whole, read, without = LandmarksScorer(networks[0], "cpu")(faces), scorer(pasted), scorer(grey)
    assert scorer.seen == {"images": 48, "no_face": 0, "several_faces": 0}
    for one, other, least in (
        (read, whole, {"roll": 0.95, "yaw": 0.8, "mouth": 0.8}),
        (read, without, {"roll": 0.95, "yaw": 0.9, "mouth": 0.8}),
    ):
        for name, wanted in least.items():
            column = scorer.properties.index(name)
            assert torch.corrcoef(torch.stack([one[:, column], other[:, column]]))[0, 1] > wanted


def test_mediapipes_person_network_gives_what_litert_gives():
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    path = Path(os.environ.get(PERSON_ENVIRONMENT, ""))
    if not path.is_file():
        pytest.skip(f"{PERSON_ENVIRONMENT} names no selfie_segmentation.tflite")
    faces = render_faces(sample_attributes(4, seed=0), size=128)
    images = resized(faces, PERSON.side).add(1).div(2).clamp(0, 1)
    with torch.inference_mode():
        (shares,) = load_network(path, PERSON)(images)
    runtime = litert.Interpreter(model_path=str(path), num_threads=1)
    runtime.allocate_tensors()
    taken, given = (
        d[0]["index"] for d in (runtime.get_input_details(), runtime.get_output_details())
    )
    for got, image in zip(shares, images.permute(0, 2, 3, 1).contiguous().numpy(), strict=True):
        runtime.set_tensor(taken, image[None])
        runtime.invoke()
        wanted = runtime.get_tensor(given).ravel()
        np.testing.assert_allclose(got, wanted, rtol=0, atol=LEAST_SHARE)
