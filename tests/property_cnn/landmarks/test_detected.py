"""Scores of faces anywhere in a picture, by networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, ScorerError
from property_cnn.landmarks import detected
from property_cnn.landmarks.detected import DetectedScorer, load_detected_scorer
from property_cnn.landmarks.files import DETECTOR, FACE, from_tflite, save_networks
from property_cnn.landmarks.scorer import load_landmarks_scorer
from property_cnn.properties import LANDMARK_PROPERTIES
from tests.property_cnn.landmarks import faces_by_hand
from tests.property_cnn.landmarks.conftest import centred_face, detector_file, face_file

LEVEL = [(0.4, 0.4), (0.5, 0.4)]
BOX = (0.3, 0.3, 0.6, 0.6)
ONE = (700, 3.0, BOX, LEVEL)


def scorer_of(*faces, face=None, **more):
    face = face_file(centred_face()) if face is None else face
    networks = from_tflite(detector_file(*faces), DETECTOR, "a"), from_tflite(face, FACE, "b")
    return DetectedScorer(*networks, "cpu", **more)


def images_of(n=3, height=64, width=64, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, height, width, generator=draws) * 2 - 1


@pytest.mark.parametrize("roll", [0.0, 30.0, -75.0, 160.0])
def test_roll_is_that_in_the_picture_and_the_rest_is_the_faces(roll):
    turn = np.radians(roll)
    eyes = [(0.4, 0.4), (0.4 + 0.1 * np.cos(turn), 0.4 + 0.1 * np.sin(turn))]
    face = face_file(centred_face(yaw=20))
    scores = scorer_of((700, 3.0, BOX, eyes), face=face)(images_of())
    assert scores.shape == (3, len(LANDMARK_PROPERTIES))
    wanted = {**faces_by_hand.KNOWN, "yaw": 20.0, "pitch": 0.0, "roll": roll, "pose": 20.0}
    got = dict(zip(LANDMARK_PROPERTIES, scores[0].tolist(), strict=True))
    assert got == pytest.approx(wanted, abs=2e-3)


def test_landmarks_are_in_pixels_of_the_picture(monkeypatch):
    monkeypatch.setattr(detected, "READS", 1)
    points, logits, counts = scorer_of(ONE).landmarks(images_of(2, 100, 200))
    side = 1.5 * 0.3 * 200
    wanted = 0.45 * 200 - side / 2 + centred_face()[:, :2] / FACE.side * side
    np.testing.assert_allclose(points[0, :, :2], wanted, atol=1e-3)
    np.testing.assert_allclose(points[0, :, 2], centred_face()[:, 2] / FACE.side * side, atol=1e-3)
    assert logits.tolist() == pytest.approx([20.0] * 2)
    assert counts.tolist() == [1, 1]


def test_later_reads_are_off_crops_around_the_landmarks(monkeypatch):
    """Of a network that answers the same whatever it sees, each read is one crop further."""
    found = {}
    for reads in (1, 2):
        monkeypatch.setattr(detected, "READS", reads)
        found[reads] = scorer_of(ONE).landmarks(images_of(1))[0][0]
    first, second = (found[reads][:, :2].amax(0) - found[reads][:, :2].amin(0) for reads in (1, 2))
    share = np.ptp(centred_face()[:, :2], axis=0) / FACE.side  # of a crop that the face fills
    np.testing.assert_allclose(second, 1.5 * first.max() * torch.from_numpy(share), rtol=1e-4)


def test_no_face_is_a_row_of_nan_and_counted():
    scorer = scorer_of((700, -3.0, BOX, LEVEL))
    assert scorer(images_of(5)).isnan().all()
    assert scorer.seen == {"images": 5, "no_face": 5, "several_faces": 0}
    doubted = scorer_of(ONE, face=face_file(centred_face(), logit=9.0))
    assert doubted(images_of(2)).isnan().all()
    assert doubted.seen["no_face"] == 2
    assert scorer(images_of(0)).shape == (0, len(LANDMARK_PROPERTIES))
    assert scorer.seen["images"] == 5


def test_of_several_faces_the_largest_is_read_and_they_are_counted(monkeypatch):
    monkeypatch.setattr(detected, "READS", 1)
    other = (100, 4.0, (0.7, 0.1, 0.9, 0.3), [(0.75, 0.2), (0.8, 0.2)])
    both, alone = scorer_of(other, ONE), scorer_of(ONE)
    images = images_of(4)
    torch.testing.assert_close(both.landmarks(images)[0], alone.landmarks(images)[0])
    both(images)
    both(images)
    assert both.seen == {"images": 8, "no_face": 0, "several_faces": 8}
    assert alone.seen["images"] == 0


def test_the_face_is_seen_in_the_crop_wherever_it_is(monkeypatch):
    """A network that looks: the same patch at two places of two pictures has the same points."""
    monkeypatch.setattr(detected, "READS", 1)
    patch = images_of(1, 96, 96)
    scores = []
    for left, top in ((50, 40), (110, 90)):
        picture = torch.zeros(1, 3, 256, 256)
        picture[..., top : top + 96, left : left + 96] = patch
        box = np.array([left, top, left + 96, top + 96]) / 256
        eyes = [(box[0] + 0.1, box[1] + 0.1), (box[0] + 0.2, box[1] + 0.1)]
        looks = face_file(centred_face(yaw=20), scale=1.0)
        scores.append(scorer_of((700, 3.0, tuple(box), eyes), face=looks)(picture))
    torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-3)
    constant = scorer_of(ONE, face=face_file(centred_face(yaw=20)))(images_of(1))
    assert (scores[0] - constant).abs().max() > 0.1


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (40, 90), (300, 20)])
def test_any_shape_is_read(size):
    assert scorer_of(ONE)(images_of(2, *size)).isfinite().all()


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ScorerError, match="images are"):
        scorer_of(ONE)(torch.zeros(shape))


def test_an_image_of_nan_has_no_scores_and_spoils_no_other():
    looks = face_file(centred_face(), scale=0.1)
    images = images_of(3)
    images[1] = torch.nan
    scores = scorer_of(ONE, face=looks)(images)
    assert scores.isfinite().all(1).tolist() == [True, False, True]


def test_batches_change_nothing_but_rounding():
    looks, images = face_file(centred_face(yaw=20), scale=0.1), images_of(7)
    whole, parts = (scorer_of(ONE, face=looks, batch_size=n)(images) for n in (7, 3))
    assert whole.std(dim=0).min() > 0  # the images tell
    torch.testing.assert_close(whole, parts, rtol=1e-3, atol=1e-3)


def test_gradients_reach_the_images():
    images = images_of(2, 100, 100).requires_grad_()
    scorer_of(ONE, face=face_file(centred_face(), scale=0.1)).landmarks(images)[0].sum().backward()
    assert images.grad.abs().amax(dim=(1, 2, 3)).min() > 0


def test_a_file_from_before_serves_landmarks_and_says_how_to_get_this(tmp_path):
    path = tmp_path / "landmarks.safetensors"
    networks = {"landmarks": from_tflite(face_file(centred_face()), FACE, "a")}
    save_networks(path, networks, {})
    before = load_landmarks_scorer(path, "cpu")
    with pytest.raises(CheckpointError, match="no network called detector; get it by: vectorfind"):
        load_detected_scorer(path)
    networks["detector"] = from_tflite(detector_file(ONE), DETECTOR, "b")
    save_networks(path, networks, {})
    assert load_landmarks_scorer(path, "cpu").digest == before.digest
    scorer = load_detected_scorer(path, "cpu")
    assert scorer(images_of()).isfinite().all()
    assert scorer.digest == scorer_of(ONE).digest
    others = {scorer_of((701, *ONE[1:])).digest, before.digest, scorer.digest,
              scorer_of(ONE, face=face_file(centred_face(yaw=1))).digest}  # fmt: skip
    assert len(others) == 4


def test_the_next_largest_face_can_be_asked_for():
    small = (100, 4.0, (0.7, 0.7, 0.8, 0.8), [(0.72, 0.75), (0.78, 0.75)])
    scorer = scorer_of(ONE, small)
    middles = [scorer.landmarks(images_of(1), rank)[0][0, :, :2].mean(0) for rank in (0, 1, 2)]
    assert middles[0][0] < 0.6 * 64 < 0.65 * 64 < middles[1][0]
    assert torch.equal(middles[2], middles[0])  # there is no third
    assert scorer.landmarks(images_of(1))[2].tolist() == [2]
