"""MobileStyleGAN from every place: the same network, equal to one restated by hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.mobile import network
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
from tests.stylegan_ft import mobile_by_hand as by_hand

NUM_WS = 3 * (len(by_hand.CHANNELS) - 1) + 2


@pytest.fixture(scope="module")
def state():
    return by_hand.weights()


@pytest.fixture(scope="module")
def places(state, tmp_path_factory):
    """Where the same network lies, by the kind of place."""
    folder = tmp_path_factory.mktemp("mobile")
    ir = by_hand.write_ir(folder / "ir", state)
    places = {
        "checkpoint": by_hand.write_checkpoint(folder / "mobile.ckpt", state),
        "folder": ir,
        "wheel": by_hand.write_wheel(folder / "random_face.whl", ir),
    }
    for name in ("checkpoint", "wheel"):
        places[f"converted {name}"] = folder / f"{name}.safetensors"
        convert_file(places[name], places[f"converted {name}"])
    return places


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(5).standard_normal((2, by_hand.Z)).astype(np.float32)


KINDS = ("checkpoint", "folder", "wheel", "converted checkpoint", "converted wheel")


@pytest.mark.parametrize("kind", KINDS)
def test_w_and_images_are_those_of_the_network_by_hand(state, places, z, kind):
    generator = load_generator(places[kind], "cpu")
    w = generator.map(torch.from_numpy(z))["w"]
    expected = np.stack([by_hand.mapped(state, one) for one in z])
    np.testing.assert_allclose(w, expected, rtol=1e-5, atol=1e-5)
    images = generator.synthesize(torch.from_numpy(expected).float(), "w")
    head = f"layers.{len(by_hand.CHANNELS) - 2}.to_img"
    for image, one in zip(images.numpy(), expected, strict=True):
        by_w = by_hand.image(state, np.repeat(one[None], NUM_WS, axis=0), head)
        np.testing.assert_allclose(image, by_w, atol=1e-4 * np.abs(by_w).max())


def test_every_w_goes_where_the_original_takes_it(state, places):
    ws = np.random.default_rng(6).standard_normal((NUM_WS, by_hand.W))
    generator = load_generator(places["checkpoint"], "cpu").with_layer("w+")
    assert generator.layers["w+"] == NUM_WS * by_hand.W
    image = generator.synthesize(torch.from_numpy(ws.reshape(1, -1)).float(), "w+")[0].numpy()
    expected = by_hand.image(state, ws, "layers.2.to_img")
    np.testing.assert_allclose(image, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("size", "head"), [(8, "to_img1"), (16, "layers.0.to_img"), (32, "layers.1.to_img")]
)
def test_heads_of_a_checkpoint_give_smaller_images(state, places, size, head):
    ws = np.random.default_rng(7).standard_normal((NUM_WS, by_hand.W))
    for kind in ("checkpoint", "converted checkpoint"):
        generator = load_generator(places[kind], "cpu", size=size).with_layer("w+")
        assert generator.resolution == size
        vector = torch.from_numpy(ws.reshape(1, -1)).float()
        image = generator.synthesize(vector, "w+")[0].numpy()
        expected = by_hand.image(state, ws, head)
        np.testing.assert_allclose(image, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("numbers", [1, 700, 1500, 2**20])
def test_bands_of_any_height_make_the_same_image(state, places, monkeypatch, numbers):
    monkeypatch.setattr(network, "BAND", numbers)
    generator = load_generator(places["wheel"], "cpu").with_layer("w+")
    ws = np.random.default_rng(8).standard_normal((NUM_WS, by_hand.W))
    made = list(generator.network.synthesis.blocks[-1].bands(numbers))
    assert [stop for _, stop in made] == [*(start for start, _ in made[1:]), 32]
    assert len(made) == {1: 16, 700: 16, 1500: 11, 2**20: 1}[numbers]
    image = generator.synthesize(torch.from_numpy(ws.reshape(1, -1)).float(), "w+")[0].numpy()
    expected = by_hand.image(state, ws, "layers.2.to_img")
    np.testing.assert_allclose(image, expected, atol=1e-4 * np.abs(expected).max())


def test_half_of_a_head_is_its_image_box_downsampled(places):
    large, small = (load_generator(places["wheel"], "cpu", size=size) for size in (64, 32))
    w = torch.randn(3, by_hand.W, generator=torch.Generator().manual_seed(1))
    expected = torch.nn.functional.avg_pool2d(large.synthesize(w, "w"), 2)
    torch.testing.assert_close(small.synthesize(w, "w"), expected, rtol=1e-5, atol=1e-5)


def test_every_layer_can_be_re_entered(places, z):
    generator = load_generator(places["wheel"], "cpu", psi=0.7)
    for layer in ("mapping.0", "w+", "w+2-4", "s"):
        generator = generator.with_layer(layer)
    vectors = generator.map(torch.from_numpy(z))
    expected = generator.synthesize(vectors["w"], "w")
    for layer in generator.layers:
        images = generator.synthesize(vectors[layer], layer)
        torch.testing.assert_close(images, expected, rtol=1e-4, atol=1e-4)


def test_gradients_of_vectors_are_those_of_finite_differences(places):
    generator = load_generator(places["wheel"], "cpu")
    generator.network.double()
    draw = torch.Generator().manual_seed(2)
    w, step = torch.randn(2, 2, by_hand.W, generator=draw, dtype=torch.float64)
    styles = generator.network.styles
    weights = torch.randn(2, 3, 64, 64, generator=draw, dtype=torch.float64)

    def sums(w):
        ws = w[:, None].expand(-1, NUM_WS, -1)
        return (generator.network.images(styles(ws)) * weights).sum(dim=(1, 2, 3))

    asked = w.clone().requires_grad_()
    (slope,) = torch.autograd.grad(sums(asked).sum(), asked)
    with torch.no_grad():
        expected = (sums(w + 1e-5 * step) - sums(w - 1e-5 * step)) / 2e-5
    torch.testing.assert_close((slope * step).sum(1), expected, rtol=1e-5, atol=1e-6)
    float_w = w.float().requires_grad_()
    generator.network.float()
    images = generator.synthesize(float_w, "w")
    (same,) = torch.autograd.grad((images * weights).sum(), float_w)
    torch.testing.assert_close(same.double(), slope, rtol=1e-3, atol=1e-3)


def test_described_without_its_numbers(places):
    info = describe_file(places["wheel"])
    assert (info.architecture, info.resolution, info.z_dim) == ("mobilestylegan", 64, by_hand.Z)
    assert "w+" in info.available_layers


def test_sizes_that_no_head_gives_are_refused(places):
    with pytest.raises(InputError, match="makes images of 32, 64 pixels"):
        load_generator(places["wheel"], "cpu", size=16)
    with pytest.raises(InputError, match="pixels only; leave it out"):
        load_generator("default", "cpu", size=32)


def _other(folder: Path, places, name: str, change) -> Path:
    folder.mkdir()
    for part in places["folder"].iterdir():
        data = part.read_bytes()
        (folder / part.name).write_bytes(change(data) if part.name == name else data)
    return folder


XML, BIN = "SynthesisNetwork.xml", "SynthesisNetwork.bin"
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><net/>'


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (XML, lambda data: ENTITIES, "document type"),
        (XML, lambda data: data[:200], "no IR of OpenVINO"),
        (XML, lambda data: b"<html></html>", "first element"),
        (XML, lambda data: data.replace(b"m.input.input", b"other"), "lacks the constant m.input"),
        (
            XML,
            lambda data: data.replace(b"weight_dw", b"dw"),
            "lacks the constant m.layers.0",
        ),
        (XML, lambda data: data.replace(b"16, 16, 3, 3", b"16, 16, 3, 4"), "no IR of OpenVINO"),
        (XML, lambda data: data.replace(b'offset="', b'offset="9'), "lies at byte"),
        (BIN, lambda data: data[:100], "lies at byte"),
        ("MappingNetwork.xml", lambda data: b"<net></net>", "no dense layers"),
    ],
)
def test_another_ir_is_named(places, tmp_path, name, change, words):
    with pytest.raises(CheckpointError, match=words):
        load_generator(_other(tmp_path / "other", places, name, change), "cpu")


def test_a_folder_without_the_ir_and_a_damaged_wheel_are_named(places, tmp_path):
    with pytest.raises(CheckpointError, match="a folder without MappingNetwork"):
        load_generator(tmp_path, "cpu")
    data = bytearray(places["wheel"].read_bytes())
    data[200] ^= 255
    (tmp_path / "damaged.whl").write_bytes(data)
    with pytest.raises(CheckpointError, match="no whole archive"):
        load_generator(tmp_path / "damaged.whl", "cpu")


def test_the_later_version_is_told(state, tmp_path):
    later = {name: value for name, value in state.items() if ".up." not in name}
    with pytest.raises(CheckpointError, match="from 2023 on"):
        load_generator(by_hand.write_checkpoint(tmp_path / "later.ckpt", later), "cpu")


IR = os.environ.get("VECTORFIND_MOBILESTYLEGAN_IR", "")


@pytest.mark.skipif(not IR, reason="VECTORFIND_MOBILESTYLEGAN_IR names no folder with the IR")
def test_the_original_agrees_with_its_own_runtime():
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()

    def run(name, rows):
        model = core.read_model(f"{IR}/{name}.xml")
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return np.concatenate([next(iter(compiled(row[None]).values())) for row in rows])

    z = np.random.default_rng(0).standard_normal((2, 512)).astype(np.float32)
    generator = load_generator(IR, "cpu")
    w = generator.map(torch.from_numpy(z))["w"].numpy()
    np.testing.assert_allclose(w, run("MappingNetwork", z), atol=1e-5)
    images = generator.synthesize(torch.from_numpy(w), "w").numpy()
    np.testing.assert_allclose(images, run("SynthesisNetwork", w), atol=1e-3)
