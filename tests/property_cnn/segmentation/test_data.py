"""Pictures of every kind, and folders of them with label maps as squares."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common.errors import InputError
from property_cnn.pictures import read_image, read_labels
from property_cnn.segmentation.data import LabelledSquares
from property_cnn.segmentation.labelled import Classes, LabelledImages
from tests.property_cnn.segmentation.shapes import painted, shapes, written


def test_pictures_of_every_kind_become_rgb(tmp_path):
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    expected = np.repeat(ramp[..., None], 3, axis=2)

    def reads(picture, name="a.png"):
        picture.save(tmp_path / name)
        return read_image(tmp_path / name)

    assert np.array_equal(reads(Image.fromarray(expected)), expected)
    assert np.array_equal(reads(Image.fromarray(ramp)), expected)
    assert np.array_equal(reads(Image.fromarray(ramp.astype(np.uint16) * 257)), expected)
    assert np.array_equal(reads(Image.fromarray(ramp.astype(np.uint16) * 257), "a.tif"), expected)
    clear = np.dstack([expected, np.zeros((8, 8), np.uint8)])
    assert (reads(Image.fromarray(clear, "RGBA")) == 255).all()
    clear[..., 3] = 255
    assert np.array_equal(reads(Image.fromarray(clear, "RGBA")), expected)
    assert reads(Image.fromarray(expected).convert("P")).shape == (8, 8, 3)
    assert reads(Image.fromarray(ramp > 100)).max() == 255


def test_damaged_and_foreign_pictures_are_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    for name in ("a.png", "a.jpg"):
        path = tmp_path / name
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:-800])
        with pytest.raises(InputError, match="no whole picture"):
            read_image(path)
    with pytest.raises(InputError, match="no file"):
        read_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match="no picture"):
        read_image(tmp_path / "text.png")
    Image.fromarray(noise).save(tmp_path / "colours.png")
    with pytest.raises(InputError, match="8-bit grey"):
        read_labels(tmp_path / "colours.png")


def test_images_and_labels_become_squares(tmp_path):
    labels = shapes(2, 32)[:, :24]
    labels[:, 0] = 255
    data = LabelledSquares(written(tmp_path, painted(labels % 255), labels))
    assert len(data) == 2
    images, maps = data.batch(np.array([1, 0]), 16)
    assert images.shape == (2, 3, 16, 16)
    assert maps.shape == (2, 16, 16)
    assert set(maps.unique().tolist()) <= {0, 1, 2, 3, 255}
    hair = LabelledSquares(data.data, hair=2)
    masks = hair.batch(np.array([1, 0]), 16)[1]
    assert torch.equal(masks, (maps == 2).float()[:, None])
    assert hair.digest != data.digest
    with pytest.raises(InputError, match=r"hair is class 4; there are 0 … 3"):
        LabelledSquares(data.data, hair=4)


def test_trainings_that_were_broken_off_know_their_pictures(tmp_path):
    """The digest stands in checkpoints, and is that of versions that had a reader of their own."""
    for folder, content in (("images", b"1234567"), ("labels", b"12345")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes(content)
    pairs = LabelledImages(tmp_path / "images", tmp_path / "labels", Classes.numbered(3))
    wanted = hashlib.sha256(b"(3, 2)a.png 7\na.png 5\n").hexdigest()[:16]
    assert LabelledSquares(pairs, hair=2).digest == f"folder {wanted}"
