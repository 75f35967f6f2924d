"""Curves from sliders to strengths: planted answers, flat ends, faces that cannot be read."""

import numpy as np
import pytest

from vectorfind.characters.responses import fitted_response

STRENGTHS = np.linspace(-2, 2, 17)


@pytest.mark.parametrize(
    "answer",
    [lambda s: 3 * s, lambda s: -0.5 * s + 4, np.tanh, lambda s: np.exp(s / 2), lambda s: s**3],
)
def test_sliders_move_the_score_evenly(answer):
    response = fitted_response(STRENGTHS, answer(STRENGTHS), 1.0)
    sliders = np.linspace(-1, 1, 41)
    reached = answer(response.strength(sliders))
    assert np.corrcoef(sliders, reached)[0, 1] > 0.999
    np.testing.assert_allclose(reached, response.score(sliders), atol=0.03 * np.ptp(reached))
    assert response.low < response.high


def test_rest_is_the_unedited_face():
    response = fitted_response(STRENGTHS, 2 * STRENGTHS + 7, 1.0)
    assert response.strength(response.rest) == 0.0
    assert response.score(response.rest) == pytest.approx(7)
    skew = fitted_response(np.linspace(-1, 3, 17), np.linspace(-1, 3, 17), 1.0)
    assert skew.rest == pytest.approx(-0.5)
    assert skew.strength(skew.rest) == 0


def test_flat_ends_are_none_of_the_way():
    scores = np.clip(STRENGTHS, -1, 0.5)
    response = fitted_response(STRENGTHS, scores, 1.0)
    assert response.strengths[0] == pytest.approx(-1)
    assert response.strengths[-1] == 0.5
    at_end = fitted_response(STRENGTHS, np.minimum(STRENGTHS, 0), 1.0)  # as a mouth that is shut
    assert at_end.rest == 1.0
    assert at_end.strengths[-1] == 0.0


def test_noise_does_not_bend_back():
    noise = np.random.default_rng(0).normal(0, 0.2, 17)
    response = fitted_response(STRENGTHS, STRENGTHS + noise, 1.0)
    assert (np.diff(response.strength(np.linspace(-1, 1, 101))) >= 0).all()


def test_unreadable_images_end_the_way():
    scores = STRENGTHS.copy()
    scores[[1, 14]] = np.nan
    response = fitted_response(STRENGTHS, scores, 1.0)
    assert response.strengths[0] == STRENGTHS[2]
    assert response.strengths[-1] == STRENGTHS[13]
    scores[8] = np.nan
    assert fitted_response(STRENGTHS, scores, 1.0) is None


def test_no_answer_is_none():
    assert fitted_response(STRENGTHS, 0.01 * STRENGTHS, 1.0) is None
    assert fitted_response(STRENGTHS, np.zeros(17), 1.0) is None


def test_scores_and_sliders_are_inverse():
    response = fitted_response(STRENGTHS, np.exp(STRENGTHS), 1.0)
    sliders = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(response.slider(response.score(sliders)), sliders, atol=1e-12)
    assert response.slider(1e9) == 1.0
    assert response.strength(7.0) == response.strengths[-1]


def test_scores_a_rounding_apart_are_one_level():
    scores = np.array([0, 1, np.nextafter(1, 2), 2, 3.0])
    response = fitted_response(np.linspace(-2, 2, 5), scores, 1.0)
    assert len(response.sliders) == 4
    assert response.strength(response.rest) == 0
