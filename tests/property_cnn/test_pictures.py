"""Pixels as the bytes of picture files, read again, and as images in [-1, 1]."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.pictures import encoded, from_bytes, read_image, read_labels, to_bytes, to_tensor

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


def test_bytes_round_to_the_nearest_level():
    images = torch.tensor([-1.0, -0.5, 0.0, 1.0, 1.2])
    assert to_bytes(images).tolist() == [0, 64, 128, 255, 255]
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(from_bytes(levels)), levels)


def test_pictures_become_images_in_minus_one_to_one():
    pictures = noise(2, 4, 5, 3)
    images = to_tensor(pictures)
    assert images.shape == (2, 3, 4, 5)
    assert images.dtype == torch.float32
    np.testing.assert_allclose(images.movedim(1, -1), pictures / 127.5 - 1, atol=1e-6)
    images.zero_()  # of its own memory
    assert (pictures == noise(2, 4, 5, 3)).all()
