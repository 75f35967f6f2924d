"""Which images are of the concept: bounds on the four probabilities."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from property_cnn.common.errors import InputError
from stylegan_ft.concept.labels import CONCEPT


@dataclass(frozen=True)
class Thresholds:
    """The bounds themselves pass; defaults are the reference system's.

    Args:
        gender: least probability of female cues.
        quality: least probability of good quality.
        age: highest probability of an old face.
        glasses: highest probability of glasses.

    Raises:
        InputError: a bound is outside 0 … 1.
    """

    gender: float = 0.92
    quality: float = 0.9
    age: float = 0.008
    glasses: float = 0.01

    def __post_init__(self):
        for name, bound in asdict(self).items():
            if not 0.0 <= bound <= 1.0:
                raise InputError(f"{name} is {bound}; a threshold is between 0 and 1")

    def within(self, scores: Tensor) -> Tensor:
        """(N, 4) bool: which of the probabilities (N, 4), columns `CONCEPT`, are within the bounds.

        Raises:
            InputError: the scores have another shape.
        """
        if scores.ndim != 2 or scores.shape[1] != len(CONCEPT):
            raise InputError(
                f"scores of shape {tuple(scores.shape)}; need (N, {len(CONCEPT)}): "
                f"{', '.join(CONCEPT)}"
            )
        bounds = scores.new_tensor([self.gender, self.quality, self.age, self.glasses])
        at_least = scores[:, :2] >= bounds[:2]
        at_most = scores[:, 2:] <= bounds[2:]
        return torch.cat([at_least, at_most], dim=1)

    def passes(self, scores: Tensor) -> Tensor:
        """(N,) bool: which of the probabilities (N, 4), columns `CONCEPT`, are within all four.

        Raises:
            InputError: the scores have another shape.
        """
        return self.within(scores).all(dim=1)
