"""Overlays: sky blue, green and blue stand where the masks agree and differ."""

import numpy as np
import pytest

from reports.plots.images import to_pixels
from reports.plots.overlays import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    overlay,
    overlay_sheet,
)
from reports.plots.style import figure_png


def quarters():
    """One grey image; found left half, wanted upper half."""
    images = np.zeros((1, 3, 4, 4), np.float32)
    found, wanted = np.zeros((1, 4, 4)), np.zeros((1, 4, 4), bool)
    found[:, :, :2], wanted[:, :2] = 0.9, True
    return images, found, wanted


def test_colours_tell_hits_from_both_kinds_of_errors():
    pixels = to_pixels(overlay(*quarters(), strength=1.0))[0]
    assert tuple(pixels[0, 0]) == TRUE_POSITIVE
    assert tuple(pixels[3, 0]) == FALSE_POSITIVE
    assert tuple(pixels[0, 3]) == FALSE_NEGATIVE
    assert tuple(pixels[3, 3]) == (128, 128, 128)
    hue = {"sky blue": TRUE_POSITIVE, "green": FALSE_POSITIVE, "blue": FALSE_NEGATIVE}
    assert [int(np.argmax(colour)) for colour in hue.values()] == [2, 1, 2]


def test_the_image_shines_through_and_is_left_outside():
    images, found, wanted = quarters()
    images[:, 0] = 0.5
    mixed = overlay(images, found, wanted, strength=0.5)
    assert np.array_equal(mixed[..., 2:, 2:], images[..., 2:, 2:])
    expected = 0.25 + 0.5 * (TRUE_POSITIVE[0] / 127.5 - 1)
    assert mixed[0, 0, 0, 0] == pytest.approx(expected, abs=1e-6)


def test_a_sheet_has_headings_and_a_legend_and_never_varies():
    figure = overlay_sheet(*quarters(), title="student against teacher")
    assert [text.get_text() for text in figure.texts] == [
        "image",
        "wanted",
        "found",
        "compared",
        "student against teacher",
    ]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["hair in both", "found, but not hair", "hair, but not found"]
    again = overlay_sheet(*quarters(), title="student against teacher")
    assert figure_png(figure) == figure_png(again)


def test_masks_of_another_size_are_refused():
    images, found, wanted = quarters()
    with pytest.raises(ValueError, match="need"):
        overlay(images, found[:, :2], wanted)
