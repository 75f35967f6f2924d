"""Data sets on disk: built once, resumed, damaged shards made again, pictures of every kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from property_cnn.common import shards
from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.shards import Shards, build_shards
from property_cnn.faces import render_parsing, sample_attributes
from property_cnn.faces.classes import Part
from property_cnn.segmentation.data import HairData, ImageKind, rendered_images, soft_masks
from property_cnn.segmentation.folder_data import LabelledFolder
from property_cnn.segmentation.pictures import read_image, read_labels
from property_cnn.segmentation.teachers import CallableTeacher


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_ROWS", 4)


def counting(calls):
    def make(start, count):
        calls.append((start, count))
        return np.arange(start, start + count, dtype=np.uint8)[:, None].repeat(3, 1)

    return make


def test_shards_go_on_grow_and_are_made_again_when_stale_or_damaged(tmp_path):
    calls = []
    rows = build_shards(tmp_path, "images", 6, "one", counting(calls))
    assert calls == [(0, 4), (4, 2)]
    assert rows[np.array([5, 0])].tolist() == [[5] * 3, [0] * 3]
    build_shards(tmp_path, "images", 9, "one", counting(calls))
    assert calls[2:] == [(4, 4), (8, 1)]
    path = shards.shard_path(tmp_path, "images", 0)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        Shards(tmp_path, "images", 9)
    build_shards(tmp_path, "images", 9, "one", counting(calls))
    assert calls[4:] == [(0, 4)]
    build_shards(tmp_path, "images", 3, "two", counting(calls))
    assert calls[5:] == [(0, 3)]
    assert len(list(tmp_path.glob("*.npy"))) == 1
    with pytest.raises(IndexError):
        Shards(tmp_path, "images", 3)[np.array([3])]
    with pytest.raises(InputError, match="8-bit rows"):
        build_shards(tmp_path, "soft", 3, "one", lambda start, count: np.zeros((count, 2)))


def test_soft_masks_are_asked_for_once(tmp_path):
    images, truth, mark = rendered_images(tmp_path, 6, 32, seed=3)
    parts = render_parsing(sample_attributes(6, 3), 32)
    assert np.array_equal(truth[np.arange(6)] > 0, (parts == Part.HAIR).numpy())
    asked = []

    def half(batch):
        asked.append(len(batch))
        return torch.full((len(batch), 1, 8, 8), 0.5)

    teacher = CallableTeacher(half, digest="half")
    soft = soft_masks(teacher, images, tmp_path, mark, side=32)
    assert soft[np.arange(6)].shape == (6, 32, 32)
    assert set(soft[np.arange(6)].ravel()) == {128}
    again = soft_masks(teacher, images, tmp_path, mark, side=32)
    assert sum(asked) == 6
    data = HairData([ImageKind("rendered", images, again, truth, mark)])
    assert data.truth(np.array([2]), 32).shape == (1, 32, 32)
    soft_masks(CallableTeacher(half, digest="other"), images, tmp_path, mark, side=32)
    assert sum(asked) == 12


def test_kinds_of_different_sizes_mix_in_a_batch():
    small = ImageKind("small", np.zeros((3, 3, 16, 16), np.uint8), np.zeros((3, 16, 16), np.uint8))
    white = np.full((2, 3, 64, 64), 255, np.uint8)
    large = ImageKind("large", white, white[:, 0])
    data = HairData([small, large])
    assert data.kinds.tolist() == [0, 0, 0, 1, 1]
    images, masks = data.batch(np.array([4, 1]), 32)
    assert images.shape == (2, 3, 32, 32)
    assert [images[0].min(), images[1].max()] == [1, -1]
    assert masks.mean(dim=(1, 2, 3)).tolist() == [1, 0]
    with pytest.raises(InputError, match="no true masks"):
        data.truth(np.array([0]), 32)
    with pytest.raises(InputError, match="as many"):
        ImageKind("odd", white, white[:1, 0])
    with pytest.raises(InputError, match="at least one"):
        HairData([])


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
