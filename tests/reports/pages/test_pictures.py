"""Pictures of pages: small, and still the same picture."""

from io import BytesIO

import numpy as np
from PIL import Image

from reports.pages.pictures import webp


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(packed: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(packed)).convert("RGB")).astype(int)


def test_plot_of_few_colours_loses_nothing():
    drawn = np.full((80, 120, 3), 255)
    drawn[20:24] = (31, 111, 159)
    drawn[:, 60:62] = (194, 87, 26)
    assert (pixels(webp(png(drawn), photo=False)) == drawn).all()


def test_photo_is_smaller_than_its_png_and_close_to_it():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:128, :128]
    face = np.stack([rows, columns, rows + columns], -1) + rng.normal(0, 6, (128, 128, 3))
    face = face.clip(0, 255).round()
    packed = webp(png(face), photo=True)
    assert len(packed) < len(png(face)) / 3
    assert np.abs(pixels(packed) - face).mean() < 8


def test_same_picture_gives_the_same_bytes():
    drawn = np.arange(48 * 48 * 3).reshape(48, 48, 3) % 256
    for photo in (False, True):
        assert webp(png(drawn), photo) == webp(png(drawn), photo)
