"""The scores of masks: known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.segmentation.metrics import (
    METRICS,
    ClassScores,
    MaskScores,
    mask_iou,
    mask_scores,
)


def test_a_mask_against_itself_is_perfect():
    mask = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert mask_scores(mask, mask) == {"mse": 0, "iou": 1, "dice": 1, "recall": 1, "precision": 1}
    assert tuple(mask_scores(mask, mask)) == METRICS


def test_scores_of_masks_counted_by_hand():
    wanted = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
    found = np.array([1, 1, 0, 1, 0, 0, 0, 0], dtype=float)
    scores = mask_scores(found, wanted)  # 2 hit, 1 extra, 1 missed
    expected = {"mse": 2 / 8, "iou": 2 / 4, "dice": 4 / 6, "recall": 2 / 3, "precision": 2 / 3}
    assert scores == pytest.approx(expected)


def test_all_hair_has_full_recall_and_the_share_of_hair_as_precision():
    wanted = torch.zeros(100)
    wanted[:40] = 1
    scores = mask_scores(torch.ones(100), wanted)
    assert scores["recall"] == 1
    assert scores["precision"] == scores["iou"] == pytest.approx(0.4)
    assert scores["dice"] == pytest.approx(2 * 0.4 / 1.4)


def test_the_error_is_that_of_soft_masks_and_does_not_depend_on_the_batches():
    found, wanted = torch.rand(8, 5, 5), torch.rand(8, 5, 5)
    parts = MaskScores()
    for rows in (slice(0, 3), slice(3, 8)):
        parts.add(found[rows], wanted[rows])
    assert parts.result() == pytest.approx(mask_scores(found, wanted))
    assert parts.result()["mse"] == pytest.approx(float((found - wanted).square().mean()))


def test_shares_of_nothing_are_undefined():
    scores = mask_scores(torch.zeros(4), torch.zeros(4))
    assert scores["mse"] == 0
    assert all(math.isnan(scores[name]) for name in METRICS[1:])


def test_bad_masks_are_refused():
    with pytest.raises(InputError, match="one shape"):
        mask_scores(torch.zeros(2), torch.zeros(3))
    with pytest.raises(InputError, match="divide 8-bit"):
        mask_scores(np.array([255]), np.array([1]))
    with pytest.raises(InputError):
        mask_scores(torch.tensor([float("nan")]), torch.zeros(1))


def test_iou_of_each_pair():
    first = torch.zeros(3, 1, 2, 2)
    second = first.clone()
    first[0, 0, 0] = second[0, 0, 0] = 1
    first[1, 0, 0] = second[1, 0, :, 0] = 1
    assert mask_iou(first, second).tolist() == pytest.approx([1, 1 / 3, 1])


def test_scores_of_several_classes():
    scores = ClassScores(3)
    scores.add(torch.tensor([0, 0, 1, 1, 0]), torch.tensor([0, 1, 1, 1, 255]))
    result = scores.result()
    assert result["iou"][:2] == pytest.approx([1 / 2, 2 / 3])
    assert math.isnan(result["iou"][2])
    assert result["miou"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert result["macc"] == pytest.approx((1 + 2 / 3) / 2)
    assert result["aacc"] == pytest.approx(3 / 4)


def test_labels_that_are_no_class_are_refused_wherever_they_stand():
    scores = ClassScores(3)
    for predicted, target in ((3, 2), (3, 0), (-1, 1), (0, 3), (2, 254), (1, -1)):
        with pytest.raises(InputError, match="labels outside 0 … 2"):
            scores.add(torch.tensor([predicted]), torch.tensor([target]))
    assert not scores.counts.any()
    scores.add(torch.tensor([7]), torch.tensor([255]))  # what does not count may be anything
    with pytest.raises(InputError, match="2 and 3 pixels"):
        scores.add(torch.zeros(2), torch.zeros(3))
    with pytest.raises(InputError, match="at least 2"):
        ClassScores(1)


def test_a_class_absent_from_the_targets_is_nan_and_left_out_of_the_means():
    scores = ClassScores(4)
    scores.add(torch.tensor([0, 0, 2, 3]), torch.tensor([0, 0, 0, 3]))  # 2 told, 1 not even that
    result = scores.result()
    assert result["iou"] == pytest.approx([2 / 3, math.nan, math.nan, 1], nan_ok=True)
    assert result["miou"] == pytest.approx((2 / 3 + 1) / 2)
    assert result["macc"] == pytest.approx((2 / 3 + 1) / 2)
    assert result["aacc"] == pytest.approx(3 / 4)
    scores.add(torch.tensor([0]), torch.tensor([2]))  # now there is one, which is missed
    assert scores.result()["iou"][2] == 0
    assert all(math.isnan(value) for value in ClassScores(2).result()["iou"])
    assert math.isnan(ClassScores(2).result()["miou"])


def test_class_scores_are_those_of_the_masks_of_each_class():
    draws = torch.Generator().manual_seed(0)
    predicted, target = (torch.randint(0, 5, (3, 8, 8), generator=draws) for _ in range(2))
    target[0, :2] = 255
    whole, parts, counted = ClassScores(5), ClassScores(5), target != 255
    whole.add(predicted, target)
    for row in range(3):
        parts.add(predicted[row], target[row].byte())
    assert parts.result() == whole.result()
    masks = [
        mask_scores((predicted == label)[counted], (target == label)[counted]) for label in range(5)
    ]
    assert whole.result()["iou"] == pytest.approx([mask["iou"] for mask in masks])
    recall = [mask["recall"] for mask in masks]
    assert whole.result()["macc"] == pytest.approx(sum(recall) / 5)
