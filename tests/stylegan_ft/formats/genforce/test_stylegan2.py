"""genforce's StyleGAN2 and StyleGAN2-ADA in NVlabs' names give what their definition gives."""

from __future__ import annotations

import itertools

import pytest
import torch

from property_cnn.common.errors import CheckpointError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.formats.genforce import by_hand

CHOICES = list(itertools.product(("skip", "origin"), ("", "joint", "apart"), (True, False)))


def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(3, 8, generator=rng), torch.randn(3, 3, generator=rng)


@pytest.mark.parametrize(("architecture", "label", "wscale"), CHOICES)
def test_images_are_those_of_the_arguments(tmp_path, architecture, label, wscale):
    state = by_hand.stylegan2_state(architecture, label, wscale)
    path = tmp_path / "g.pth"
    torch.save({"models": {"generator_smooth": state}}, path)
    generator = load_generator(path, "cpu")
    z, labels = drawn()
    labels = labels if label else None
    w = by_hand.stylegan2_w(state, z, labels, wscale)
    torch.testing.assert_close(generator.map(z, labels)["w"].double(), w, rtol=1e-5, atol=1e-5)
    expected = by_hand.stylegan2_images(state, w, wscale)
    for layer in ("z", "mapping.1", "w", "w+", "w+1-2", "s"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(z, labels)[layer], layer)
        torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)
    mean = state["truncation.w_avg"].double()
    expected = by_hand.stylegan2_images(state, mean + (w - mean) / 2, wscale)
    pulled = load_generator(path, "cpu", psi=0.5)
    images = pulled.synthesize(pulled.map(z, labels)["w"], "w")
    torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)


def test_options(tmp_path):
    state = by_hand.stylegan2_state(lr_mul=1.0)
    path = tmp_path / "g.pth"
    torch.save(state, path)
    z, _ = drawn()
    generator = load_generator(path, "cpu", options={"final_tanh": True})
    w = by_hand.stylegan2_w(state, z, lr_mul=1.0)
    expected = by_hand.stylegan2_images(state, w, final_tanh=True)
    images = generator.synthesize(generator.map(z)["w"], "w")
    torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)
    assert describe_file(path).notes == (
        "told by the weights: use_wscale=true, mapping_lr_mul=1.0",
        "not told by the file, assumed: final_tanh=false, demodulate=true",
    )
    other = load_generator(path, "cpu", options={"mapping_lr_mul": 0.1})
    w = by_hand.stylegan2_w(state, z, lr_mul=0.1)
    torch.testing.assert_close(other.map(z)["w"].double(), w, rtol=1e-5, atol=1e-5)
    convert_file(f"{path}?final_tanh=true", tmp_path / "g.safetensors")
    again = load_generator(tmp_path / "g.safetensors", "cpu")
    assert torch.equal(again.synthesize(again.map(z)["w"], "w"), images)


@pytest.mark.parametrize("wscale", [True, False])
@pytest.mark.parametrize("architecture", ["skip", "origin"])
def test_layers_without_demodulation_are_an_option(tmp_path, architecture, wscale):
    state = by_hand.stylegan2_state(architecture, use_wscale=wscale)
    path = tmp_path / "g.pth"
    torch.save(state, path)
    z, _ = drawn()
    w = by_hand.stylegan2_w(state, z, use_wscale=wscale)
    expected = by_hand.stylegan2_images(state, w, wscale, demodulate=False)
    generator = load_generator(f"{path}?demodulate=false", "cpu")
    for layer in ("z", "w", "w+", "s"):
        offered = generator.with_layer(layer)
        images = offered.synthesize(offered.map(z)[layer], layer)
        torch.testing.assert_close(images.double(), expected, rtol=1e-5, atol=1e-4)
    assert "given: demodulate=false" in describe_file(f"{path}?demodulate=false").notes
    convert_file(f"{path}?demodulate=false", tmp_path / "g.safetensors")
    again = load_generator(tmp_path / "g.safetensors", "cpu")
    assert torch.equal(
        again.synthesize(again.map(z)["w"]), generator.synthesize(generator.map(z)["w"])
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"synthesis.layer1.bias": None}, "lacks synthesis.layer1.bias"),
        ({"mapping.dense0.weight": None}, "lacks mapping.dense0.weight"),
        ({"extra": torch.ones(2)}, "foreign extra"),
        ({"synthesis.upsample.kernel": torch.ones(1, 1, 4, 4)}, "another filter"),
        ({"synthesis.layer1.weight": torch.ones(5, 6, 1, 1)}, "resnet"),
        ({"mapping.dense2.weight": torch.ones(48, 8)}, "repeat_w False"),
    ],
)
def test_others_are_refused(tmp_path, change, told):
    state = by_hand.stylegan2_state() | change
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "g.pth")
    with pytest.raises(CheckpointError, match=told):
        load_generator(tmp_path / "g.pth", "cpu")
