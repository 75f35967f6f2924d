"""Files by their content: detection, description, conversion, our own safetensors."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import file_digest, load_tensors, save_tensors
from property_cnn.network.cnn import PropertyCNN
from property_cnn.network.layout import NetworkSettings
from property_cnn.network.reference import ReferenceCNN, ReferenceSettings
from property_cnn.network.scorer import load_scorer, save_scorer
from stylegan_ft.formats.checkpoint import load_network, save_generator
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.formats.load import load_any_scorer, read_checkpoint
from stylegan_ft.formats.ours import settings_text
from stylegan_ft.generator import Generator, load_generator
from stylegan_ft.shipped import SHIPPED
from tests.stylegan_ft.foreign_files import (
    ADA,
    STYLEGAN1,
    STYLEGAN2,
    STYLEGAN3,
    THIRD,
    official,
    random_network,
    rosinality_state,
    write_official,
)
from vectorfind.runs.describe import describe


def write(kind: str, path) -> None:
    """A file of a network of a kind, by a name that tells nothing."""
    if kind == "stylegan1":
        torch.save(random_network(STYLEGAN1).state_dict(), path)
    elif kind == "rosinality":
        torch.save({"g_ema": rosinality_state()}, path)  # without the mean w
    else:
        config, arguments = {"stylegan2": (STYLEGAN2, ADA), "stylegan3": (STYLEGAN3, THIRD)}[kind]
        write_official(path, G_ema=official(random_network(config).state_dict(), arguments))


KINDS = ("stylegan1", "stylegan2", "stylegan3", "rosinality")


def images_of(generator, layer: str = "w") -> torch.Tensor:
    rng = torch.Generator().manual_seed(5)
    z = torch.randn(3, generator.z_dim, generator=rng)
    label = torch.randn(3, generator.label_dim, generator=rng) if generator.label_dim else None
    return generator.synthesize(generator.map(z, label)[layer], layer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_file_gives_the_same_images(tmp_path, kind):
    write(kind, tmp_path / "file")
    convert_file(tmp_path / "file", tmp_path / "out.safetensors")
    old, new = (load_generator(tmp_path / name, "cpu") for name in ("file", "out.safetensors"))
    assert torch.equal(images_of(old), images_of(new))
    assert (old.layers, old.available_layers, old.resolution) == (
        new.layers,
        new.available_layers,
        new.resolution,
    )
    assert new.network.config == old.network.config
    assert new.digest == old.digest == file_digest(tmp_path / "file")
    assert describe_file(tmp_path / "out.safetensors").digest == old.digest
    _, metadata = load_tensors(tmp_path / "out.safetensors")
    assert metadata["source"].endswith(old.digest)
    again = tmp_path / "again.safetensors"
    convert_file(tmp_path / "file", again)
    assert again.read_bytes() == (tmp_path / "out.safetensors").read_bytes()


def test_other_weights_do_not_pass_for_those_that_were_converted(tmp_path):
    write(KINDS[0], tmp_path / "file")
    path = tmp_path / "out.safetensors"
    convert_file(tmp_path / "file", path)
    state, metadata = load_tensors(path)
    first = next(iter(state))
    save_tensors(path, state | {first: state[first] + 1}, metadata)
    assert read_checkpoint(path).digest == file_digest(path)
    convert_file(tmp_path / "file", path, precision="float16")
    assert read_checkpoint(path).digest == file_digest(path)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_rounds_only_weights(tmp_path, kind):
    write(kind, tmp_path / "file")
    convert_file(tmp_path / "file", tmp_path / "out.safetensors", precision="float16")
    old, new = (load_generator(tmp_path / name, "cpu") for name in ("file", "out.safetensors"))
    stored, _ = load_tensors(tmp_path / "out.safetensors")
    states = old.network.state_dict(), new.network.state_dict()
    assert {tensor.dtype for tensor in states[1].values()} == {torch.float32}
    kinds = {name.rpartition(".")[2]: stored[name].dtype for name in stored}
    assert kinds["weight"] == torch.float16
    assert kinds["bias"] == torch.float32
    for name, tensor in states[0].items():
        rounded = tensor.half().float() if stored[name].dtype == torch.float16 else tensor
        assert torch.equal(states[1][name], rounded), name


def test_weights_that_overflow_stay_as_they_are(tmp_path):
    state = random_network(STYLEGAN2).state_dict()
    state["mapping.fc0.weight"][0, 0] = 1e6
    write_official(tmp_path / "file", G_ema=official(state, ADA))
    convert_file(tmp_path / "file", tmp_path / "out.safetensors", "float16")
    assert torch.equal(
        read_checkpoint(tmp_path / "out.safetensors").state["mapping.fc0.weight"],
        state["mapping.fc0.weight"],
    )


def test_property_cnns_are_converted_too(tmp_path):
    torch.manual_seed(0)
    network = ReferenceCNN(ReferenceSettings(width=1, features=2)).eval()
    torch.save(network.state_dict(), tmp_path / "cnn.pth")
    convert_file(tmp_path / "cnn.pth", tmp_path / "cnn.safetensors")
    scorer = load_scorer(tmp_path / "cnn.safetensors", "cpu")
    assert scorer.digest == load_any_scorer(tmp_path / "cnn.pth", "cpu").digest
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(scorer(images), scorer.network.forward(images))
        torch.testing.assert_close(scorer(images), network(images))
    assert describe_file(tmp_path / "cnn.safetensors").architecture == "property_cnn"


def test_wrong_options_of_conversion_are_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.safetensors"):
        convert_file(tmp_path / "none", tmp_path / "out.pt")
    with pytest.raises(InputError, match=r"fp8.*float32 or float16"):
        convert_file(tmp_path / "none", tmp_path / "out.safetensors", "fp8")
    with pytest.raises(CheckpointError, match="no file"):
        convert_file(tmp_path / "none", tmp_path / "out.safetensors")
    (tmp_path / "bad").write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        convert_file(tmp_path / "bad", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_description_is_that_of_the_loaded_generator(tmp_path, kind):
    write(kind, tmp_path / "file")
    info, generator = describe_file(tmp_path / "file"), load_generator(tmp_path / "file", "cpu")
    assert info.architecture == (kind if kind != "rosinality" else "stylegan2")
    assert info.digest == generator.digest == file_digest(tmp_path / "file")
    assert (info.z_dim, info.label_dim) == (generator.z_dim, generator.label_dim)
    assert info.w_dim == generator.layers["w"]
    assert info.resolution == generator.resolution
    assert (info.layers, info.available_layers) == (generator.layers, generator.available_layers)
    state = read_checkpoint(tmp_path / "file").state
    assert info.parameters == sum(tensor.numel() for tensor in state.values())


def test_a_description_reads_no_large_tensors(tmp_path, monkeypatch):
    state = {**random_network(STYLEGAN1).state_dict(), "big": torch.ones(300, 300)}
    read = []
    frombuffer = torch.frombuffer

    def counted(*args, **options):
        read.append(options["count"])
        return frombuffer(*args, **options)

    monkeypatch.setattr(torch, "frombuffer", counted)
    torch.save(state, tmp_path / "file")
    with pytest.raises(CheckpointError, match="foreign big"):
        describe_file(tmp_path / "file")
    assert 0 < max(read) < 300 * 300 * 4
    with pytest.raises(CheckpointError, match="foreign big"):
        load_generator(tmp_path / "file", "cpu")
    assert max(read) == 300 * 300 * 4


def test_a_description_refuses_weights_that_do_not_fit(tmp_path):
    state = random_network(STYLEGAN2).state_dict()
    del state["mapping.fc1.bias"]
    write_official(tmp_path / "file", G_ema=official(state, ADA))
    with pytest.raises(CheckpointError, match=r"lacks mapping\.fc1\.bias"):
        describe_file(tmp_path / "file")


def test_shipped_files_and_scorers_are_described(tmp_path):
    info = describe_file(SHIPPED["default"])
    assert (info.kind, info.architecture) == ("vectorfind safetensors", "stylegan1")
    assert info.resolution == 64
    assert "mapping_split1" in info.layers
    path = tmp_path / "scorer.safetensors"
    save_scorer(PropertyCNN(NetworkSettings(32, 4, 6)), path, {"recipe": "by hand"})
    info = describe_file(path)
    assert (info.architecture, info.metadata) == ("property_cnn", {"recipe": "by hand"})
    assert "mouth" in info.notes[0]
    assert info.layers == {}


def test_other_files_of_ours_are_described_and_not_loaded(tmp_path):
    save_tensors(tmp_path / "x.safetensors", {"a": torch.ones(2, 3)}, {"segmenter": "{}"})
    info = describe_file(tmp_path / "x.safetensors")
    assert (info.architecture, info.parameters) == ("other", 6)
    assert info.metadata == {"segmenter": "{}"}
    with pytest.raises(CheckpointError, match="no generator"):
        load_generator(tmp_path / "x.safetensors", "cpu")


def test_numbers_of_types_that_no_weights_have_are_refused(tmp_path):
    save_tensors(tmp_path / "x.safetensors", {"a": torch.ones(2).to(torch.float8_e4m3fn)})
    with pytest.raises(CheckpointError, match="type 'F8_E4M3'"):
        read_checkpoint(tmp_path / "x.safetensors")


def test_the_name_of_a_file_tells_nothing(tmp_path):
    save_generator(tmp_path / "g.pkl", random_network(STYLEGAN1), dtype=torch.float32)
    torch.save(random_network(STYLEGAN1).state_dict(), tmp_path / "g.safetensors")
    first, second = (load_generator(tmp_path / name, "cpu") for name in ("g.pkl", "g.safetensors"))
    assert isinstance(first, Generator)
    assert torch.equal(images_of(first), images_of(second))


def test_load_network_wants_a_stylegan1(tmp_path):
    write("stylegan2", tmp_path / "file")
    with pytest.raises(CheckpointError, match="holds no StyleGAN 1; one is needed"):
        load_network(tmp_path / "file")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"not weights at all", "a text, .not weights at all."),
        (b"  \n<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (gzip.compress(b"x", mtime=0), "gzip"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"\x80\x09}.", "no file of weights"),
        (b"\x80", "no file of weights"),
        (b"P", "a text, .P."),
        (b"PK\x03\x04", "has no end"),
        (b"\x80\x02", "too early"),
        (b"\x80\x04}.", "no state dict"),
        (b"\x80\x04N.", "no state dict.*something else"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{not JSON really} ", "no whole safetensors"),
        (b"\xff\xff\xff\x7f\x00\x00\x00\x00{}", "no file of weights"),
        (b"\x01\x00\x10\x00\x00\x00\x00\x00{" + bytes(2**20), "lists more tensors"),
    ],
)
def test_what_cannot_be_loaded_says_what_it_is(tmp_path, data, told):
    (tmp_path / "file").write_bytes(data)
    for load in (read_checkpoint, describe_file, load_generator):
        with pytest.raises(CheckpointError, match=rf"file.*{told}"):
            load(tmp_path / "file")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError, match=r"no file|a folder without"):
            read_checkpoint(path)


def test_an_npz_is_told_by_its_entries(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(3))
    with pytest.raises(CheckpointError, match=r"a\.npy"):
        read_checkpoint(tmp_path / "x.npz")


SETTINGS = json.loads(settings_text(STYLEGAN1))
SETTINGS2 = json.loads(settings_text(STYLEGAN2))


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"depth": 3}',
        json.dumps({**SETTINGS, "mapping_layers": 10**9}),
        json.dumps({**SETTINGS, "hidden_dim": 10**9}),
        json.dumps({**SETTINGS, "hidden_dim": -1}),
        json.dumps({**SETTINGS, "hidden_dim": "7"}),
        json.dumps({**SETTINGS, "lr_mul": "x"}),
        json.dumps({**SETTINGS, "lr_mul": float("nan")}),
        json.dumps({**SETTINGS, "resolution": 2**60, "channels": [1] * 59}),
        json.dumps({**SETTINGS, "image_channels": 1}),
        json.dumps({"architecture": "stylegan9", "settings": {}}),
        json.dumps({"architecture": ["stylegan2"], "settings": {}}),
        json.dumps({**SETTINGS2, "settings": {**SETTINGS2["settings"], "z_dim": 10**9}}),
        json.dumps({**SETTINGS2, "settings": []}),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, config):
    path = tmp_path / "g.safetensors"
    save_tensors(path, random_network(STYLEGAN1).state_dict(), {"config": config})
    for load in (describe_file, load_generator):
        with pytest.raises(CheckpointError, match=r"g\.safetensors"):
            load(path)


def test_what_is_told_of_layers_and_licence(tmp_path):
    write_official(tmp_path / "file", G_ema=official(random_network(STYLEGAN2).state_dict(), ADA))
    convert_file(tmp_path / "file", tmp_path / "out.safetensors")
    for name in ("file", "out.safetensors"):
        told = describe(tmp_path / name)
        last = load_generator(tmp_path / name, "cpu").synthesis_layers - 1
        assert f"w+A-B (A and B from 0 to {last})" in told["also offers"]
        assert "NVIDIA Source Code License" in told["licence"]
