"""A .tflite by hand: the same numbers as by loops and by OpenVINO; what is wrong is named."""

from __future__ import annotations

import builtins
import random
from contextlib import suppress

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.landmarks import tflite_graph
from property_cnn.landmarks.graph import build
from property_cnn.landmarks.tflite_graph import read_tflite, same_padding
from tests.property_cnn.landmarks.tflite_by_hand import (
    SAME,
    Net,
    detector,
    everything,
    squeezed,
    tiny_reader,
)

OUTPUTS = (5, 2)


def network_of(net, side, outputs=OUTPUTS):
    graph, weights = read_tflite(net.file(), "a.tflite", side, outputs)
    return build(graph, weights, "a.tflite")


def images_of(side, n=3, seed=1):
    return np.random.default_rng(seed).random((n, side, side, 3)).astype(np.float32)


def channels_first(images):
    return torch.from_numpy(images).permute(0, 3, 1, 2)


@pytest.mark.parametrize("side", [12, 13, 14, 15])
def test_every_operator_gives_what_loops_give(side):
    net, images = everything(side), images_of(side)
    five, two = network_of(net, side)(channels_first(images))
    two_wanted, five_wanted = net.numpy_values(images)
    np.testing.assert_allclose(five.detach().numpy(), five_wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(two.detach().numpy(), two_wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [12, 14])
def test_the_person_networks_operators_give_what_loops_give(side):
    net, images = squeezed(side), images_of(side)
    (got,) = network_of(net, side, (4 * side**2,))(channels_first(images))
    np.testing.assert_allclose(got.detach().numpy(), net.numpy_values(images)[0], rtol=1e-4,
                               atol=1e-4)  # fmt: skip


def test_rows_of_a_detector_are_in_the_order_that_loops_give():
    net, images = detector(16), images_of(16)
    four, one = network_of(net, 16, (176, 44))(channels_first(images))
    assert (one != 0).all()
    for got, wanted in zip((four, one), net.numpy_values(images), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("net", "side", "outputs"), [(everything(13), 13, OUTPUTS), (detector(16), 16, (176, 44))]
)
def test_openvino_reads_the_same_of_the_file(tmp_path, net, side, outputs):
    openvino = pytest.importorskip("openvino")
    path, images = tmp_path / "a.tflite", images_of(side)
    path.write_bytes(net.file())
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    runs = [compiled(image[None]) for image in images]
    for got in network_of(net, side, outputs)(channels_first(images)):
        wanted = [v for run in runs for v in run.values() if v.size == got.shape[1]]
        np.testing.assert_allclose(got.detach().numpy(), np.reshape(wanted, got.shape), atol=1e-4)


def test_zeros_go_around_as_tensorflow_puts_them():
    assert same_padding(192, 3, 2) == (0, 1)
    assert same_padding(13, 3, 2) == (1, 1)
    assert same_padding(13, 2, 1) == (0, 1)
    assert same_padding(4, 1, 2) == (0, 0)


def test_gradients_reach_the_images():
    images = channels_first(images_of(13)).requires_grad_()
    network_of(everything(13), 13)(images)[0].sum().backward()
    assert images.grad.abs().sum() > 0


def test_another_networks_shapes_are_named():
    net = tiny_reader(16, (896, 7))
    with pytest.raises(CheckpointError, match=r"a\.tflite: it takes 1 × 16 × 16 × 3 and gives "
                       r"1 × 1 × 1 × 896 and 1 × 1 × 1 × 7; needed .* 1 × 32 × 32 × 3 and "
                       r"gives 896 and 8 numbers"):  # fmt: skip
        read_tflite(net.file(), "a.tflite", 32, (896, 8))


def test_an_operator_that_is_not_read_is_named():
    net = Net(16)
    net.outputs = [net.same("TANH", net.input)]
    with pytest.raises(CheckpointError, match="an operator TANH; read are CONV_2D, "):
        read_tflite(net.file(), "a.tflite", 16, (768,))


def wrong(change):
    net = Net(8)
    change(net)
    net.outputs = [len(net.tensors) - 1]
    return read_tflite(net.file(), "a.tflite", 8, (int(np.prod(net.tensors[-1][0])),))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n: n.conv(n.input, np.ones((2, 3, 3, 3)), (0, 0), FusedActivationFunction=1),
         "activation within"),
        (lambda n: n.conv(n.input, np.ones((2, 3, 3, 3)), (0, 0), DilationWFactor=2), "dilated"),
        (lambda n: n.operator("PRELU", (n.input, n.constant(np.ones((8, 8, 3), np.float32))),
                              (1, 8, 8, 3)), "differ from pixel to pixel"),
        (lambda n: n.reshape(n.input, (1, 4, 4, 12)), "more than rows"),
        (lambda n: n.stack(n.input, n.input), "concatenates otherwise"),
        (lambda n: n.stack(*[n.reshape(n.input, (1, 64, 3))] * 2, Axis=2), "otherwise than rows"),
        (lambda n: n.stack(n.reshape(n.input, (1, 64, 3)), n.reshape(n.input, (1, 32, 6))),
         "fits no value before it"),
        (lambda n: n.pad(n.input, [(1, 0), (0, 0), (0, 0), (0, 0)]), "pads images otherwise"),
        (lambda n: n.operator("ADD", (n.input, n.constant(np.ones((1, 8, 8, 3), np.float32))),
                              (1, 8, 8, 3), "AddOptions"), "fits no value before it"),
        (lambda n: n.operator("ADD", (n.input, n.input), (1, 8, 4, 3), "AddOptions"),
         "is 1 × 8 × 4 × 3, its operator gives 1 × 8 × 8 × 3"),
        (lambda n: n.prelu(n.tensor((1, 8, 8, 3)), (1, 1, 1)), "fits no value before it"),
        (lambda n: n.operator("PRELU", (n.input, n.constant(np.ones((1, 1, 3), np.uint8))),
                              (1, 8, 8, 3)), "weights are UINT8 1 × 1 × 3"),
        (lambda n: n.operator("ADD", (n.input, 99), (1, 8, 8, 3), "AddOptions"), "not there"),
        (lambda n: n.mean(n.input, (4, 8)), "averages parts of images"),
        (lambda n: n.mean(n.input, padding=SAME), "averages parts of images"),
        (lambda n: n.resize(n.input, (4, 4), halves=False), "resizes by the pixels' corners"),
        (lambda n: n.resize(n.input, (4, 4), corners=True), "resizes by the pixels' corners"),
        (lambda n: n.spread(n.input, np.ones((1, 3, 3, 3)), (0,)), "windows overlap"),
        (lambda n: n.multiply(n.conv(n.input, np.ones((3, 8, 8, 3)), (0, 0, 0), padding=1),
                              n.input), "fits no value before it"),
        (lambda n: n.pad(n.input, [(0, 0), (2**14, 0), (2**14, 0), (0, 0)]), "a tensor of 1 × 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(change, said):
    with pytest.raises(CheckpointError, match=f"a.tflite: .*{said}"):
        wrong(change)


def test_one_buffer_named_many_times_fills_no_memory(monkeypatch):
    net = Net(8)
    kernel = net.constant(np.ones((3, 3, 3, 3), np.float32))
    bias = net.constant(np.zeros(3, np.float32))
    of = net.input
    for _ in range(20):
        of = net.operator("CONV_2D", (of, kernel, bias), (1, 8, 8, 3), "Conv2DOptions",
                          Padding=0, StrideH=1, StrideW=1)  # fmt: skip
    net.outputs = [of]
    read_tflite(net.file(), "a.tflite", 8, (192,))
    monkeypatch.setattr(tflite_graph, "MOST_WEIGHTS", 19 * (81 + 3))
    with pytest.raises(CheckpointError, match="more than 1,596 weights"):
        read_tflite(net.file(), "a.tflite", 8, (192,))


def test_what_is_no_tflite_is_told():
    for data in (b"", b"TFL3", b"PK\3\4 and more", b"\0\0\0\0TFL3"):
        with pytest.raises(CheckpointError, match=r"a\.tflite"):
            read_tflite(data, "a.tflite", 8, (1,))


def test_damaged_bytes_are_an_error_of_ours_or_the_file():
    whole, draws = everything(13).file(), random.Random(0)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draws.choice((1, 3, 20))):
            data[draws.randrange(len(data))] = draws.choice((0, 1, 127, 128, 255))
        data = bytes(data[: draws.choice((len(data), len(data), draws.randrange(len(data))))])
        with suppress(CheckpointError):
            graph, weights = read_tflite(data, "a.tflite", 13, OUTPUTS)
            build(graph, weights, "a.tflite")


def test_without_the_package_the_command_is_named(monkeypatch):
    whole, found = everything(13).file(), builtins.__import__

    def without(name, *rest):
        if name == "tflite":
            raise ModuleNotFoundError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'vectorfind\[photos\]'"):
        read_tflite(whole, "a.tflite", 13, OUTPUTS)
