"""Pixels as the bytes of picture files, read again."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from property_cnn.pictures import encoded, read_image, read_labels

PALETTE = ((0, 0, 0), (255, 0, 0), (0, 128, 255))


def stored(folder, content):
    path = folder / "picture.png"
    path.write_bytes(content)
    return path


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("options", [{}, {"quick": True}, {"form": "WEBP"}])
def test_pixels_come_back(tmp_path, options):
    pixels = noise(9, 14, 3)
    assert (read_image(stored(tmp_path, encoded(pixels, **options))) == pixels).all()
    mirrored = pixels[:, ::-1]  # not contiguous
    assert (read_image(stored(tmp_path, encoded(mirrored, **options))) == mirrored).all()


def test_labels_keep_their_numbers_and_show_their_colours(tmp_path):
    labels = noise(6, 5) % len(PALETTE)
    path = stored(tmp_path, encoded(labels, palette=PALETTE))
    assert (read_labels(path) == labels).all()
    assert (read_image(path) == np.array(PALETTE, np.uint8)[labels]).all()


def test_grey_stays_grey():
    with Image.open(BytesIO(encoded(noise(4, 4)))) as picture:
        assert picture.mode == "L"


def test_a_jpeg_is_near_its_pixels():
    pixels = np.full((16, 16, 3), (200, 90, 30), np.uint8)
    with Image.open(BytesIO(encoded(pixels, "JPEG"))) as picture:
        assert picture.format == "JPEG"
        assert np.abs(np.asarray(picture).astype(int) - pixels).max() <= 3
