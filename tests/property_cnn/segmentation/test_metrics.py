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
    with pytest.raises(InputError, match="labels outside"):
        scores.add(torch.tensor([3]), torch.tensor([2]))
