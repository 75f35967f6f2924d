"""Overlap of hair masks before and after edits: closed forms on toy networks."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from property_cnn.properties import PROPERTIES
from reports import columns as c
from tests.vectorfind.conftest import RANGE, SIDE
from vectorfind.config import EvaluateSettings
from vectorfind.evaluation import hair_stability as module
from vectorfind.evaluation.hair_stability import hair_stability
from vectorfind.evaluation.image_test import run_cases, with_hair
from vectorfind.pipeline import evaluate
from vectorfind.runs.hair_figures import hair_figures

HAIR = PROPERTIES.index("hair_length")
GRID = np.float32([[0, 0], [1, 0], [0, 2], [0, -2], [-1, -20]])


class ToySegmenter:
    """Hair is as many columns of one band as its score says, from 4 at a score of 0."""

    digest, device = "toy-segmenter", "cpu"

    def __init__(self):
        self.images = 0

    def __call__(self, images):
        self.images += len(images)
        score = images[:, 0, HAIR, 0] * RANGE
        masks = torch.zeros(len(images), 1, *images.shape[-2:])
        masks[:, 0, HAIR] = (torch.arange(SIDE) < 4 + score[:, None]).float()
        return masks


def columns(score):
    return min(max(math.ceil(4 + score), 0), SIDE)


@pytest.fixture
def case(models):
    """Vectors at w of three scores of hair length, and the directions of eyes and of that."""
    scores = np.zeros((3, 8), np.float32)
    scores[:, HAIR] = [-0.5, 0.5, 1.5]
    truth = models.generator.truth("w")
    directions = truth[[PROPERTIES.index("eyes"), HAIR]]
    return scores @ truth, np.repeat(directions[None], 3, axis=0), scores[:, HAIR]


def test_overlaps_are_those_of_the_columns(models, case):
    latents, vectors, scores = case
    found = hair_stability(models, ToySegmenter(), latents, vectors, GRID, "w")
    for row, score in zip(found, scores, strict=True):
        before = columns(score)
        for overlap, strength in zip(row, GRID[:, 1], strict=True):
            after = columns(score + strength)
            assert overlap == pytest.approx(min(before, after) / max(before, after))
    assert (found[:, :2] == 1).all()  # the eyes leave the hair alone
    assert (found[:, 4] == 0).all()  # all of it is gone


def test_blocks_do_not_change_anything_and_are_found_again(models, case, tmp_path, monkeypatch):
    latents, vectors, _ = case
    whole = hair_stability(models, ToySegmenter(), latents, vectors, GRID, "w")
    monkeypatch.setattr(module, "HAIR_BLOCK", 2)
    first, told = ToySegmenter(), []
    blocks = hair_stability(
        models, first, latents, vectors, GRID, "w", folder=tmp_path, progress=told.append
    )
    assert np.array_equal(whole, blocks)
    assert sum(told) == first.images == 3 * (1 + len(GRID))
    again = ToySegmenter()
    assert np.array_equal(
        hair_stability(models, again, latents, vectors, GRID, "w", folder=tmp_path), whole
    )
    assert again.images == 0
    sorted(tmp_path.iterdir())[0].write_bytes(b"damaged")
    assert np.array_equal(
        hair_stability(models, again, latents, vectors, GRID, "w", folder=tmp_path), whole
    )
    assert again.images > 0


def test_a_test_with_hair_has_its_column_and_its_mean(found):
    settings = EvaluateSettings(cases=3, control_cases=0, hair=True)
    from vectorfind.evaluation.image_test import completed

    settings = completed(settings, found())
    evaluation = run_cases(found(), settings, segmenter=ToySegmenter())
    assert evaluation.hair.shape == (3, len(evaluation.strengths))
    assert np.allclose(evaluation.table[c.HAIR_IOU], evaluation.hair.mean(axis=1))
    row = evaluation.statistics.iloc[0]
    assert row["hair_iou_low"] <= row["hair_iou_mean"] <= row["hair_iou_high"]
    assert row["hair_iou_mean"] == pytest.approx(evaluation.hair.mean())
    figure = hair_figures(found(), evaluation, ToySegmenter())["hair"]
    assert figure.wide.startswith(b"\x89PNG")


def test_without_it_nothing_is_there(found):
    evaluation = evaluate(found(), cases=2, quiet=True)
    assert evaluation.hair is None
    assert c.HAIR_IOU not in evaluation.table


def test_means_over_cases_are_those_of_each_cases_mean():
    table, statistics = pd.DataFrame({"case": [0, 1]}), pd.DataFrame([{"passed": 1}])
    hair = np.array([[1.0, 0.5], [0.25, 0.25]])
    table, statistics = with_hair(table, statistics, hair, EvaluateSettings())
    assert table[c.HAIR_IOU].tolist() == [0.75, 0.25]
    assert statistics["hair_iou_mean"].iloc[0] == 0.5
