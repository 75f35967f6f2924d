"""Images for a scorer: what is kept of them, and that they are no samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.network.dataset import to_bytes
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from vectorfind.models.pair import Models
from vectorfind.sampling import lessons
from vectorfind.sampling.lessons import Unscored, fill_lessons, kept, lesson_images
from vectorfind.sampling.sampler import sample

MODELS = Models(PlantedGenerator(), PlantedScorer())


class Pointed(PlantedScorer):
    """Also tells of two points, at the middle and at the corner."""

    read_from = {"eyes": (0,)}  # noqa: RUF012

    def scores_and_points(self, images):
        return self(images), torch.tensor([[0.5, 0.5], [1, 1]]).expand(len(images), -1, -1)


def test_images_and_scores_are_of_the_same_pass(tmp_path):
    made = fill_lessons(tmp_path, MODELS, 20, 16, batch_size=8, workers=1)
    images = torch.cat(list(lesson_images(MODELS, 0, 0, 20, 8)))
    assert np.array_equal(made.images.whole(), to_bytes(images).numpy())
    np.testing.assert_allclose(made.scores, MODELS.score(images), atol=1e-5)
    assert made.points is None


def test_points_are_kept_of_a_teacher_that_has_them(tmp_path):
    models = Models(PlantedGenerator(), Pointed())
    made = fill_lessons(tmp_path, models, 5, 16, workers=1)
    assert made.points.shape == (5, 2, 2)
    assert made.points[3].tolist() == [[0.5, 0.5], [1, 1]]


def test_no_image_is_a_sample_of_the_same_seed(tmp_path):
    scores = fill_lessons(tmp_path, MODELS, 64, 16, workers=1).scores
    samples = sample(MODELS, 64, workers=1).scores
    assert np.abs(scores[:, None] - samples[None]).max(axis=2).min() > 1e-3


def test_larger_images_are_kept_smaller():
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    small = kept(images, 4)
    assert torch.equal(small, to_bytes(torch.nn.functional.avg_pool2d(images, 2)))
    assert torch.equal(kept(images, 16), to_bytes(images))


def test_a_store_grows_and_is_of_one_teacher(tmp_path, monkeypatch):
    first = fill_lessons(tmp_path, MODELS, 4, 16, workers=1)

    def not_again(*arguments):
        raise AssertionError("images are made again")

    monkeypatch.setattr(lessons, "_make", not_again)
    more = fill_lessons(tmp_path, MODELS, 500, 16, workers=1)
    assert np.array_equal(more.scores[:4], first.scores)
    with pytest.raises(InputError, match="holds other images"):
        fill_lessons(tmp_path, Models(PlantedGenerator(), Unscored()), 4, 16, workers=1)


def test_images_alone_have_no_scores(tmp_path):
    made = fill_lessons(tmp_path, Models(PlantedGenerator(), Unscored()), 4, 16, workers=1)
    assert made.scores.shape == (4, 0)
