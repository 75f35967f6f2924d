"""Conditional manipulation: a direction without what it has in common with others.

Moving along it leaves the others' scores, as far as these are linear, where they were. The idea
and the closed form are InterFaceGAN's (Shen et al., 2020), which gives it for one or two others;
projecting off their span does it for any number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from property_cnn.common.checks import check_names
from property_cnn.common.errors import InputError

LEAST = 1e-3
"""Least part of a unit direction that must be left; of less, rounding is too much."""


def check_conditions(properties: Sequence[str], on: Mapping[str, Sequence[str]]) -> None:
    """Raises InputError for conditions on what is no property, or of one on itself.

    Args:
        properties: of the directions.
        on: property -> the others that it shall leave alone.
    """
    for name, others in on.items():
        check_names("property to condition", (name,), properties)
        check_names(f"condition of {name}", others, properties)
        if name in others:
            raise InputError(f"{name} is conditioned on itself; name other properties")


def project_off(
    vectors: np.ndarray, properties: Sequence[str], conditions: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """Directions with some of them made orthogonal to others, as these came.

    Args:
        vectors: (N, P, d) of unit norm.
        properties: P names.
        conditions: property -> the others that it shall leave alone.

    Returns:
        (N, P, d) float32 of unit norm.

    Raises:
        InputError: nothing of a direction is left.
    """
    projected = vectors.copy()
    for name, others in conditions.items():
        own = vectors[:, properties.index(name)].astype(np.float64)  # (N, d)
        spanning = vectors[:, [properties.index(other) for other in others]].astype(np.float64)
        _, sizes, basis = np.linalg.svd(spanning, full_matrices=False)  # (N, k), (N, k, d)
        basis *= (sizes > 1e-6)[:, :, None]  # others that are alike span less
        rest = own - np.einsum("nk,nkd->nd", np.einsum("nd,nkd->nk", own, basis), basis)
        norms = np.linalg.norm(rest, axis=1, keepdims=True)
        if norms.min(initial=1.0) < LEAST:
            raise InputError(
                f"nothing is left of the direction of {name}: it is made of those of "
                f"{', '.join(others)}; condition it on fewer"
            )
        projected[:, properties.index(name)] = rest / norms
    return projected
