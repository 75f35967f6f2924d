"""Label maps in colours: known pixels, and a sheet of pictures of several sizes."""

from __future__ import annotations

import numpy as np

from reports import figure_png
from reports.plots.labels import blended, coloured, comparison_sheet, label_sheet

PALETTE = [(255, 0, 0), (0, 255, 0)]


def test_labels_take_their_colours_and_others_are_grey():
    labels = np.array([[0, 1], [255, 7]])
    assert coloured(labels, PALETTE).tolist() == [
        [[255, 0, 0], [0, 255, 0]],
        [[128, 128, 128], [128, 128, 128]],
    ]


def test_unlabelled_pixels_stay_as_they_are():
    picture = np.full((1, 2, 3), 100, np.uint8)
    mixed = blended(picture, np.array([[0, 255]]), PALETTE, 0.5)
    assert mixed.tolist() == [[[178, 50, 50], [100, 100, 100]]]


def test_a_sheet_takes_pictures_of_several_sizes():
    sizes = ((20, 30), (24, 16))
    pictures = [np.zeros((*size, 3), np.uint8) for size in sizes]
    maps = [np.zeros(size, np.uint8) for size in sizes]
    figure = label_sheet(pictures, maps, maps, ["sky", "road"], PALETTE)
    assert figure_png(figure).startswith(b"\x89PNG")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sky", "road"]


def test_a_sheet_shows_what_is_wrong_and_leaves_out_what_does_not_count():
    wanted = np.array([[0, 1], [1, 255]], np.uint8).repeat(200, axis=0).repeat(200, axis=1)
    found = np.zeros_like(wanted)
    picture = np.zeros((400, 400, 3), np.uint8)
    figure = label_sheet([picture], [wanted], [found], ["sky", "road"], PALETTE)
    compared = figure.images[3].get_array()
    right, wrong, uncounted = [235] * 3, [214, 40, 40], [128] * 3
    corners = compared[::399, ::399]
    assert corners.tolist() == [[right, wrong], [wrong, uncounted]]


def test_networks_stand_below_each_other_and_images_beside():
    wanted = np.zeros((200, 200), np.uint8)
    other = np.ones_like(wanted)
    pictures = {"a": np.zeros((200, 200, 3), np.uint8), "b": np.full((200, 200, 3), 90, np.uint8)}
    found = {"teacher": [wanted, other], "baseline": [other, wanted]}
    figure = comparison_sheet(pictures, [wanted, wanted], found, ["sky", "road"], PALETTE)
    cells = [image.get_array()[100, 100].tolist() for image in figure.images]
    right, wrong, sky, road = [235] * 3, [214, 40, 40], [191, 0, 0], [0, 191, 0]
    light_sky, light_road = [214, 22, 22], [22, 214, 22]
    assert cells[:4] == [[0] * 3, sky, [90] * 3, light_sky]
    assert cells[4:8] == [sky, right, light_road, wrong]
    assert cells[8:] == [road, wrong, light_sky, right]
    told = [text.get_text() for text in figure.texts]
    assert told == ["image, labels", "teacher", "baseline", "a", "b"]
    places = [(image.ox, image.oy) for image in figure.images]
    assert len({x for x, _ in places}) == 4
    assert [y for _, y in places[::4]] == sorted((y for _, y in places[::4]), reverse=True)
