"""dlib on images without faces and on a rendered one; skipped without the package or its files."""

import pickle
import sys

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, MissingError, ScorerError
from property_cnn.dlib_faces.scorer import SIZE, DlibScorer, load_dlib_scorer
from property_cnn.properties import DLIB_PROPERTIES


@pytest.fixture(scope="module")
def scorer():
    pytest.importorskip("dlib", reason="the optional package dlib is missing")
    try:
        return load_dlib_scorer()
    except CheckpointError as error:
        pytest.skip(str(error))


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingError, match=r"pip install 'vectorfind\[dlib\]'"):
        DlibScorer(tmp_path)


@pytest.mark.parametrize("side", [1, 8, 64, 300])
def test_images_without_a_face_are_rows_of_nan(scorer, side):
    noise = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images = torch.cat([noise, torch.full((1, 3, side, side), torch.nan)])
    scores, embeddings = scorer.scores_and_embeddings(images)
    assert scores.shape == (3, len(DLIB_PROPERTIES))
    assert embeddings.shape == (3, SIZE)
    assert bool(scores.isnan().all())
    assert np.isnan(embeddings).all()


def test_no_image_and_no_square_image(scorer):
    assert scorer(torch.zeros(0, 3, 8, 8)).shape == (0, len(DLIB_PROPERTIES))
    with pytest.raises(ScorerError, match="square"):
        scorer(torch.zeros(1, 3, 8, 9))


class Box:
    """A face that dlib's detector might find in an image of `FIND_SIDE`."""

    def __init__(self, left, top, right, bottom):
        self.ends = left, top, right, bottom

    def __getattr__(self, name):
        return lambda: self.ends[("left", "top", "right", "bottom").index(name)]

    def area(self):
        return (self.ends[2] - self.ends[0]) * (self.ends[3] - self.ends[1])


def test_of_several_faces_the_largest_is_read(scorer, monkeypatch):
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def read(*boxes):
        monkeypatch.setattr(scorer, "_detector", lambda pixels, times: boxes)
        return scorer.scores_and_embeddings(images)

    small, large = Box(10, 10, 60, 60), Box(40, 40, 150, 150)
    scores, embeddings = read(large)
    assert np.isfinite(embeddings).all()
    assert not np.array_equal(read(small)[1], embeddings)
    for boxes in ((small, large), (large, small)):
        assert torch.equal(read(*boxes)[0], scores)
        assert np.array_equal(read(*boxes)[1], embeddings)


def test_other_processes_load_it_anew(scorer):
    again = pickle.loads(pickle.dumps(scorer))
    assert again.digest == scorer.digest
    assert again is not scorer
