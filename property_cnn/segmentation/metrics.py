"""How well masks fit: MSE, IoU, DICE, recall and precision, pooled over the pixels of all images.

Pooled, DICE = 2 IoU / (1 + IoU), which the reference system's table obeys too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from property_cnn.segmentation.settings import IGNORED

METRICS = ("mse", "iou", "dice", "recall", "precision")
"""Names of the scores, in the order of the table in docs/hair.md."""

THRESHOLD = 0.5


class MaskScores:
    """Adds up masks batch by batch.

    Both masks are cut at 0.5, a pixel of exactly 0.5 counting as hair; the mean squared error is
    that of the soft masks before.
    """

    def __init__(self):
        self.true_positive = self.false_positive = self.false_negative = self.pixels = 0
        self.squared = 0.0

    def add(self, predicted: Tensor | np.ndarray, target: Tensor | np.ndarray) -> None:
        """Counts a batch: two arrays of one shape with values in [0, 1], or bool.

        Raises:
            InputError: the shapes differ, or a value is outside [0, 1].
        """
        predicted, target = _values(predicted), _values(target)
        if predicted.shape != target.shape:
            raise InputError(
                f"masks of {tuple(predicted.shape)} and {tuple(target.shape)}; need one shape"
            )
        hit, truth = predicted >= THRESHOLD, target >= THRESHOLD
        self.true_positive += int((hit & truth).sum())
        self.false_positive += int((hit & ~truth).sum())
        self.false_negative += int((~hit & truth).sum())
        self.squared += float((predicted - target).double().square().sum())
        self.pixels += predicted.numel()

    def result(self) -> dict[str, float]:
        """The scores by name, in the order of `METRICS`.

        NaN where nothing was counted or a share has no pixels: e.g. recall without any hair.
        """
        hit, extra, missed = self.true_positive, self.false_positive, self.false_negative
        return {
            "mse": _ratio(self.squared, self.pixels),
            "iou": _ratio(hit, hit + extra + missed),
            "dice": _ratio(2 * hit, 2 * hit + extra + missed),
            "recall": _ratio(hit, hit + missed),
            "precision": _ratio(hit, hit + extra),
        }


class ClassScores:
    """Adds up label maps with several classes: IoU of each, and the means that go with it."""

    def __init__(self, classes: int):
        if classes < 2:
            raise InputError(f"{classes} classes; need at least 2")
        self.classes = classes
        self.counts = torch.zeros(classes, classes, dtype=torch.int64)  # target × predicted

    def add(self, predicted: Tensor, target: Tensor, ignore: int = IGNORED) -> None:
        """Counts label maps of one shape; pixels whose target label is `ignore` are left out."""
        predicted, target = predicted.flatten().long().cpu(), target.flatten().long().cpu()
        if predicted.shape != target.shape:
            raise InputError(f"label maps of {predicted.numel()} and {target.numel()} pixels")
        kept = target != ignore
        predicted, target = predicted[kept], target[kept]
        for labels in (predicted, target):
            if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
                raise InputError(f"labels outside 0 … {self.classes - 1}")
        counted = torch.bincount(target * self.classes + predicted, minlength=self.counts.numel())
        self.counts += counted.view(self.classes, self.classes)

    def result(self) -> dict[str, object]:
        """`iou` (one a class), their mean `miou`, `macc` and `aacc`.

        A class of which no target has a pixel has the IoU NaN, and is left out of the means.
        """
        hit = self.counts.diagonal().double()
        target, predicted = self.counts.sum(dim=1).double(), self.counts.sum(dim=0).double()
        union = target + predicted - hit
        iou = torch.where(target > 0, hit / union, torch.nan)
        recall = torch.where(target > 0, hit / target, torch.nan)
        return {
            "iou": iou.tolist(),
            "miou": iou.nanmean().item(),
            "macc": recall.nanmean().item(),
            "aacc": _ratio(float(hit.sum()), float(target.sum())),
        }


def mask_scores(predicted: Tensor | np.ndarray, target: Tensor | np.ndarray) -> dict[str, float]:
    """The five scores of masks against the target, of one shape; see `MaskScores`."""
    scores = MaskScores()
    scores.add(predicted, target)
    return scores.result()


def mask_iou(first: Tensor, second: Tensor) -> Tensor:
    """(N,) float64 IoU of each pair of masks (N, ...), cut at 0.5; 1 where both are empty."""
    first = (first >= THRESHOLD).flatten(1)
    second = (second >= THRESHOLD).flatten(1)
    common = (first & second).sum(dim=1).double()
    either = (first | second).sum(dim=1).double()
    return torch.where(either > 0, common / either.clamp_min(1), 1.0)


def _values(mask: Tensor | np.ndarray) -> Tensor:
    values = torch.as_tensor(mask)
    values = values.float() if not values.is_floating_point() else values
    if values.numel() and not ((values >= 0) & (values <= 1)).all():
        raise InputError("a mask has values outside [0, 1]; divide 8-bit masks by 255")
    return values.cpu()


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
