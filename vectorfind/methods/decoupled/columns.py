"""The formula of decoupled directions.

Of all changes of a vector that move one score by one standard deviation and leave the others, the
shortest one for the distribution of the vectors: with J the derivatives of the standardised scores
and Σ the covariance of the vectors, the columns of Σ Jᵀ (J Σ Jᵀ + Λ)⁻¹. This is the right inverse
of J that is least in Mahalanobis's distance (Penrose 1955); Λ, above 0 for scores that are kept,
lets those give way where holding them would take too long a way (Tikhonov).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from property_cnn.common.errors import InputError

SINGULAR = 1e-9
"""Least eigenvalue of the scores' covariance, as a share of the largest, where it is inverted."""


def decoupled_columns(
    jacobian: np.ndarray, factor: np.ndarray, damping: np.ndarray, names: Sequence[str] = ()
) -> np.ndarray:
    """Changes of a vector, a column a score.

    Args:
        jacobian: (..., A, k) derivatives of A standardised scores by coordinates of unit variance,
            one matrix or many.
        factor: (d, k), from such coordinates to vectors: Σ is factor factorᵀ.
        damping: (A,) Λ's diagonal, each 0 or more; 0 holds a score exactly.
        names: of the scores, for errors.

    Returns:
        (..., d, A) float64: column a moves score a by 1 and the others by 0, to first order and
        but for the damping.

    Raises:
        InputError: two of the scores, or more, have the same derivative.
    """
    transposed = np.swapaxes(jacobian, -1, -2).astype(np.float64)
    together = jacobian.astype(np.float64) @ transposed + np.diag(damping)
    values = np.linalg.eigvalsh(together)
    apart = values[..., 0] > SINGULAR * values[..., -1]
    if not apart.all():
        raise InputError(f"{_alike(together[~apart][0], names)}; leave one of them out")
    return factor @ transposed @ np.linalg.inv(together)


def _alike(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Says which scores have the same derivative, by the cosines of these."""
    lengths = np.sqrt(np.maximum(np.diag(matrix), np.finfo(float).tiny))
    if len(names) == len(matrix):
        still = [name for name, length in zip(names, lengths, strict=True) if length < 1e-12]
        if still:
            return f"nothing at this layer moves {', '.join(still)}"
        cosines = np.abs(matrix / np.outer(lengths, lengths)) - np.eye(len(matrix))
        one, other = np.unravel_index(cosines.argmax(), cosines.shape)
        if cosines[one, other] > 1 - 1e-3:
            return f"{names[one]} and {names[other]} move as one"
    return f"the {len(matrix)} scores ({', '.join(names)}) do not move apart"
