"""Pictures of edits: pixels stay what they were, and stand where the labels say."""

import itertools
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from reports.plots import images
from reports.plots.style import figure_png

ENDS = (("closed", "open"), ("closed", "open"), ("left", "right"))
NAMES = ("eyes", "mouth", "pose")


def plain(value, size=128):
    return np.full((3, size, size), value, dtype=np.float32)


def as_array(figure):
    return np.asarray(Image.open(BytesIO(figure_png(figure))).convert("RGB")).astype(int)


def test_pixels_span_the_range_and_clip():
    pixels = images.to_pixels(np.array([-1.5, -1, 0, 1, 2]).reshape(5, 1, 1, 1).repeat(3, 1))
    assert pixels[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]
    assert pixels.shape == (5, 1, 1, 3)


def test_tile_enlarges_small_images_and_keeps_their_order():
    batch = np.stack([[plain(-1, 64), plain(1, 64)], [plain(0, 64), plain(-1, 64)]])
    sheet = images.tile(batch)
    assert sheet.shape == (260, 260, 3)
    corners = [sheet[0, 0, 0], sheet[0, -1, 0], sheet[-1, 0, 0], sheet[-1, -1, 0]]
    assert corners == [0, 255, 128, 0]


def test_strip_shows_the_pixels_unchanged_under_their_strengths():
    levels = (-1.0, 0.0, 1.0)
    figure = images.image_strip(np.array([[plain(v) for v in levels]]), levels, "eyes", ENDS[0])
    picture = as_array(figure)
    centre = picture.shape[0] - 8 - 64
    assert [picture[centre, 84 + 132 * column + 64, 0] for column in range(3)] == [0, 128, 255]
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["eyes: closed ← → open", "−1.0", "unedited", "+1.0", "case 0"]


def test_extremes_stand_beside_the_unedited_image_under_their_words():
    rows = np.array([[plain(v) for v in (0.0, -1.0, 1.0, -0.5, 0.5)]])
    figure = images.extremes_sheet(rows, NAMES[1:], ENDS[1:])
    picture = as_array(figure)
    centre = picture.shape[0] - 64
    assert [picture[centre, 132 * column + 64, 0] for column in range(5)] == [128, 0, 255, 64, 191]
    texts = [text.get_text() for text in figure.texts]
    assert texts == ["unedited", "closed", "open", "left", "right", "mouth", "pose"]
    with pytest.raises(ValueError, match="5 columns; 3 properties have 7"):
        images.extremes_sheet(rows, NAMES, ENDS)


@pytest.mark.parametrize("stacked", [False, True])
def test_grid_orders_images_by_strength_whatever_order_they_come_in(stacked):
    strengths = np.array(list(itertools.product((-1, 1), (-1, 0, 1), (-2, 0))), dtype=float)
    batch = np.stack([plain((e + m + p) / 4, 64) for e, m, p in strengths])
    shuffled = np.random.default_rng(0).permutation(len(batch))
    figure = images.case_grid(batch, strengths, NAMES, ENDS, stacked)
    again = images.case_grid(batch[shuffled], strengths[shuffled], NAMES, ENDS, stacked)
    assert figure_png(figure) == figure_png(again)
    assert {"eyes −1.0 (closed)", "eyes +1.0 (open)"} <= {t.get_text() for t in figure.texts}
    picture = as_array(figure)
    assert picture[70, 100, 0] == 0  # all strengths low
    assert picture[70, 100 + 116, 0] == 64  # pose one step up


def test_an_incomplete_grid_is_refused():
    strengths = np.array(list(itertools.product((-1, 1), (-1, 1), (-1, 1))))[:-1]
    with pytest.raises(ValueError, match="7 images are not a full grid"):
        images.case_grid(np.zeros((7, 3, 8, 8)), strengths, NAMES, ENDS)
