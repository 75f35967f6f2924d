"""Blocks of cases: cached and found again, never taken for another test's, repaired; the overlap
of hair masks before and after edits: closed forms on toy networks.
"""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from property_cnn.properties import PROPERTIES
from reports import columns as c
from tests.vectorfind.conftest import RANGE, SIDE, ToyGenerator, ToyScorer
from vectorfind.config import EvaluateSettings
from vectorfind.directions.edits import CaseEdits
from vectorfind.evaluation import cases
from vectorfind.evaluation.cases import Onlookers, case_scores
from vectorfind.evaluation.image_test import completed, run_cases, with_hair
from vectorfind.models.pair import Models
from vectorfind.pipeline import evaluate
from vectorfind.runs.figures import hair_figure


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(0)
    latents, vectors, grid = (rng.standard_normal(s) for s in ((40, 8), (40, 3, 8), (5, 3)))
    return tuple(array.astype(np.float32) for array in (latents, vectors, grid))


class Counting(ToyScorer):
    def __init__(self):
        super().__init__()
        self.images = 0

    def __call__(self, images):
        self.images += len(images)
        return super().__call__(images)


def scored(inputs, folder=None, **changes):
    scorer = Counting()
    latents, vectors, grid = inputs
    edits = CaseEdits(Models(ToyGenerator(), scorer), latents, vectors, grid, "w", 16)
    options = {"workers": 1, "folder": folder} | changes
    return case_scores(edits, **options).scores, scorer.images


def test_scores_are_those_of_the_moved_vectors(inputs, models):
    latents, vectors, grid = inputs
    done = []
    scores, images = scored(inputs, progress=done.append)
    moved = latents[:, None] + np.einsum("sp,cpd->csd", grid, vectors)
    assert np.allclose(scores, moved @ models.generator.truth("w").T, atol=1e-4)
    assert (images, sum(done)) == (200, 200)


def test_finished_blocks_are_not_made_again(inputs, tmp_path):
    first, _ = scored(inputs, tmp_path)
    sorted(tmp_path.glob("*.npz"))[1].unlink()
    again, images = scored(inputs, tmp_path)
    assert images in (5 * 16, 5 * 8)
    assert again.tobytes() == first.tobytes()


def test_a_damaged_block_is_made_again(inputs, tmp_path):
    first, _ = scored(inputs, tmp_path)
    for path in tmp_path.glob("*.npz"):
        content = bytearray(path.read_bytes())
        content[-300] ^= 1
        path.write_bytes(bytes(content))
    again, images = scored(inputs, tmp_path)
    assert images == 200
    assert again.tobytes() == first.tobytes()


def test_another_tests_blocks_are_not_taken(inputs, tmp_path):
    scored(inputs, tmp_path)
    latents, vectors, grid = inputs
    assert scored((latents, vectors, grid + 1), tmp_path)[1] == 200
    assert scored((latents, -vectors, grid), tmp_path)[1] == 200


def test_workers_change_no_byte(inputs):
    assert scored(inputs, workers=3)[0].tobytes() == scored(inputs)[0].tobytes()


def test_networks_without_a_digest_keep_nothing(inputs, tmp_path):
    generator = ToyGenerator()
    generator.digest = ""
    latents, vectors, grid = inputs
    edits = CaseEdits(Models(generator, ToyScorer()), latents, vectors, grid, "w", 16)
    case_scores(edits, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


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


def overlaps(models, case, segmenter, **options):
    latents, vectors, _ = case
    edits = CaseEdits(models, latents, vectors, GRID, "w", 16)
    return case_scores(edits, Onlookers(segmenter), len(latents), **options).overlaps


def test_overlaps_are_those_of_the_columns(models, case):
    measured = overlaps(models, case, ToySegmenter())
    for row, score in zip(measured, case[2], strict=True):
        before = columns(score)
        for overlap, strength in zip(row, GRID[:, 1], strict=True):
            after = columns(score + strength)
            assert overlap == pytest.approx(min(before, after) / max(before, after))
    assert (measured[:, :2] == 1).all()  # the eyes leave the hair alone
    assert (measured[:, 4] == 0).all()  # all of it is gone


def test_hair_is_masked_on_the_images_that_are_scored(models, case):
    latents, vectors, _ = case
    counting, segmenter = Counting(), ToySegmenter()
    edits = CaseEdits(Models(models.generator, counting), latents, vectors, GRID, "w", 16)
    plain = case_scores(edits).scores
    counting.images, made = 0, []
    real = edits.models.generator.synthesize
    edits.models.generator.synthesize = lambda v, layer: made.append(len(v)) or real(v, layer)
    try:
        result = case_scores(edits, Onlookers(segmenter), masked=2)
    finally:
        del edits.models.generator.synthesize
    assert np.array_equal(result.scores, plain)
    assert result.overlaps.shape == (2, len(GRID))
    assert counting.images == 3 * len(GRID)
    assert sum(made) == 3 * len(GRID) + 2  # the unedited ones of the masked
    assert segmenter.images == 2 * (1 + len(GRID))


def test_blocks_of_overlaps_change_nothing_and_are_found_again(models, case, tmp_path, monkeypatch):
    whole = overlaps(models, case, ToySegmenter())
    monkeypatch.setattr(cases, "CASE_BLOCK", 2)
    first, steps = ToySegmenter(), []
    blocks = overlaps(models, case, first, folder=tmp_path, progress=steps.append)
    assert np.array_equal(whole, blocks)
    assert sum(steps) == first.images == 3 * (1 + len(GRID))
    again = ToySegmenter()
    assert np.array_equal(overlaps(models, case, again, folder=tmp_path), whole)
    assert again.images == 0
    sorted(tmp_path.iterdir())[0].write_bytes(b"damaged")
    assert np.array_equal(overlaps(models, case, again, folder=tmp_path), whole)
    assert again.images > 0


def test_a_test_with_hair_has_its_column_and_its_mean(found):
    settings = EvaluateSettings(cases=3, control_cases=0, hair=True)
    settings = completed(settings, found())
    evaluation = run_cases(found(), settings, segmenter=ToySegmenter())
    assert evaluation.hair.shape == (3, len(evaluation.strengths))
    assert np.allclose(evaluation.table[c.HAIR_IOU], evaluation.hair.mean(axis=1))
    row = evaluation.statistics.iloc[0]
    assert row["hair_iou_low"] <= row["hair_iou_mean"] <= row["hair_iou_high"]
    assert row["hair_iou_mean"] == pytest.approx(evaluation.hair.mean())
    figure = hair_figure(found(), evaluation, ToySegmenter())
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


def test_a_large_grid_has_small_blocks_so_that_progress_is_seen(inputs, tmp_path, monkeypatch):
    whole, _ = scored(inputs)
    monkeypatch.setattr(cases, "BLOCK_IMAGES", 11)  # two cases of five images
    done = []
    parted, _ = scored(inputs, tmp_path, progress=done.append)
    assert done == [10] * 20
    assert len(list(tmp_path.glob("*.npz"))) == 20
    assert np.allclose(parted, whole, atol=1e-5)
