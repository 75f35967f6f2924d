"""genforce's StyleGAN 1 with the arguments that its weights tell."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from stylegan_ft.architectures.layered import LayeredGenerator
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.formats.genforce import by_hand
from tests.stylegan_ft.formats.test_options import PLAIN

ARGUMENTS = ("noise_type", "const_input", "repeat_w", "mapping_layers")
CHOICES = list(itertools.product(("spatial", "channel"), (True, False), (True, False), (8, 2)))


def images_of(generator: LayeredGenerator, layer: str, z: torch.Tensor) -> torch.Tensor:
    offered = generator.with_layer(layer)
    return offered.synthesize(offered.map(z)[layer], layer).double()


@pytest.mark.parametrize("choice", CHOICES)
def test_images_are_those_of_the_arguments(tmp_path, choice):
    given = dict(zip(ARGUMENTS, choice, strict=True))
    config = dataclasses.replace(PLAIN, mapping_layers=given.pop("mapping_layers"))
    state = by_hand.stylegan1_state(config, **given)
    torch.save(state, tmp_path / "g.pth")
    generator = load_generator(tmp_path / "g.pth", "cpu")
    assert generator.network.config == dataclasses.replace(config, **given)
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    w = by_hand.stylegan1_w(state, z)
    torch.testing.assert_close(generator.map(z)["w"].double(), w, rtol=1e-5, atol=1e-5)
    expected = by_hand.stylegan1_images(state, w)
    for layer in ("z", "mapping.0", "w", "w+"):
        torch.testing.assert_close(images_of(generator, layer, z), expected, rtol=1e-4, atol=1e-4)


def test_grey_images_are_repeated(tmp_path):
    config = dataclasses.replace(PLAIN, image_channels=1)
    state = by_hand.stylegan1_state(config)
    torch.save(state, tmp_path / "g.pth")
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    expected = by_hand.stylegan1_images(state, by_hand.stylegan1_w(state, z))
    assert expected.shape[1] == 1
    images = images_of(load_generator(tmp_path / "g.pth", "cpu"), "w", z)
    torch.testing.assert_close(images, expected.expand(-1, 3, -1, -1), rtol=1e-4, atol=1e-4)
    assert "are grey" in describe_file(tmp_path / "g.pth").notes[-1]


def test_truncation_of_a_w_for_each_layer_is_towards_each_one_s_mean(tmp_path):
    state = by_hand.stylegan1_state(PLAIN, repeat_w=False)
    path = tmp_path / "g.pth"
    torch.save(state, path)
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))
    w = by_hand.stylegan1_w(state, z).unflatten(1, (6, 8))
    mean = state["truncation.w_avg"].double().view(6, 8)
    for layers in (None, 2):
        pulled = w.clone()
        pulled[:, :layers] = (mean + (w - mean) * 0.7)[:, :layers]
        expected = by_hand.stylegan1_images(state, pulled.flatten(1))
        found = images_of(load_generator(path, "cpu", psi=0.7, trunc_layers=layers), "w", z)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    info = describe_file(path)
    assert (info.w_dim, info.layers["w"]) == (8, 48)
    generator = load_generator(path, "cpu")
    assert generator.style_weights().shape == (6 * 16, 48)
    convert_file(path, tmp_path / "g.safetensors")
    again = load_generator(tmp_path / "g.safetensors", "cpu")
    assert torch.equal(images_of(again, "z", z), images_of(generator, "z", z))
