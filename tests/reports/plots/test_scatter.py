"""The maps: every point is drawn once, in its side's colour, and the bytes repeat."""

import numpy as np
import pytest

from reports.plots.scatter import SIDES, tsne_scatter
from reports.plots.style import figure_png

TITLES = ("eyes", "mouth", "pose")


@pytest.fixture
def maps():
    rng = np.random.default_rng(0)
    sides = [rng.random(20 + index) < 0.5 for index in range(3)]
    return [rng.normal(size=(len(side), 2)) for side in sides], sides


def drawn(panel):
    """Colour -> number of points drawn in it."""
    counts = {}
    for dots in panel.collections:
        if len(dots.get_offsets()):
            colour = tuple(np.round(dots.get_facecolor()[0, :3] * 255).astype(int))
            counts[colour] = counts.get(colour, 0) + len(dots.get_offsets())
    return counts


@pytest.mark.parametrize("columns", [1, 3])
def test_every_point_has_its_sides_colour(maps, columns):
    points, sides = maps
    figure = tsne_scatter(points, sides, TITLES, columns)
    assert [panel.get_title(loc="left") for panel in figure.axes] == list(TITLES)
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in SIDES]
    for panel, side in zip(figure.axes, sides, strict=True):
        assert drawn(panel) == {colours[0]: (~side).sum(), colours[1]: side.sum()}
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["bottom samples", "top samples"]


def test_the_narrow_figure_is_taller_and_bytes_repeat(maps):
    points, sides = maps
    wide, narrow = (tsne_scatter(points, sides, TITLES, columns) for columns in (3, 1))
    assert narrow.get_figheight() > narrow.get_figwidth() < wide.get_figwidth()
    assert figure_png(wide) == figure_png(tsne_scatter(points, sides, TITLES, 3))


def test_all_points_in_one_place_are_drawn():
    figure = tsne_scatter([np.zeros((4, 2))], [np.arange(4) < 2], ("eyes",))
    assert figure_png(figure)
