"""Networks written and read again; files of other things, or damaged, are told."""

from __future__ import annotations

import json

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.common.files import load_tensors, save_tensors
from property_cnn.landmarks.files import (
    FACE,
    FORMAT,
    IRIS,
    KEY,
    describe_networks,
    from_tflite,
    kinds_of,
    load_network,
    save_networks,
)
from tests.property_cnn.landmarks.conftest import iris_file


@pytest.fixture
def path(tmp_path, network):
    eyes = from_tflite(iris_file(torch.zeros(71, 3), scale=1.0), IRIS, "an iris")
    save_networks(tmp_path / "a.safetensors", {"landmarks": network, "iris": eyes}, {"note": "x"})
    return tmp_path / "a.safetensors"


def test_read_again_they_answer_the_same(path, network):
    assert sorted(kinds_of(path)) == ["iris", "landmarks"]
    images = torch.rand(2, 3, FACE.side, FACE.side)
    again = load_network(path, FACE)
    assert again.graph == network.graph
    for one, other in zip(again(images), network(images), strict=True):
        assert torch.equal(one, other)
    assert load_network(path, IRIS)(torch.rand(2, 3, 64, 64))[0].shape == (2, 213)


def test_the_same_networks_are_the_same_bytes(path, tmp_path):
    networks = {kind.name: load_network(path, kind) for kind in (IRIS, FACE)}
    save_networks(tmp_path / "b.safetensors", networks, {"note": "x"})
    assert (tmp_path / "b.safetensors").read_bytes() == path.read_bytes()


def test_described_in_a_few_words(path):
    shown = describe_networks(path)
    assert shown["networks"] == "iris, landmarks"
    assert shown["note"] == "x"
    assert max(map(len, shown.values())) < 100


def changed(path, change):
    tensors, metadata = load_tensors(path)
    card = json.loads(metadata[KEY])
    change(card, tensors)
    save_tensors(path, tensors, {KEY: json.dumps(card)})


def operator(card, number=0):
    return card["graphs"]["landmarks"]["operators"][number]


@pytest.mark.parametrize(
    "change",
    [
        lambda card, _: card.update(format="another"),
        lambda card, _: card.update(graphs=[]),
        lambda card, _: card["graphs"].pop("landmarks"),
        lambda card, _: card["graphs"]["landmarks"].update(side=96),
        lambda card, _: card["graphs"]["landmarks"].update(outputs=[2]),
        lambda card, _: card["graphs"]["landmarks"].update(outputs=[99, 3]),
        lambda card, _: card["graphs"]["landmarks"].update(operators=[]),
        lambda card, _: card["graphs"]["landmarks"].update(operators=None),
        lambda card, _: operator(card).update(kind="exec"),
        lambda card, _: operator(card).update(inputs=[7]),
        lambda card, _: operator(card).update(inputs=["0"]),
        lambda card, _: operator(card)["settings"].update(channels=[3, 10**12]),
        lambda card, _: operator(card)["settings"].update(padding=[10**7] * 4),
        lambda card, _: operator(card)["settings"].update(stride=[0, 0]),
        lambda card, _: operator(card)["settings"].update(colour="red"),
        lambda _, tensors: tensors.pop("landmarks.operators.0.conv.bias"),
        lambda _, tensors: tensors["landmarks.operators.0.conv.bias"].fill_(torch.nan),
        lambda _, tensors: tensors.update({"landmarks.operators.0.conv.bias": torch.zeros(3)}),
    ],
)
def test_what_does_not_fit_is_told_in_a_line(path, change):
    changed(path, change)
    with pytest.raises(
        CheckpointError, match=r"a\.safetensors .*(make it again|get it by)"
    ) as told:
        load_network(path, FACE)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def test_other_files_hold_no_kinds(tmp_path):
    save_tensors(tmp_path / "a.safetensors", {"x": torch.zeros(1)}, {"format": FORMAT})
    (tmp_path / "b.safetensors").write_bytes(b"TFL3")
    for name in ("a.safetensors", "b.safetensors", "c.safetensors", "."):
        assert kinds_of(tmp_path / name) == ()
