"""How one face answers a direction: from sliders to strengths, by a monotone curve.

A slider from -1 to 1 moves the score evenly from one end of what this face can do to the other.
The curve is measured: scores of edits along the direction, made monotone by isotonic regression,
and inverted by a monotone cubic (PCHIP, Fritsch and Carlson 1980).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LEAST = 0.1
"""Least range of a score, in standard deviations, that counts as an answer."""

_FLAT = 0.02  # share of the range that counts as flat at an end
_SAME = 1e-9  # share of the range that two scores of one level may differ by


@dataclass(frozen=True, eq=False)
class Response:
    """The answer of one face to one direction; K knots.

    Attributes:
        sliders: (K,) rising from -1 to 1; evenly spaced in the score.
        strengths: (K,) of the direction, rising, or falling where it lowers the score.
        low, high: scores at the ends, in the scorer's units.
        rest: slider of the unedited face, whose strength is 0.
    """

    sliders: np.ndarray
    strengths: np.ndarray
    low: float
    high: float
    rest: float

    def strength(self, slider: np.ndarray | float) -> np.ndarray:
        """Strengths of sliders, which are clipped to [-1, 1]; at `rest` exactly 0."""
        slider = np.clip(np.asarray(slider, np.float64), -1, 1)
        return np.where(slider == self.rest, 0.0, self._curve(slider))

    @cached_property
    def _curve(self) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.interpolate import PchipInterpolator

        return PchipInterpolator(self.sliders, self.strengths)

    def score(self, slider: np.ndarray | float) -> np.ndarray:
        """Scores that sliders stand for, in the scorer's units."""
        slider = np.clip(np.asarray(slider, np.float64), -1, 1)
        return self.low + (slider + 1) / 2 * (self.high - self.low)

    def slider(self, score: np.ndarray | float) -> np.ndarray:
        """Sliders of scores in the scorer's units; those out of reach are at an end."""
        place = (np.asarray(score, np.float64) - self.low) / (self.high - self.low)
        return np.clip(2 * place - 1, -1, 1)


def fitted_response(strengths: np.ndarray, scores: np.ndarray, score_std: float) -> Response | None:
    """The response that measured scores tell; None where the score hardly answers.

    Args:
        strengths: (T,) rising, with 0 among them.
        scores: (T,) of the edited images; NaN where one could not be read.
        score_std: of the samples, the unit of `LEAST`.
    """
    from sklearn.isotonic import IsotonicRegression

    strengths, scores = np.asarray(strengths, np.float64), np.asarray(scores, np.float64)
    read = _around_rest(strengths, np.isfinite(scores))
    if read is None:
        return None
    strengths, scores = strengths[read], scores[read]
    raises = np.polyfit(strengths, scores, 1)[0] > 0
    if not raises:  # as a direction turned round
        strengths, scores = -strengths[::-1], scores[::-1]
    risen = IsotonicRegression().fit_transform(strengths, scores)
    low, high = risen[0], risen[-1]
    if not high - low >= LEAST * score_std:
        return None
    first, last = _steep(risen, int(np.flatnonzero(strengths == 0)[0]))
    strengths, risen = strengths[first : last + 1], risen[first : last + 1]
    places = np.concatenate([[0], np.cumsum(np.diff(risen) > _SAME * (high - low))])
    counts = np.bincount(places)
    if len(counts) < 2:
        return None
    levels, middles = (np.bincount(places, each) / counts for each in (risen, strengths))
    middles[[0, -1]] = strengths[0], strengths[-1]
    at_rest = places[np.flatnonzero(strengths == 0)[0]]
    middles[at_rest] = 0.0  # also of a face at an end, whose flat part is none of the way
    sliders = 2 * (levels - levels[0]) / (levels[-1] - levels[0]) - 1
    sliders[[0, -1]] = -1, 1
    signed = middles if raises else -middles
    rest = float(sliders[at_rest])
    return Response(sliders, signed, float(levels[0]), float(levels[-1]), rest)


def _around_rest(strengths: np.ndarray, read: np.ndarray) -> np.ndarray | None:
    """Places of the readable strengths around 0, without a gap; None of fewer than 3."""
    rest = int(np.flatnonzero(strengths == 0)[0])
    if not read[rest]:
        return None
    gaps = np.flatnonzero(~read)
    first = gaps[gaps < rest].max(initial=-1) + 1
    last = gaps[gaps > rest].min(initial=len(strengths))
    return np.arange(first, last) if last - first >= 3 else None


def _steep(risen: np.ndarray, rest: int) -> tuple[int, int]:
    """First and last place of a rising curve without the flat parts of its ends, 0 kept."""
    slack = _FLAT * (risen[-1] - risen[0])
    first = int(np.flatnonzero(risen <= risen[0] + slack).max())
    last = int(np.flatnonzero(risen >= risen[-1] - slack).min())
    return min(first, rest), max(last, rest)
