"""Teachers: callables, SegFormers made here and Hugging Face folders, without any network."""

from __future__ import annotations

import json

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError, ScorerError
from property_cnn.common.files import save_tensors
from property_cnn.segmentation.networks import segformer
from property_cnn.segmentation.networks.segformer import (
    CLASSES,
    SegformerTeacher,
    load_teacher,
    new_segformer,
    save_segformer,
)
from property_cnn.segmentation.settings import SegformerSettings
from property_cnn.segmentation.teachers import (
    CallableTeacher,
    class_probabilities,
    hair_probability,
)
from tests.property_cnn.conftest import TINY_SEGFORMER


@pytest.fixture
def images():
    return torch.rand(2, 3, 48, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def folder(tmp_path):
    """A face parser as Hugging Face's folders hold them; hair is label 2."""
    network = new_segformer(TINY_SEGFORMER, classes=3, seed=1)
    network.config.id2label = {0: "background", 1: "skin", 2: "hair"}
    network.save_pretrained(tmp_path / "parser")
    return tmp_path / "parser"


def test_a_callable_answers_in_the_images_size(images):
    teacher = CallableTeacher(
        lambda given: (
            torch.stack([torch.zeros(len(given), 12, 10), torch.ones(len(given), 12, 10)])
            .transpose(0, 1)
            .contiguous()
        ),
        classes=("skin", "Hair"),
    )
    assert teacher.hair == 1
    assert class_probabilities(teacher, images).shape == (2, 2, 48, 40)
    assert torch.equal(hair_probability(teacher, images), torch.ones(2, 1, 48, 40))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: images, "expected"),
        (lambda images: images[:1, :1], "expected"),
        (lambda images: None, "NoneType"),
        (lambda images: images[:, :1] * 5, "outside"),
        (lambda images: images[:, :1] * float("nan"), "outside"),
    ],
)
def test_wrong_answers_are_refused(images, function, message):
    with pytest.raises(ScorerError, match=message):
        hair_probability(CallableTeacher(function), images)


def test_teachers_without_hair_or_name_are_refused():
    with pytest.raises(InputError, match="no class 'hair'"):
        CallableTeacher(lambda images: images, classes=("skin", "hairband"))
    with pytest.raises(InputError, match="digest"):
        CallableTeacher(lambda images: images, digest="")


def test_a_segformer_comes_back_from_its_file(images, tmp_path):
    network = new_segformer(TINY_SEGFORMER)
    path = tmp_path / "teacher.safetensors"
    save_segformer(network, TINY_SEGFORMER, path, {"made": "by hand"})
    whole = path.read_bytes()
    save_segformer(network, TINY_SEGFORMER, path, {"made": "by hand"})
    assert path.read_bytes() == whole
    teacher = load_teacher(path, "cpu")
    assert teacher.classes == CLASSES
    assert teacher.classes[teacher.hair] == "hair"
    assert teacher.digest == load_teacher(str(path), "cpu").digest
    expected = SegformerTeacher(network, CLASSES, TINY_SEGFORMER.side, device="cpu")
    torch.testing.assert_close(teacher(images), expected(images), atol=2e-3, rtol=2e-2)
    answer = class_probabilities(teacher, images)
    assert answer.shape == (2, 14, 48, 40)
    torch.testing.assert_close(answer.sum(dim=1), torch.ones(2, 48, 40))


def test_a_face_parser_tells_hair_by_the_name_of_its_label(folder, images):
    teacher = load_teacher(folder, "cpu")
    assert teacher.classes == ("background", "skin", "hair")
    assert (teacher.hair, teacher.side) == (2, 512)
    options = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(options))
    small = load_teacher(folder, "cpu")
    same = SegformerTeacher(new_segformer(TINY_SEGFORMER, 3, 1), teacher.classes, 32, device="cpu")
    torch.testing.assert_close(small(images), same(images))
    assert hair_probability(small, images).shape == (2, 1, 48, 40)


def test_bad_folders_are_refused_in_one_line(folder, tmp_path):
    with pytest.raises(CheckpointError, match="vectorfind hair teacher"):
        load_teacher(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        load_teacher(tmp_path / "empty")
    (folder / "preprocessor_config.json").write_text("{]")
    with pytest.raises(CheckpointError, match="image_mean"):
        load_teacher(folder)
    (folder / "preprocessor_config.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    labels = {"0": "background", "1": "skin", "2": "hat"}
    (folder / "config.json").write_text(json.dumps(config | {"id2label": labels}))
    with pytest.raises(InputError, match="no class 'hair'"):
        load_teacher(folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="no SegFormer that can be read"):
        load_teacher(folder)


def test_weights_that_are_pickles_are_never_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"whatever")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_teacher(folder)


def test_the_hub_is_asked_only_when_named(folder, monkeypatch):
    asked = []

    def load(name, device=None, from_hub=False):
        asked.append((str(name), from_hub))

    monkeypatch.setattr("property_cnn.segmentation.networks.segformer.load_face_parser", load)
    load_teacher(folder)
    load_teacher("hub:somebody/parser")
    assert asked == [(str(folder), False), ("somebody/parser", True)]


def test_foreign_and_damaged_files_are_refused(tmp_path):
    path = tmp_path / "teacher.safetensors"
    save_tensors(path, {"weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match="no hair teacher"):
        load_teacher(path)
    save_tensors(
        path, {"weight": torch.zeros(2)}, {segformer.KEY: json.dumps({"format": segformer.FORMAT})}
    )
    with pytest.raises(CheckpointError, match="do not fit"):
        load_teacher(path)


def test_wrong_settings_are_refused():
    for wrong in ({"side": 100}, {"depths": (1, 1)}, {"stride": 5}, {"decoder": 0}):
        with pytest.raises(InputError):
            SegformerSettings(**wrong)
