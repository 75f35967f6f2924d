"""Where a student follows its teacher: everywhere, or less where the teacher is no help.

A teacher that is better on the whole may be worse on one class, and pulls its students down there.
What its answer weighs at a pixel of label y is here

- "class": how much its IoU of class y on images held out is above the student's, as a share of
  `MARGIN`, cut to [0, 1]: a class that the student tells as well already is left to the labels;
- "pixel": its own probability of y there, exp(-cross-entropy): an answer that is wrong is not
  followed, a doubtful one half.

Pixels without a label weigh nothing then, since nothing says whether the teacher is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from property_cnn.segmentation.settings import IGNORED

MARGIN = 0.1
"""Difference of IoUs from which on a class of the teacher is followed wholly."""


def class_trust(teacher: Sequence[float], student: Sequence[float]) -> Tensor:
    """(C,) weights of the classes in [0, 1].

    Args:
        teacher, student: C IoUs in [0, 1] on images that neither was trained on; a class without
            any pixel there is NaN, and followed wholly.
    """
    ahead = torch.tensor(teacher, dtype=torch.float64) - torch.tensor(student, dtype=torch.float64)
    return (ahead / MARGIN).clamp(0, 1).nan_to_num(1.0).float()


def class_weights(trusted: Tensor, labels: Tensor) -> Tensor:
    """(N, H, W) weights of pixels with labels (N, H, W) by those of their classes (C,)."""
    known = labels != IGNORED
    weights = trusted.to(labels.device)[labels.long().masked_fill(~known, 0)]
    return weights * known


def pixel_weights(teacher: Tensor, labels: Tensor) -> Tensor:
    """(N, H, W) probabilities that a teacher's logits (N, C, H, W) give the labels (N, H, W)."""
    known = labels != IGNORED
    indices = labels.long().masked_fill(~known, 0)
    return teacher.softmax(dim=1).gather(1, indices[:, None])[:, 0] * known
