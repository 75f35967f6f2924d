"""Pictures of every kind, and folders of them with label maps."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from property_cnn.common.errors import InputError
from property_cnn.pictures import read_image, read_labels
from property_cnn.segmentation.data import LabelledFolder


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


def test_folders_without_matching_labels_are_refused(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    with pytest.raises(InputError, match="no folder"):
        LabelledFolder(images, labels, 3)
    images.mkdir()
    labels.mkdir()
    with pytest.raises(InputError, match="no pictures"):
        LabelledFolder(images, labels, 3)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(images / "a.png")
    with pytest.raises(InputError, match=r"no a\.png"):
        LabelledFolder(images, labels, 3)
    Image.fromarray(np.full((8, 8), 3, np.uint8)).save(labels / "a.png")
    with pytest.raises(InputError, match="beyond 2"):
        LabelledFolder(images, labels, 3).batch(np.array([0]), 32)
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(labels / "a.png")
    with pytest.raises(InputError, match=r"\(4, 8\)"):
        LabelledFolder(images, labels, 3).batch(np.array([0]), 32)
    with pytest.raises(InputError, match="at least 2"):
        LabelledFolder(images, labels, 1)
