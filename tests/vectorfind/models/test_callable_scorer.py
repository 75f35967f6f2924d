"""A scorer of any function: what it is given, what it may answer, and its use end to end."""

import numpy as np
import pandas as pd
import pytest
import torch

import vectorfind
from property_cnn.common.errors import InputError, ScorerError
from tests.vectorfind.conftest import RANGE, ToyGenerator
from vectorfind.models.callable_scorer import CallableScorer
from vectorfind.models.pair import Models
from vectorfind.models.protocols import Scorer, resolve_scorer

IMAGES = torch.linspace(-1, 1, 4 * 3 * 2 * 5).reshape(4, 3, 2, 5)
WANTED = np.stack([IMAGES.mean(dim=(1, 2, 3)), IMAGES[:, 0].amax(dim=(1, 2))], axis=1)


def answers():
    mean, top = (torch.tensor(column) for column in WANTED.T)
    return {
        "dict of tensors": {"top": top, "mean": mean, "unused": top},
        "dict of lists": {"mean": mean.tolist(), "top": top.tolist()},
        "dict of bfloat16": {"mean": mean.bfloat16(), "top": top},
        "table": pd.DataFrame({"top": top.numpy(), "mean": mean.numpy()}, index=list("dcba")),
        "tensor": torch.stack([mean, top], dim=1),
        "array": np.stack([mean, top], axis=1).astype(np.float64),
    }


@pytest.mark.parametrize("kind", answers())
def test_tables_and_arrays_are_read_by_name_or_by_order(kind):
    scorer = CallableScorer(lambda images: answers()[kind], ("mean", "top"))
    scores = scorer(IMAGES)
    assert scores.dtype == np.float32
    assert np.allclose(scores, WANTED, atol=5e-3 if "bfloat16" in kind else 0)


def test_one_property_may_come_as_a_row_of_numbers():
    scorer = CallableScorer(lambda images: images.mean(dim=(1, 2, 3)), ["mean"])
    assert np.allclose(scorer(IMAGES), WANTED[:, :1])


def test_images_are_handed_over_as_asked():
    given = []
    for takes in ("tensor", "array", "pixels"):
        scorer = CallableScorer(
            lambda images: given.append(images) or np.zeros(4), ["x"], takes=takes
        )
        scorer(IMAGES)
    assert torch.equal(given[0], IMAGES)
    assert np.array_equal(given[1], IMAGES.numpy())
    assert (given[2].shape, given[2].dtype) == ((4, 2, 5, 3), np.uint8)
    assert (given[2][0, 0, 0, 0], given[2][-1, -1, -1, -1]) == (0, 255)
    assert np.allclose(given[2].transpose(0, 3, 1, 2) / 127.5 - 1, IMAGES, atol=0.5 / 127.4)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"mean": np.zeros(4)}, "gave mean, but no top"),
        ({"mean": np.zeros(4), "top": np.zeros(3)}, r"gave top in another shape than \(4,\)"),
        ({"mean": np.zeros(4), "top": ["high"] * 4}, "a list that is no array of numbers"),
        ("high", "a str that is no array of numbers"),
        (np.zeros((4, 3)), r"shape \(4, 3\); expected \(4, 2\): mean, top"),
    ],
)
def test_answers_that_cannot_be_used_are_told(answer, message):
    scorer = CallableScorer(lambda images: answer, ("mean", "top"))
    with pytest.raises(ScorerError, match=message):
        Models(ToyGenerator(), scorer).score(IMAGES)


def test_arguments_that_cannot_be_used_are_told():
    with pytest.raises(InputError, match="properties is the text 'mean'"):
        CallableScorer(len, "mean")
    with pytest.raises(InputError, match="unknown takes 'images'; choose one of tensor, array"):
        CallableScorer(len, ["mean"], takes="images")


def test_it_is_a_scorer_and_finds_directions():
    def shades(images):
        assert images.shape[1:] == (8, 8, 3)
        rows = (images.mean(axis=(2, 3)) / 127.5 - 1) * RANGE  # (N, 8)
        return {"upper": rows[:, 0], "lower": rows[:, 7]}

    scorer = CallableScorer(shades, ("upper", "lower"), takes="pixels")
    assert isinstance(resolve_scorer(scorer), Scorer)
    directions = vectorfind.find_directions(
        800, "w", generator=ToyGenerator(), scorer=scorer, workers=1, quiet=True
    )
    assert directions.properties == ("upper", "lower")
    assert directions.groups.tolist() == ["all"]
    truth = ToyGenerator().truth("w")[[0, 7]]
    found = np.stack([directions.fields[name].of_groups()[0] for name in directions.properties])
    assert (np.einsum("pd,pd->p", found, truth) > 0.97).all()


def test_it_shows_itself_escaped():
    scorer = CallableScorer(lambda images: images, ("<b>", "warm"), digest="v1")
    assert repr(scorer).splitlines()[1] == "  properties  <b>, warm"
    assert "<lambda>, takes tensor on cpu" in repr(scorer)
    html = scorer._repr_html_()
    assert "&lt;b&gt;, warm" in html
    assert "<b>" not in html
