"""The linear SVM of squared hinge loss, solved to rounding: what scikit-learn's `LinearSVC` nears.

The loss of its primal form is smooth but for a jump of its curvature, so that Newton's method with
an exact line search ends after a few steps (Mangasarian, "A Finite Newton Method for
Classification", 2002; Keerthi and DeCoste, "A Modified Finite Newton Method for Fast Solution of
Large Scale Linear SVMs", 2005). A step's equations are solved by conjugate gradients, whose
preconditioner is the Cholesky factor, in single precision, of the Gram matrix of an early step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TOLERANCE = 1e-9
"""Length of the gradient, to its first, at which a fit has ended."""

MOST_STEPS = 100
"""Of Newton; five or six are usual."""

_MOST_INNER = 200
_FEWER = 0.5  # of the vectors that the preconditioner was made of, at which it is made again
_MANY = 30  # steps of conjugate gradients, after which it is, in double precision if it was new

Solve = Callable[[np.ndarray], np.ndarray]


class SquaredHingeSvm:
    """A linear SVM, used like scikit-learn's `LinearSVC(C=c, dual=False)`.

    It minimises |w|²/2 + C · sum over samples of max(0, 1 − y (x·w))², where x has a last number 1
    for the intercept. The minimum is met to rounding, not to a tolerance, so that the direction is
    the same on any processor but for rounding.

    Args:
        c: weight of the loss, above 0.

    Attributes:
        coef_: (1, d) float64, normal of the plane, towards class 1.
        intercept_: (1,) of the plane.
        n_iter_: steps that the fit took.
    """

    coef_: np.ndarray
    intercept_: np.ndarray
    n_iter_: int

    def __init__(self, c: float = 1.0):
        self.c = c

    def fit(self, x: np.ndarray, target: np.ndarray) -> SquaredHingeSvm:
        """Fits the plane between vectors (k, d) of class 0 and of class 1."""
        sides = np.where(np.asarray(target) > 0, 1.0, -1.0)
        signed = np.empty((len(x), x.shape[1] + 1))
        np.multiply(x, sides[:, None], out=signed[:, :-1])
        signed[:, -1] = sides
        weights, self.n_iter_ = minimum(signed, self.c)
        self.coef_, self.intercept_ = weights[None, :-1], weights[-1:]
        return self

    def score(self, x: np.ndarray, target: np.ndarray) -> float:
        """Share of vectors (k, d) on the right side of the plane."""
        above = x @ self.coef_[0] + self.intercept_[0] > 0
        return float(np.mean(above == (np.asarray(target) > 0)))


def minimum(signed: np.ndarray, c: float) -> tuple[np.ndarray, int]:
    """The weights (d,) that minimise |w|²/2 + C · Σ max(0, 1 − signed · w)², and Newton's steps.

    Args:
        signed: (k, d) float64, vectors times their class, 1 or -1.
        c: weight of the loss.
    """
    weights, margins = np.zeros(signed.shape[1]), np.zeros(len(signed))
    first, before = 0.0, _Preconditioner(c)
    for steps in range(MOST_STEPS):
        active = margins < 1
        count = int(active.sum())
        inside = signed if count == len(signed) else signed[active]
        gradient = weights - 2 * c * (inside.T @ (1 - margins[active]))
        length = float(np.linalg.norm(gradient))
        first = first or length
        if length <= TOLERANCE * first:
            return weights, steps
        before.suit(inside)
        move = _newton_step(inside, c, gradient, before, min(0.1, length / first))
        along = signed @ move
        size = _line_minimum(weights, move, margins, along, c)
        if not size > 0:  # no descent is left that rounding does not hide
            return weights, steps
        weights, margins = weights + size * move, margins + size * along
    return weights, MOST_STEPS


def _newton_step(
    inside: np.ndarray, c: float, gradient: np.ndarray, before: _Preconditioner, tolerance: float
) -> np.ndarray:
    """Solves (1 + 2 C XᵀX) move = -gradient, of the vectors inside the margin."""
    from scipy.sparse.linalg import LinearOperator, cg

    shape = (len(gradient), len(gradient))
    curvature = LinearOperator(shape, lambda v: v + 2 * c * (inside.T @ (inside @ v)), dtype=float)
    nearly = LinearOperator(shape, before.solve, dtype=float)
    return cg(
        curvature, -gradient, rtol=tolerance, maxiter=_MOST_INNER, M=nearly, callback=before.count
    )[0]


class _Preconditioner:
    """Nearly solves (1 + 2 C XᵀX) v = u: for the vectors of an earlier step, in single precision.

    It is made again when it takes too many steps, or the vectors have become few; and in double
    precision where one that was new took too many, as for a large C.
    """

    def __init__(self, c: float):
        self.c, self.dtype = c, np.float32
        self.made_of = self.taken = self.used = 0

    def suit(self, inside: np.ndarray) -> None:
        """Makes it again for vectors (k, d), if need be."""
        from scipy.linalg import LinAlgError

        slow = self.taken > _MANY
        if slow and self.used == 1:
            self.dtype = np.float64
        if slow or not self.made_of or len(inside) < _FEWER * self.made_of:
            try:
                self.solve = _factor(inside.astype(self.dtype), self.c)
            except LinAlgError:  # no longer positive, by rounding
                self.dtype = np.float64
                self.solve = _factor(inside, self.c)
            self.made_of, self.used = len(inside), 0
        self.taken = 0
        self.used += 1

    def count(self, _: np.ndarray) -> None:
        """Counts a step of conjugate gradients."""
        self.taken += 1


def _factor(inside: np.ndarray, c: float) -> Solve:
    """Solves (1 + 2 C XᵀX) v = u, by the smaller of two Gram matrices (Woodbury's identity)."""
    from scipy.linalg import cho_factor, cho_solve

    wide = len(inside) < inside.shape[1]
    gram = (inside @ inside.T) if wide else (inside.T @ inside)
    gram *= 2 * c
    gram.flat[:: len(gram) + 1] += 1
    factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=True)

    def solve(u: np.ndarray) -> np.ndarray:
        narrow = u.astype(inside.dtype)
        if not wide:
            return cho_solve(factor, narrow, check_finite=False).astype(float)
        return u - 2 * c * (inside.T @ cho_solve(factor, inside @ narrow)).astype(float)

    return solve


def _line_minimum(
    weights: np.ndarray, move: np.ndarray, margins: np.ndarray, along: np.ndarray, c: float
) -> float:
    """How much of the move leads to the least loss along it; its derivative only rises."""
    from scipy.optimize import brentq

    linear, square = weights @ move, move @ move

    def slope(size: float) -> float:
        gaps = 1 - margins - size * along
        active = gaps > 0
        return linear + size * square - 2 * c * (along[active] @ gaps[active])

    if not slope(0.0) < 0:
        return 0.0
    most = 1.0
    while slope(most) < 0:
        most *= 2
    return float(brentq(slope, 0.0, most, xtol=1e-14, rtol=1e-14))
