"""The four attributes of rendered faces, from what the renderer drew them from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from property_cnn.faces import ATTRIBUTES


@dataclass(frozen=True)
class Cut:
    """Between the two classes of an attribute; what lies in between is doubtful.

    Args:
        low, high: standard scores; below `low` is one class, above `high` the other.
    """

    low: float
    high: float


GENDER = Cut(-0.2, 0.2)
FLAWS = Cut(0.8, 1.2)
"""Of blur and noise, whichever is stronger: good below, poor above."""
AGE = Cut(0.2, 0.8)
GLASSES = Cut(0.8, 1.0)
"""They fade in between the two."""


def rendered_labels(attributes: Tensor) -> Tensor:
    """The four labels of rendered faces.

    Args:
        attributes: (N, A) in the order of `property_cnn.faces.ATTRIBUTES`.

    Returns:
        (N, 4) float32, columns as in `CONCEPT`: 1, 0, or NaN where it is doubtful.
    """
    columns = dict(zip(ATTRIBUTES, attributes.unbind(dim=1), strict=True))
    flaws = torch.maximum(columns["blur"], columns["noise"])
    labels = (
        _split(columns["gender"], GENDER),
        1.0 - _split(flaws, FLAWS),
        _split(columns["age"], AGE),
        _split(columns["glasses"], GLASSES),
    )
    return torch.stack(labels, dim=1)


def _split(values: Tensor, cut: Cut) -> Tensor:
    """1 above, 0 below, NaN between."""
    labels = torch.full_like(values, float("nan"), dtype=torch.float32)
    labels[values > cut.high] = 1.0
    labels[values < cut.low] = 0.0
    return labels
