"""The hair segmenter: its file, any size of image, and what it says while none is shipped."""

from __future__ import annotations

import sys

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, MissingError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.hair import segmenter as predict
from property_cnn.hair.segmenter import HairSegmenter, load_hair_segmenter
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.files import load_student, save_student
from property_cnn.segmentation.networks.segformer import new_segformer
from property_cnn.segmentation.settings import SegformerSettings, StudentSettings
from tests.property_cnn.conftest import TINY_STUDENT


@pytest.fixture
def network():
    return new_student(TINY_STUDENT).eval()


@pytest.fixture
def images():
    return torch.rand(5, 3, 40, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_saved_segmenter_answers_the_same(network, images, tmp_path):
    path = tmp_path / "hair.safetensors"
    save_student(network, path, 32, {"loss": "soft-bce"})
    whole = path.read_bytes()
    save_student(network, path, 32, {"loss": "soft-bce"})
    assert path.read_bytes() == whole
    segmenter = load_hair_segmenter(path, "cpu")
    assert segmenter.side == 32
    assert segmenter.thread_safe
    expected = HairSegmenter(network, "cpu", 32)(images)
    assert expected.shape == (5, 1, 40, 48)
    torch.testing.assert_close(segmenter(images), expected, atol=5e-3, rtol=5e-3)
    assert load_tensors(path)[0]["head.weight"].dtype == torch.float16
    assert load_student(path)[1]["loss"] == "soft-bce"
    assert segmenter.digest == load_hair_segmenter(path, "cpu").digest


def test_masks_have_the_images_size_and_do_not_depend_on_the_batch(network, images):
    whole = HairSegmenter(network, "cpu", 32)(images)
    parts = HairSegmenter(network, "cpu", 32, batch_size=2)(images)
    torch.testing.assert_close(whole, parts, atol=1e-5, rtol=0)
    segmenter = HairSegmenter(network, "cpu", 64)
    for size in ((1, 1), (64, 64), (300, 17)):
        masks = segmenter(torch.zeros(1, 3, *size))
        assert masks.shape == (1, 1, *size)
        assert 0 <= masks.min() <= masks.max() <= 1
    assert segmenter(images[:0]).shape == (0, 1, 40, 48)


def test_wrong_images_and_networks_are_refused(network):
    with pytest.raises(InputError, match="images are"):
        HairSegmenter(network, "cpu")(torch.zeros(3, 32, 32))
    with pytest.raises(InputError, match="1 class"):
        HairSegmenter(new_student(StudentSettings(0.25, 0.2, 8, classes=2)))
    for wrong in ({"batch_size": 0}, {"side": 8}):
        with pytest.raises(InputError):
            HairSegmenter(network, **wrong)


def test_the_student_of_photographs_is_shipped_too():
    one, other = load_hair_segmenter(None, "cpu"), load_hair_segmenter("photographs-student", "cpu")
    assert one.digest != other.digest
    assert other(torch.zeros(1, 3, 64, 64)).shape == (1, 1, 64, 64)


def test_missing_and_foreign_files_are_refused(network, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "SHIPPED", tmp_path / "hair.safetensors")
    with pytest.raises(CheckpointError, match="vectorfind hair distill"):
        load_hair_segmenter()
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="is no segmenter"):
        load_hair_segmenter(path)
    save_student(network, path)
    tensors, metadata = load_tensors(path)
    del tensors["head.weight"]
    save_tensors(path, tensors, metadata)
    with pytest.raises(CheckpointError, match="do not fit"):
        load_hair_segmenter(path)


def test_without_transformers_the_extra_is_named(network, tmp_path, monkeypatch):
    path = tmp_path / "hair.safetensors"
    save_student(network, path, 32)
    monkeypatch.setitem(sys.modules, "transformers", None)
    for use in (lambda: load_hair_segmenter(path), lambda: new_segformer(SegformerSettings())):
        with pytest.raises(MissingError, match=r"needs transformers, .* pip install 'vector.*hair"):
            use()
