"""Hair teachers: SegFormers made here and Hugging Face folders, without any network."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import save_tensors
from property_cnn.common.networks import save_network
from property_cnn.hair.teacher import SegformerTeacher, load_teacher, save_teacher
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.files import load_segmenter, save_segmenter, save_student
from property_cnn.segmentation.networks.segformer import CLASSES, new_segformer
from property_cnn.segmentation.settings import SegformerSettings
from property_cnn.segmentation.teachers import class_probabilities, hair_probability
from tests.property_cnn.conftest import TINY_SEGFORMER, TINY_STUDENT


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


def test_a_segformer_comes_back_from_its_file(images, tmp_path):
    network = new_segformer(TINY_SEGFORMER)
    path = tmp_path / "teacher.safetensors"
    save_teacher(network, path, TINY_SEGFORMER.side, {"made": "by hand"})
    whole = path.read_bytes()
    save_teacher(network, path, TINY_SEGFORMER.side, {"made": "by hand"})
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

    monkeypatch.setattr("property_cnn.hair.teacher.load_face_parser", load)
    load_teacher(folder)
    load_teacher("hub:somebody/parser")
    assert asked == [(str(folder), False), ("somebody/parser", True)]


def test_a_teacher_is_a_segmenter_of_faces_too(images, tmp_path):
    network = new_segformer(TINY_SEGFORMER)
    save_teacher(network, tmp_path / "teacher.safetensors", TINY_SEGFORMER.side)
    segmenter = load_segmenter(tmp_path / "teacher.safetensors", "cpu")
    assert segmenter.classes.names == CLASSES
    assert segmenter(images).shape == (2, 14, 48, 40)


def test_files_of_earlier_versions_are_read(images, tmp_path):
    network = new_segformer(TINY_SEGFORMER, seed=3)
    save_teacher(network, tmp_path / "now.safetensors", TINY_SEGFORMER.side)
    card = {"format": "property_cnn hair teacher 1", "settings": asdict(TINY_SEGFORMER)}
    save_network(tmp_path / "before.safetensors", network, "hair_teacher", card)
    now, before = (load_teacher(tmp_path / f"{name}.safetensors") for name in ("now", "before"))
    assert now.digest == before.digest
    assert (before.classes, before.side) == (CLASSES, TINY_SEGFORMER.side)
    assert torch.equal(before(images), now(images))
    assert load_teacher("default").side == 224  # shipped in the earlier format


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "teacher.safetensors"
    save_tensors(path, {"weight": torch.zeros(2)})
    with pytest.raises(CheckpointError, match="no segmenter"):
        load_teacher(path)
    for key, card in (
        ("hair_teacher", {"format": "property_cnn hair teacher 1"}),
        ("segmenter", {"format": "property_cnn segmenter 2"}),
    ):
        save_tensors(path, {"weight": torch.zeros(2)}, {key: json.dumps(card)})
        with pytest.raises(CheckpointError, match="do not fit"):
            load_teacher(path)
    network = new_segformer(TINY_SEGFORMER)
    save_student(new_student(TINY_STUDENT), path)
    with pytest.raises(CheckpointError, match="no hair teacher"):
        load_teacher(path)
    save_segmenter(network, path, CLASSES)
    with pytest.raises(CheckpointError, match="no hair teacher"):
        load_teacher(path)
    for side in (15, -1, "32"):
        save_teacher(network, path, side)
        with pytest.raises(CheckpointError, match="no hair teacher"):
            load_teacher(path)


def test_wrong_settings_are_refused():
    for wrong in ({"side": 100}, {"depths": (1, 1)}, {"stride": 5}, {"decoder": 0}):
        with pytest.raises(InputError):
            SegformerSettings(**wrong)
