"""Faces with soft hair masks: asked for once, mixed in any sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.faces import render_parsing, sample_attributes
from property_cnn.faces.classes import Part
from property_cnn.hair import data as module
from property_cnn.hair.data import HairData, ImageKind, rendered_images, soft_masks
from property_cnn.hair.settings import FaceCounts
from property_cnn.segmentation.teachers import CallableTeacher


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(module, "SHARD_ROWS", 4)


def test_counts_that_cannot_be_split_are_refused():
    with pytest.raises(InputError, match="at least 10"):
        FaceCounts(rendered=4, generated=5)
    with pytest.raises(InputError, match="rendered is -1"):
        FaceCounts(rendered=-1)


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
