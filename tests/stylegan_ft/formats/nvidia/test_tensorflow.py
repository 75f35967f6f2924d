"""NVIDIA's TensorFlow pickles: the networks that their definitions give, and nothing run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import read_checkpoint
from stylegan_ft.generator import load_generator
from tests.stylegan_ft import tensorflow_by_hand as by_hand
from tests.stylegan_ft.foreign_files import Reduced
from tests.stylegan_ft.formats.nvidia.damage import TRIALS, refused_of_damaged

SMALL, FUSED = (4, 3, 2), (3, 3, 2, 2, 2, 2)
"""Channels of networks for 16 and for 128 pixels; the latter upsample in both ways."""

TRUNCATION = {"truncation_psi": 0.5, "truncation_cutoff": None}
SIZES = {
    "num_channels": 3, "latent_size": by_hand.Z, "dlatent_size": by_hand.W,
    "mapping_layers": by_hand.DENSE, "mapping_fmaps": by_hand.HIDDEN,
}  # fmt: skip


def first(channels: tuple[int, ...] = SMALL, labels: int = 0, **more: object) -> by_hand.Network:
    """A StyleGAN, with the arguments that NVIDIA's training gives it and others."""
    parts = by_hand.stylegan1_parts(channels, labels)
    arguments = {"resolution": 2 * 2 ** len(channels), "label_size": labels, **SIZES, **more}
    return by_hand.generator(parts, "G_style", "G_synthesis", TRUNCATION | arguments)


def second(
    architecture: str = "skip",
    labels: int = 0,
    channels: tuple[int, ...] = SMALL,
    **more: object,
) -> by_hand.Network:
    """A StyleGAN2, likewise."""
    parts = by_hand.stylegan2_parts(channels, architecture, labels)
    arguments = {"resolution": 2 * 2 ** len(channels), "label_size": labels, **SIZES}
    name = "G_synthesis_stylegan2"
    if architecture == "revised":
        name = arguments["synthesis_func"] = "G_synthesis_stylegan_revised"
    else:
        arguments["architecture"] = architecture
    return by_hand.generator(parts, "G_main", name, arguments | more)


def parts_of(network: by_hand.Network) -> by_hand.Parts:
    held = network.state["components"]
    return {"": dict(network.state["variables"])} | {
        name: dict(part.state["variables"]) for name, part in held.items()
    }


def write(path: Path, network: object, **options: int) -> Path:
    """A file of G, D and Gs; the first two have other weights and another class of network."""
    other = by_hand.Network("D", "D_basic", {"": {"lod": np.float32(1)}}, {})
    path.write_bytes(by_hand.written((first(labels=1), other, network), **options))
    return path


def latents(network: by_hand.Network) -> tuple[np.ndarray, np.ndarray | None]:
    rng = np.random.default_rng(5)
    labels = network.state["static_kwargs"]["label_size"]
    return rng.normal(size=(2, by_hand.Z)), rng.normal(size=(2, labels)) if labels else None


def differences(path: Path, network: by_hand.Network, images_of) -> tuple[float, float]:
    """The largest differences of w and of images, of a w for each layer, from the definition."""
    second = network.state["build_func_name"] == "G_main"
    generator = load_generator(path, "cpu").with_layer("w+")
    z, label = latents(network)
    found = generator.map(torch.tensor(z), None if label is None else torch.tensor(label).float())
    w = by_hand.w_by_hand(parts_of(network), z, label, second)
    ws = w[:, None] + np.random.default_rng(6).normal(
        size=(2, generator.layers["w+"] // by_hand.W, 1)
    )
    images = generator.synthesize(torch.tensor(ws).flatten(1), "w+").numpy()
    expected = images_of(parts_of(network), ws)
    assert images.shape == expected.shape
    assert 0.1 < np.abs(expected).mean() < 100
    return np.abs(found["w"].numpy() - w).max(), np.abs(images - expected).max()


@pytest.mark.parametrize("labels", [0, 2])
def test_a_stylegan_is_the_one_of_its_definition(tmp_path, labels):
    network = first(FUSED, labels)
    path = write(tmp_path / "karras2019.pkl", network)
    assert max(differences(path, network, by_hand.stylegan1_by_hand)) < 1e-4
    found = read_checkpoint(path)
    assert found.kind == "NVlabs TensorFlow pickle (Gs)"
    assert (found.architecture, found.config.label_dim) == ("stylegan1", labels)
    assert found.config.channels == FUSED
    assert torch.equal(
        found.state["truncation.w_avg"], torch.tensor(parts_of(network)[""]["dlatent_avg"])
    )


@pytest.mark.parametrize("fused", [True, False])
def test_ways_to_upsample_are_taken_from_the_arguments(tmp_path, fused):
    network = first(FUSED, fused_scale=fused)
    path = write(tmp_path / "model.pkl", network)
    by_definition = lambda parts, ws: by_hand.stylegan1_by_hand(parts, ws, fused)  # noqa: E731
    assert differences(path, network, by_definition)[1] < 1e-4


def test_a_network_that_still_grows_blends_two_resolutions(tmp_path):
    network = first()
    network.state["variables"][0] = ("lod", np.float32(0.25))
    path = write(tmp_path / "model.pkl", network)
    by_definition = lambda parts, ws: by_hand.stylegan1_by_hand(parts, ws, lod=0.25)  # noqa: E731
    assert differences(path, network, by_definition)[1] < 1e-4


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig", "revised"])
def test_a_stylegan2_is_the_one_of_its_definition(tmp_path, architecture):
    network = second(architecture)
    path = write(tmp_path / "stylegan2.pkl", network)
    assert max(differences(path, network, by_hand.stylegan2_by_hand)) < 1e-4
    config = read_checkpoint(path).config
    assert config.architecture == ("orig" if architecture == "revised" else architecture)
    assert config.conv_clamp is None


def test_a_stylegan2_ada_with_labels_and_clamp_is_read(tmp_path):
    network = second(labels=3, conv_clamp=1.5, num_fp16_res=2, label_fmaps=5, use_noise=True)
    path = write(tmp_path / "ada.pkl", network)
    by_definition = lambda parts, ws: by_hand.stylegan2_by_hand(parts, ws, 1.5)  # noqa: E731
    assert max(differences(path, network, by_definition)) < 1e-4
    assert read_checkpoint(path).config.num_fp16_res == 2


@pytest.mark.parametrize("kernel", [None, [1], [1, 2], [1, 2, 5, 3, 1], list(range(1, 10))])
@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_filters_of_stylegan2_are_taken_from_the_arguments(tmp_path, kernel, architecture):
    network = second(architecture, resample_kernel=kernel)
    path = write(tmp_path / "stylegan2.pkl", network)
    taps = (1.0, 1.0) if kernel is None else tuple(kernel)
    by_definition = lambda parts, ws: by_hand.stylegan2_by_hand(parts, ws, taps=taps)  # noqa: E731
    assert max(differences(path, network, by_definition)) < 1e-4


CURVES = {
    "tanh": np.tanh,
    "swish": lambda x: x / (1 + np.exp(-x)) * np.sqrt(2),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
}


@pytest.mark.parametrize("activation", CURVES)
def test_activations_of_stylegan2_are_taken_from_the_arguments(tmp_path, activation):
    network = second(nonlinearity=activation)
    path = write(tmp_path / "stylegan2.pkl", network)
    by_definition = lambda parts, ws: by_hand.stylegan2_by_hand(  # noqa: E731
        parts, ws, activation=CURVES[activation]
    )
    assert max(differences(path, network, by_definition)) < 1e-4


WRITERS = [*((3, protocol) for protocol in range(6)), (2, 0), (2, 1), (2, 2)]


@pytest.mark.parametrize(("python", "protocol"), WRITERS)
@pytest.mark.parametrize("make", [first, second])
def test_every_protocol_of_both_pythons_gives_the_same_weights(tmp_path, make, python, protocol):
    expected = read_checkpoint(write(tmp_path / "four", make())).state
    path = write(tmp_path / "file", make(), protocol=protocol, python=python)
    found = read_checkpoint(path)
    assert found.state.keys() == expected.keys()
    assert all(torch.equal(found.state[name], expected[name]) for name in expected)
    assert found.notes == read_checkpoint(tmp_path / "four").notes
    assert "was not run" in found.notes[0]


def test_a_generator_alone_and_one_of_four_networks_are_read(tmp_path):
    network = second()
    for name, value in {"alone": network, "four": [first(), first(), first(), network]}.items():
        (tmp_path / name).write_bytes(by_hand.written(value))
        assert read_checkpoint(tmp_path / name).architecture == "stylegan2"


@pytest.mark.parametrize("make", [first, second])
def test_it_is_described_and_converted(tmp_path, make):
    path = write(tmp_path / "model.pkl", make())
    info, generator = describe_file(path), load_generator(path, "cpu")
    assert (info.resolution, info.z_dim, info.w_dim) == (16, by_hand.Z, by_hand.W)
    assert info.layers == generator.layers
    convert_file(path, tmp_path / "out.safetensors")
    again = load_generator(tmp_path / "out.safetensors", "cpu")
    w = generator.map(torch.ones(2, by_hand.Z))["w"]
    assert torch.equal(again.synthesize(w), generator.synthesize(w))


def without(network: by_hand.Network, component: str, name: str) -> by_hand.Network:
    state = network.state["components"][component].state
    state["variables"] = [pair for pair in state["variables"] if pair[0] != name]
    return network


def changed(network: by_hand.Network, **state: object) -> by_hand.Network:
    network.state |= state
    return network


REFUSED = {
    "lacks lod": lambda: by_hand.Network("Gs", "G_paper", {"": {}}, {}),
    "'D_basic' builds": lambda: by_hand.Network("D", "D_basic", {"": {}}, {}),
    "lacks its mapping network": lambda: changed(first(), components={}),
    "'G_synthesis_mine' builds": lambda: by_hand.generator(
        {"": {}, "mapping": {}, "synthesis": {}}, "G_main", "G_synthesis_mine", {}
    ),
    "dlatent_avg has no numbers": lambda: changed(
        first(), variables=[("lod", np.float32(0)), ("dlatent_avg", np.zeros(0, "f4"))]
    ),
    "use_pixel_norm is 'True'": lambda: first(use_pixel_norm=True),
    "blur_filter is": lambda: first(blur_filter=[1, 3, 3, 1]),
    "fused_scale is": lambda: first(fused_scale="sometimes"),
    "dtype is 'float16'": lambda: second(dtype="float16"),
    "activation 'mish'": lambda: second(nonlinearity="mish"),
    "have spectral_norm, which": lambda: second(spectral_norm=True),
    "resolution is '1024', but its weights have 16": lambda: second(resolution=1024),
    "architecture is 'resnet'": lambda: changed(second(), static_kwargs={"architecture": "resnet"}),
    "growth is not finished, 0.50": lambda: changed(
        second("revised"), variables=[("lod", np.float32(0.5)), ("dlatent_avg", np.zeros(8, "f4"))]
    ),
    "lacks synthesis/8x8/Conv1/bias": lambda: without(second(), "synthesis", "8x8/Conv1/bias"),
    "lacks synthesis/noise2": lambda: without(first(), "synthesis", "noise2"),
    "no whole StyleGAN": lambda: without(first(), "mapping", "Dense0/weight"),
    "no array of numbers": lambda: changed(first(), variables=[("lod", "text")]),
    "of type 'O8'": lambda: changed(first(), variables=[("lod", np.array([None, {}]))]),
    "type 'c8'": lambda: changed(first(), variables=[("lod", np.zeros(3, "c8"))]),
    "big-endian": lambda: changed(first(), variables=[("lod", np.zeros(3, ">f4"))]),
    "has 1 axes, not 0": lambda: changed(
        first(), variables=[("lod", np.zeros(1, "f4")), ("dlatent_avg", np.zeros(8, "f4"))]
    ),
    "no list of variables": lambda: changed(first(), variables={}),
    "has no name": lambda: changed(first(), variables=[(1, 2)]),
    "no function or parts": lambda: changed(first(), build_func_name=None),
    "no content": lambda: changed(first(), components={"mapping": {}}),
    "names that are no texts": lambda: changed(first(), static_kwargs={"f": {1: 2}}),
    "has 'extra'": lambda: changed(
        first(), variables=[*first().state["variables"], ("extra", np.zeros(2, "f4"))]
    ),
}


@pytest.mark.parametrize("told", REFUSED)
def test_networks_that_this_library_has_not_are_refused_in_a_line(tmp_path, told):
    path = write(tmp_path / "model.pkl", REFUSED[told]())
    for load in (describe_file, load_generator):
        with pytest.raises(CheckpointError, match=f"model.pkl.*{told}"):
            load(path)


def test_functions_of_other_names_are_told(tmp_path):
    network = by_hand.generator(by_hand.stylegan2_parts(SMALL), "G_main", "G_synthesis_mine", {})
    found = read_checkpoint(write(tmp_path / "model.pkl", network))
    assert found.architecture == "stylegan2"
    assert "'G_synthesis_mine'" in found.notes[1]


def test_labels_of_stylegan2_before_ada_are_refused(tmp_path):
    network = second(labels=2)
    part = network.state["components"]["mapping"].state
    part["variables"] = list(by_hand.stylegan1_parts(SMALL, 2)["mapping"].items())
    with pytest.raises(CheckpointError, match="normalised together with z"):
        read_checkpoint(write(tmp_path / "model.pkl", network))


@pytest.mark.parametrize("where", ["D", "variables", "arguments", "components", "state", "array"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_calls_in_such_a_file_refuse_it_and_are_never_made(tmp_path, where, protocol):
    made = tmp_path / "made"
    call = Reduced(os.system, f"touch {made}")
    network, value = first(), None
    if where == "D":
        value = (first(), call, network)
    elif where == "variables":
        network.state["variables"].append(("x", call))
    elif where == "arguments":
        network.state["static_kwargs"]["x"] = call
    elif where == "components":
        network.state["components"]["x"] = call
    elif where == "array":
        network.state["variables"][0] = ("lod", np.array([call, None], dtype=object))
    else:
        network.state["__setstate__"] = call
    path = tmp_path / "model.pkl"
    path.write_bytes(by_hand.written(value or (first(), first(), network), protocol))
    with pytest.raises(CheckpointError, match=r"model\.pkl: it names 'posix\.system'"):
        read_checkpoint(path)
    assert not made.exists()


def test_the_source_of_a_network_is_not_run(tmp_path):
    made = tmp_path / "made"
    network = changed(first(), build_module_src=f"open({str(made)!r}, 'w')")
    path = write(tmp_path / "model.pkl", network)
    assert "dnnlib, runs it" in read_checkpoint(path).notes[0]
    assert not made.exists()


def test_networks_that_hold_each_other_come_to_an_end(tmp_path):
    network = first()
    network.state["components"]["mapping"].state["components"] = {"mapping": network}
    with pytest.raises(CheckpointError, match=r"no content|lacks its mapping"):
        read_checkpoint(write(tmp_path / "model.pkl", network))


@pytest.mark.parametrize(("python", "protocol"), [(3, 4), (3, 2), (2, 0)])
def test_random_damage_gives_a_network_or_the_error(python, protocol):
    data = by_hand.written(second("orig", channels=(2, 1)), protocol, python)
    assert 350 < refused_of_damaged(data, protocol) <= TRIALS  # 2,100 together
