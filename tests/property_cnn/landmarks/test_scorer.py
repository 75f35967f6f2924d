"""Scores of images by networks whose answers are known; no face, no score."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.landmarks.files import FACE, IRIS, from_tflite, kinds_of, load_network
from property_cnn.landmarks.scorer import LandmarksScorer, load_landmarks_scorer, resized
from property_cnn.properties import LANDMARK_PROPERTIES
from tests.property_cnn.landmarks import faces_by_hand
from tests.property_cnn.landmarks.conftest import centred_face, face_file


def images_of(n=5, side=64, seed=0):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def scorer_of(data, **more):
    return LandmarksScorer(from_tflite(data, FACE, "a face"), "cpu", **more)


def test_scores_are_those_of_the_points():
    scores = scorer_of(face_file(centred_face(yaw=20, roll=5)))(images_of())
    assert scores.shape == (5, len(LANDMARK_PROPERTIES))
    assert scores.dtype == torch.float32
    wanted = {**faces_by_hand.KNOWN, "yaw": 20.0, "pitch": 0.0, "roll": 5.0, "pose": 20.0}
    got = dict(zip(LANDMARK_PROPERTIES, scores[0].tolist(), strict=True))
    assert got == pytest.approx(wanted, abs=1e-3)


def test_landmarks_are_in_pixels_of_the_images():
    points, logits = scorer_of(face_file(centred_face())).landmarks(images_of(side=384))
    np.testing.assert_allclose(points[0], 2 * centred_face(), atol=1e-3)
    assert logits.tolist() == pytest.approx([20.0] * 5)


def test_no_face_is_a_row_of_nan(network):
    for answer in (face_file(centred_face(), logit=9.0), face_file(np.zeros((468, 3)))):
        assert scorer_of(answer)(images_of()).isnan().all()


def test_batches_change_nothing_but_rounding(network):
    images = images_of(7)
    whole = LandmarksScorer(network, "cpu", 7)(images)
    parts = LandmarksScorer(network, "cpu", 3)(images)
    assert whole.std(dim=0).min() > 0  # the images tell
    torch.testing.assert_close(whole, parts, rtol=1e-3, atol=1e-3)


def test_no_images_have_no_scores(network):
    assert LandmarksScorer(network, "cpu")(images_of(0)).shape == (0, len(LANDMARK_PROPERTIES))


def test_gradients_reach_the_images(network):
    images = images_of(2, side=200).requires_grad_()
    points, _ = LandmarksScorer(network, "cpu").landmarks(images)
    points.sum().backward()
    assert images.grad.abs().amax(dim=(1, 2, 3)).min() > 0


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8), (2, 3, 8, 9)])
def test_other_shapes_are_refused(network, shape):
    with pytest.raises(ScorerError, match="square"):
        LandmarksScorer(network, "cpu")(torch.zeros(shape))


def test_a_smaller_image_is_the_mean_of_what_it_covers():
    checks = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).repeat(192, 192).expand(1, 3, -1, -1)
    inner = resized(checks, 192)[..., 1:-1, 1:-1]
    assert inner.abs().max() < 1e-5
    assert resized(checks, 384) is checks


def test_digests_tell_networks_apart(network):
    one, other = (scorer_of(face_file(centred_face(yaw=yaw))) for yaw in (1, 2))
    assert len({one.digest, other.digest, LandmarksScorer(network).digest}) == 3
    assert scorer_of(face_file(centred_face(yaw=1))).digest == one.digest


def test_a_tflite_is_read_as_it_is(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(face_file(centred_face()))
    assert kinds_of(path) == ("landmarks",)
    assert load_landmarks_scorer(path, "cpu")(images_of()).isfinite().all()


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(CheckpointError, match="get it by: vectorfind fetch landmarks"):
        load_landmarks_scorer(tmp_path / "absent.safetensors")


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(face_file(centred_face()))
    with pytest.raises(
        (CheckpointError, InputError), match="needed is a network that takes 1 × 64"
    ):
        load_network(path, IRIS)
