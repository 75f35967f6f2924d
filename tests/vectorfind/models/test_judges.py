"""Judges by name, file and object."""

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from tests.vectorfind.conftest import ToyScorer
from vectorfind.models.judges import Judge, load_judges

IMAGES = torch.zeros(2, 3, 8, 8)


def test_judges_are_called_by_name_by_file_or_by_class(tmp_path):
    given = ("default", ToyScorer(), Judge("mine", ToyScorer()))
    assert [judge.name for judge in load_judges(given, ("eyes",), "cpu")] == [
        "default",
        "ToyScorer",
        "mine",
    ]
    with pytest.raises(CheckpointError):
        load_judges((tmp_path / "absent.safetensors",), ("eyes",))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("iris", "judges is 'iris'; give a tuple"),
        (3, "judges is 3; give a tuple"),
        ((ToyScorer(), ToyScorer()), "a judge stands twice in ToyScorer, ToyScorer"),
        ((Judge("scorer", ToyScorer()),), "a judge's name is 'scorer'"),
        ((Judge("a\nb", ToyScorer()),), "a judge's name is"),
        ((Judge("a" * 41, ToyScorer()),), "a judge's name is"),
        ((object(),), "has no properties"),
    ],
)
def test_what_is_no_list_of_judges_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        load_judges(given, ("eyes",))


def test_most_judges_tell_no_identity():
    scores, embeddings = Judge("toy", ToyScorer()).read(IMAGES)
    assert scores.shape == (2, 8)
    assert embeddings is None
    assert np.isnan(Judge("toy", ToyScorer()).same_person)


@pytest.mark.parametrize("shape", [(3, 4), (2,), (2, 2, 2)])
def test_embeddings_of_another_shape_are_refused(shape):
    scorer = ToyScorer()
    scorer.scores_and_embeddings = lambda images: (scorer(images), np.zeros(shape))
    with pytest.raises(ScorerError, match="the judge toy: it gave embeddings of shape"):
        Judge("toy", scorer).read(IMAGES)
