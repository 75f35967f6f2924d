"""The plots: what they average is known in closed form, what they draw is read off the axes."""

import itertools

import matplotlib
import numpy as np
import pytest

from reports.plots import measurements as plots
from reports.plots.style import figure_png

PROPERTIES = ("eyes", "mouth", "pose")
GRID = np.array(list(itertools.product((-1.2, 1.2), (-1.8, 0, 1.8), (-1.8, -0.6, 0.6))))


@pytest.fixture
def scores():
    """Five cases whose scores are twice the strengths, plus an offset of the case."""
    offsets = np.random.default_rng(0).normal(size=(5, 1, 3))
    return 2 * GRID[None] + offsets


def test_marginal_curve_of_a_linear_score_is_the_line(scores):
    levels, curves = plots.marginal_curves(GRID[:, 2], scores[:, :, 2])
    assert levels.tolist() == [-1.8, -0.6, 0.6]
    np.testing.assert_allclose(curves, np.tile(2 * (levels + 0.6), (5, 1)), atol=1e-12)


def test_marginal_curve_passes_over_unreadable_images(scores):
    scores[0, GRID[:, 2] == 0.6, 2] = np.nan  # no image of case 0 at this strength
    scores[1, 0, 2] = np.nan
    _, curves = plots.marginal_curves(GRID[:, 2], scores[:, :, 2])
    assert len(curves) == 4
    assert np.isfinite(curves).all()


@pytest.mark.parametrize("columns", [1, 3])
def test_strength_plot_draws_the_mean_line_of_each_property(scores, columns):
    figure = plots.strength_against_score(GRID, scores, PROPERTIES, 0.1 * scores, columns)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == list(PROPERTIES)
    mean_line = panels[1].lines[-1]
    np.testing.assert_allclose(mean_line.get_ydata(), [-3.6, 0, 3.6], atol=1e-12)


def test_histogram_shows_shares_and_survives_undefined_values():
    corrs = np.array([[0.93, 0.5], [0.93, np.nan], [0.91, np.nan], [0.2, np.nan]])
    figure = plots.corr_histogram(corrs, ("eyes", "own"), {"eyes": 0.92}, np.full((2, 2), np.nan))
    eyes, own = figure.axes
    heights = [patch.get_height() for patch in eyes.patches if hasattr(patch, "get_height")]
    assert max(heights[1:]) == pytest.approx(1.0)  # the shaded pass zones are full height
    assert any(height == pytest.approx(0.75) for height in heights)
    assert not own.lines  # a property without a threshold has none marked


@pytest.mark.parametrize("transpose", [False, True])
def test_heat_map_prints_every_number_with_its_interval(transpose):
    slopes = np.array([[1.0, -0.25, 0.0], [0.5, 0.75, np.nan]])
    figure = plots.slope_heatmap(
        slopes, ("a", "b"), ("a", "b", "c"), slopes - 0.1, slopes + 0.1, transpose
    )
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"+1.00", "−0.25", "+0.75", "–", "+0.90 to +1.10"} <= set(texts)
    assert len(texts) == 12


def test_same_figure_gives_same_bytes_whatever_the_users_settings(scores):
    first = figure_png(plots.strength_against_score(GRID, scores, PROPERTIES))
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30}):
        second = figure_png(plots.strength_against_score(GRID, scores, PROPERTIES))
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"Software" not in first
    assert b"tIME" not in first
