"""Networks' files: any number of classes, older files, damage, and Hugging Face folders."""

from __future__ import annotations

import json

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.hair.segmenter import SHIPPED
from property_cnn.segmentation.networks.effisegnet import new_student
from property_cnn.segmentation.networks.files import (
    KEY,
    load_network,
    load_segmenter,
    load_student,
    network_layers,
    new_network,
    save_segmenter,
    save_student,
)
from property_cnn.segmentation.networks.segformer import (
    Normalised,
    load_normalised,
    new_segformer,
    segformer_class,
)
from property_cnn.segmentation.settings import SegformerSettings, StudentSettings
from property_cnn.segmentation.terms import LayerTaps

pytest.importorskip("transformers", reason="needs the extra hair")

SEGFORMER = SegformerSettings((4, 8, 8, 8), (1, 1, 1, 1), (1, 1, 1, 1), decoder=8, stride=4)
NAMES, PALETTE = ("sky", "road", "car"), ((1, 2, 3), (4, 5, 6), (7, 8, 9))


def _networks():
    small = StudentSettings(width=0.1, depth=0.1, channels=4, classes=3)
    return {"effisegnet": new_student(small, 1), "segformer": new_segformer(SEGFORMER, 3, 1)}


@pytest.fixture(params=["effisegnet", "segformer"])
def network(request):
    return _networks()[request.param].eval()


def test_a_network_of_any_classes_comes_back(network, tmp_path):
    path = tmp_path / "network.safetensors"
    save_segmenter(network, path, NAMES, PALETTE, {"resize": 64, "made": "here"})
    segmenter = load_segmenter(path)
    assert (segmenter.classes.names, segmenter.classes.palette) == (NAMES, PALETTE)
    assert segmenter.resize == 64
    assert load_network(path).card["made"] == "here"
    images = torch.rand(2, 3, 40, 70, generator=torch.Generator().manual_seed(0)) * 2 - 1
    answers = segmenter(images)
    assert answers.shape == (2, 3, 40, 70)
    assert torch.allclose(answers.sum(dim=1), torch.ones(2, 40, 70), atol=1e-5)
    assert segmenter.labels(images).shape == (2, 40, 70)
    small = torch.zeros(1, 3, 32, 48)
    with torch.inference_mode():  # the file's large weights are in half precision
        own, kept = network.logits(small), segmenter.network.logits(small)
    assert torch.allclose(own, kept, atol=2e-3)


def test_shipped_hair_files_are_read():
    network, card = load_student(SHIPPED)
    assert card["classes"] == ["hair"]
    assert network.settings.classes == 1
    with pytest.raises(InputError, match="hair segment"):
        load_segmenter(SHIPPED)


def test_a_hair_student_is_written_in_the_same_format(tmp_path):
    path = tmp_path / "student.safetensors"
    save_student(new_student(StudentSettings(width=0.1, depth=0.1, channels=4), 1), path, 64)
    assert json.loads(load_tensors(path)[1][KEY])["classes"] == ["hair"]
    assert load_student(path)[1]["side"] == 64


@pytest.mark.parametrize(
    "change",
    [
        {"classes": ["sky", "road"]},
        {"classes": 3},
        {"network": "other"},
        {"settings": {"decoder": 0}},
        {"settings": {"unknown": 1}},
    ],
)
def test_cards_that_do_not_fit_are_refused(change, tmp_path):
    path = tmp_path / "network.safetensors"
    save_segmenter(_networks()["segformer"], path, NAMES, PALETTE)
    tensors, metadata = load_tensors(path)
    card = {**json.loads(metadata[KEY]), **change}
    save_tensors(path, tensors, {KEY: json.dumps(card)})
    with pytest.raises(CheckpointError, match="make the segmenter again"):
        load_network(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"x": torch.zeros(1)}, {"format": "other"})
    with pytest.raises(CheckpointError, match="no segmenter"):
        load_network(path)
    with pytest.raises(CheckpointError):
        load_network(tmp_path / "missing.safetensors")


def test_names_of_networks():
    assert new_network("b0", 5).config.num_labels == 5
    with pytest.raises(InputError, match="choose one of b0"):
        new_network("b9", 5)


def test_the_same_seed_gives_the_same_weights():
    first, again, other = (new_segformer(SEGFORMER, 3, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_pictures_that_are_too_small_are_said(network):
    with pytest.raises(InputError, match="at least 32"):
        network.logits(torch.zeros(1, 3, 20, 64))


def test_layers_that_are_compared_are_there(network):
    with LayerTaps(network, network_layers(network)) as taps, torch.inference_mode():
        network.logits(torch.zeros(1, 3, 64, 64))
    sizes = [tuple(taps.maps[name].shape[-2:]) for name in network_layers(network)]
    assert sizes == [(16, 16), (8, 8), (4, 4), (2, 2)]


def test_a_hugging_face_folder_is_read_with_its_normalisation(tmp_path):
    network = new_segformer(SEGFORMER, 3, 1).eval()
    network.config.id2label = dict(enumerate(NAMES))
    network.config.label2id = {name: number for number, name in enumerate(NAMES)}
    network.save_pretrained(tmp_path)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    options = {"size": {"height": 64, "width": 64}, "image_mean": mean, "image_std": std}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(options))
    loaded, names = load_normalised(tmp_path)
    assert isinstance(loaded, Normalised)
    assert isinstance(loaded.network, segformer_class())
    assert names == NAMES
    images = torch.rand(1, 3, 64, 64) * 2 - 1
    shifted = ((images + 1) / 2 - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(
        1, 3, 1, 1
    )
    with torch.inference_mode():
        assert torch.allclose(loaded.eval().logits(images), network.logits(shifted), atol=1e-6)
    assert network_layers(loaded)[0] == "network.segformer.stages.0"
