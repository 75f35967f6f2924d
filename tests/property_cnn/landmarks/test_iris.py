"""Crops of eyes, and their openness by a network whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.landmarks.files import FACE, IRIS, from_tflite, load_network, save_networks
from property_cnn.landmarks.iris import CONTOUR, CROP, IrisScorer, cut, load_iris_scorer
from property_cnn.landmarks.scorer import LandmarksScorer
from property_cnn.properties import IRIS_PROPERTIES
from tests.property_cnn.landmarks.conftest import centred_face, face_file, iris_file


def contour(height, width=20.0):
    """(71, 3) points of which the contour's six are an eye of this height and width."""
    points = np.random.default_rng(0).normal(size=(71, 3))
    half = height / 2
    points[list(CONTOUR)] = [(0, 0, 0), (7, -half, 0), (13, -half, 0),
                             (width, 0, 0), (13, half, 0), (7, half, 0)]  # fmt: skip
    return points


def scorer_of(eyes, face=None, **more):
    face = face_file(centred_face()) if face is None else face
    networks = (from_tflite(face, FACE, "a face"), from_tflite(eyes, IRIS, "eyes"))
    return IrisScorer(*networks, "cpu", **more)


def images_of(n=5, side=64, seed=0):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_openness_is_that_of_the_contour():
    scores = scorer_of(iris_file(contour(6.0)))(images_of())
    assert scores.shape == (5, len(IRIS_PROPERTIES))
    np.testing.assert_allclose(scores, 6.0 / 20.0, atol=1e-5)


def test_no_face_is_a_row_of_nan():
    dark = face_file(centred_face(), logit=-3.0)
    assert scorer_of(iris_file(contour(6.0)), dark)(images_of()).isnan().all()
    assert scorer_of(iris_file(contour(6.0)))(images_of(0)).shape == (0, 3)


def test_the_mean_of_both_eyes_and_batches():
    eyes = iris_file(contour(6.0), scale=0.2)
    scores = scorer_of(eyes)(images_of(7))
    assert (scores[:, 1] - scores[:, 2]).abs().min() > 0  # each sees its own crop
    torch.testing.assert_close(scores[:, 0], scores[:, 1:].mean(dim=1))
    torch.testing.assert_close(scorer_of(eyes, batch_size=3)(images_of(7)), scores)


def test_an_eye_is_cut_level_and_in_the_middle():
    """A picture of x and y themselves: the crop tells where each of its pixels comes from."""
    side, out = 128, 16
    places = (torch.arange(side) + 0.5) / side
    picture = torch.stack([places.expand(side, side), places[:, None].expand(side, side),
                           torch.zeros(side, side)])[None]  # fmt: skip
    outer, inner = torch.tensor([[0.4, 0.45]]), torch.tensor([[0.5, 0.55]])  # 45 degrees
    (crop,) = cut(picture, outer, inner, out)
    middle = crop[:2, out // 2 - 1 : out // 2 + 1, out // 2 - 1 : out // 2 + 1].mean(dim=(1, 2))
    np.testing.assert_allclose(middle, [0.45, 0.5], atol=1e-3)
    row = crop[:2, out // 2 - 1 : out // 2 + 1].mean(dim=1)  # along the eye
    np.testing.assert_allclose(row[:, -1] - row[:, 0], [0.1 * CROP * 15 / 16] * 2, atol=1e-3)


def test_the_right_eye_is_mirrored():
    picture = images_of(2, side=96)
    outer, inner = torch.tensor([[0.3, 0.4]] * 2), torch.tensor([[0.42, 0.43]] * 2)
    mirror = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
    left = cut(picture, outer, inner, 16)
    right = cut(picture.flip(3), mirror[0] + mirror[1] * outer, mirror[0] + mirror[1] * inner, 16)
    torch.testing.assert_close(left, right, rtol=0, atol=1e-4)


def test_both_networks_come_from_one_file(tmp_path):
    path = tmp_path / "landmarks.safetensors"
    face, eyes = face_file(centred_face()), iris_file(contour(5.0))
    networks = {"landmarks": from_tflite(face, FACE, "a"), "iris": from_tflite(eyes, IRIS, "b")}
    save_networks(path, networks, {})
    scorer = load_iris_scorer(path, "cpu")
    assert scorer(images_of())[0, 0].item() == pytest.approx(0.25, abs=1e-5)
    digests = {scorer.digest, LandmarksScorer(load_network(path, FACE), "cpu").digest}
    assert digests == {scorer_of(eyes).digest, *digests}
    assert len(digests | {scorer_of(iris_file(contour(6.0))).digest}) == 3


def test_a_file_without_the_eyes_is_told(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_networks(path, {"landmarks": from_tflite(face_file(centred_face()), FACE, "a")}, {})
    with pytest.raises(CheckpointError, match="no network called iris; get it by"):
        load_iris_scorer(path)
