"""State dicts of torch.save: which entry is taken, whose it is, and what is said of others."""

from __future__ import annotations

import argparse
import dataclasses
import os

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from property_cnn.network.reference import ReferenceCNN, ReferenceSettings
from stylegan_ft.formats.load import load_any_scorer, read_checkpoint
from stylegan_ft.formats.rosinality import convert_rosinality
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.foreign_files import (
    STYLEGAN1,
    STYLEGAN2,
    STYLEGAN3,
    Reduced,
    random_network,
    rosinality_state,
)

LATENTS = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("archive", [True, False])
def test_rosinality_files_load(tmp_path, archive):
    state, mean = rosinality_state(), torch.arange(6.0)
    held = {
        "g": rosinality_state(), "d": {"x": torch.ones(2)}, "g_ema": state, "latent_avg": mean,
        "g_optim": {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}}, "ada_aug_p": 0.1,
        "args": argparse.Namespace(path="x", batch=4),
    }  # fmt: skip
    path = tmp_path / "550000.whatever"
    torch.save(held, path, _use_new_zipfile_serialization=archive)
    found = read_checkpoint(path)
    config, expected = convert_rosinality(state, mean)
    assert (found.kind, found.architecture) == ("rosinality state dict (g_ema)", "stylegan2")
    assert found.config == config
    assert all(torch.equal(found.state[name], expected[name]) for name in expected)
    generator = load_generator(path, "cpu")
    expected = generator.synthesize(generator.map(LATENTS)["w"], "w")
    for layer in ("z", "mapping.0", "w+", "w+2-4", "s"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(LATENTS)[layer], layer)
        torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-5)


def test_the_generator_of_an_encoder_s_file_loads(tmp_path):
    state, mean = rosinality_state(), torch.arange(6.0)
    held = {f"decoder.{name}": tensor for name, tensor in state.items()}
    held |= {"encoder.input_layer.0.weight": torch.ones(2), "encoder.n": torch.tensor(3)}
    file = {"state_dict": held, "latent_avg": mean.repeat(5, 1), "opts": {"stylegan_size": 16}}
    torch.save(file, tmp_path / "e4e.pt")
    torch.save({"g_ema": state, "latent_avg": mean}, tmp_path / "g.pt")
    found, plain = (read_checkpoint(tmp_path / name) for name in ("e4e.pt", "g.pt"))
    assert found.config == plain.config
    assert {*found.state} == {*plain.state}
    assert all(torch.equal(found.state[name], plain.state[name]) for name in plain.state)
    assert "decoder" in found.kind


@pytest.mark.parametrize("split", [True, False])
def test_genforce_files_load_with_every_layer(tmp_path, split):
    config = dataclasses.replace(STYLEGAN1, split=split, wide_dim=9 if split else 0)
    network = random_network(config)
    held = {"models": {"discriminator": {}, "generator_smooth": network.state_dict()}}
    torch.save(held, tmp_path / "g.pth")
    assert read_checkpoint(tmp_path / "g.pth").kind == "genforce state dict (generator_smooth)"
    generator = load_generator(tmp_path / "g.pth", "cpu")
    label = LATENTS[:, :2]
    expected = network(LATENTS, label)
    for layer in (*generator.layers, "z", "mapping.0", "w+", "w+0-1"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(LATENTS, label)[layer], layer)
        torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_state_dicts_in_nvlabs_names_tell_their_settings(tmp_path, architecture):
    config = dataclasses.replace(
        STYLEGAN2, architecture=architecture, conv_clamp=256.0, num_fp16_res=4,
        resample_filter=(0.125, 0.375, 0.375, 0.125),
    )  # fmt: skip
    network = random_network(config)
    parallel = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": parallel}, tmp_path / "g.pt")
    found = read_checkpoint(tmp_path / "g.pt")
    assert found.config == config
    assert "defaults" in found.notes[0]
    z, label = torch.randn(2, 7), torch.randn(2, 2)
    generator = load_generator(tmp_path / "g.pt", "cpu")
    images = generator.synthesize(generator.map(z, label)["w"], "w")
    torch.testing.assert_close(images, network(z, label), rtol=1e-5, atol=1e-5)


def test_the_reference_s_property_cnn_loads(tmp_path):
    torch.manual_seed(0)
    network = ReferenceCNN(ReferenceSettings(width=1, features=2)).eval()
    torch.save(network.state_dict(), tmp_path / "cnn.pth")
    scorer = load_any_scorer(tmp_path / "cnn.pth", "cpu")
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(scorer(images), network(images))
    with pytest.raises(CheckpointError, match="as the scorer"):
        load_generator(tmp_path / "cnn.pth", "cpu")
    torch.save(rosinality_state(), tmp_path / "g.pt")
    with pytest.raises(CheckpointError, match="property CNN is needed"):
        load_any_scorer(tmp_path / "g.pt", "cpu")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"step": 3}, "no state dict.*'step'"),
        ([1, 2], "no state dict.*something else"),
        ({"g_ema": {}}, "no state dict.*nothing"),
        ({"g_ema": {"w": torch.ones(2), "epoch": 3}}, "no state dict"),
        ({"conv.weight": torch.ones(2)}, "not a StyleGAN generator.*'conv.weight'"),
        ({"b4.fc.weight": torch.ones(2)}, "a discriminator"),
        ({"synthesis.early_layer.const": torch.ones(2)}, "no genforce StyleGAN2.*other shapes"),
        ({"synthesis.b4.const": torch.ones(2)}, "no whole StyleGAN2"),
        ({"style.1.weight": torch.ones(2), "input.input": torch.ones(2)}, "lacks|shape|axes"),
        ({"mapping.dense0.weight": torch.ones(2)}, "not a StyleGAN generator"),
        ({"ckpt": "g.pt", "eigvec": torch.ones(2, 2)}, "SeFa's factors"),
        ({"d": {"final_linear.0.weight": torch.ones(2)}}, "a discriminator alone"),
        ({"models": {"discriminator": {"input0.weight": torch.ones(2)}}}, "discriminator alone"),
        ({"input0.weight": torch.ones(2)}, "a discriminator of genforce's"),
        ({"input.input": torch.ones(2), "iwt.ll": torch.ones(2, 2)}, "a SWAGAN"),
        ({"synthesis.early_layer.weight": torch.ones(2)}, "no constant input"),
        ({"state_dict": {"encoder.input_layer.0.weight": torch.ones(2)}}, "an encoder of pSp"),
        ({"output0.weight": torch.ones(2)}, "no whole PGGAN"),
        ({"layer1.conv.weight": torch.ones(2)}, "no whole PGGAN"),
        ({"mapping.dense0.fc.weight": torch.ones(2)}, "not a StyleGAN generator"),
    ],
)
def test_other_contents_are_refused_by_what_they_are(tmp_path, value, told):
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=rf"x\.pt.*{told}"):
        load_generator(tmp_path / "x.pt", "cpu")


def test_a_stylegan3_without_settings_is_refused(tmp_path):
    torch.save(random_network(STYLEGAN3).state_dict(), tmp_path / "x.pt")
    with pytest.raises(CheckpointError, match=r"StyleGAN3 without its settings.*pickle"):
        load_generator(tmp_path / "x.pt", "cpu")


def test_whole_objects_and_calls_are_refused_by_name(tmp_path):
    torch.save(random_network(STYLEGAN2), tmp_path / "whole.pt")
    with pytest.raises(CheckpointError, match=r"StyleGAN2'.*state_dict\(\)"):
        read_checkpoint(tmp_path / "whole.pt")
    made = tmp_path / "made"
    call = Reduced(os.system, f"touch {made}")
    torch.save({"g_ema": rosinality_state(), "args": call}, tmp_path / "call.pt")
    with pytest.raises(CheckpointError, match=r"posix\.system"):
        read_checkpoint(tmp_path / "call.pt")
    assert not made.exists()
