"""genforce's PGGAN, its options, and what a generator without w does."""

from __future__ import annotations

import itertools

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.formats.convert import convert_file
from stylegan_ft.formats.describe import describe_file
from stylegan_ft.generator import load_generator
from tests.stylegan_ft.formats.genforce import by_hand

Z = torch.randn(3, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("fused", "wscale", "tanh", "label"), list(itertools.product((0, 1), (1, 0), (0, 1), (0, 3)))
)
def test_images_are_those_of_the_arguments(tmp_path, fused, wscale, tanh, label):
    given = {"fused_scale": bool(fused), "use_wscale": bool(wscale)}
    state = by_hand.pggan_state(label_size=label, **given)
    torch.save(state, tmp_path / "g.pth")
    options = {"final_tanh": bool(tanh), "label_size": label}  # the others are told
    generator = load_generator(tmp_path / "g.pth", "cpu", options=options)
    assert (dict(generator.layers), generator.label_dim) == ({"z": 6 + label}, label)
    labels = torch.randn(3, label) if label else None
    expected = by_hand.pggan_images(state, Z, labels, final_tanh=bool(tanh), **given)
    images = generator.synthesize(generator.map(Z, labels)["z"], "z")
    torch.testing.assert_close(images.double(), expected, rtol=1e-4, atol=1e-4)


def test_the_latent_is_the_only_layer(tmp_path):
    path = tmp_path / "g.pth"
    torch.save(by_hand.pggan_state(), path)
    generator = load_generator(path, "cpu")
    assert generator.available_layers == ("z",)
    for layer in ("w", "w+", "w+0-1", "s"):
        with pytest.raises(InputError, match="this generator has z alone"):
            generator.with_layer(layer)
    with pytest.raises(InputError, match="no affine layer"):
        generator.style_weights()
    with pytest.raises(CheckpointError, match="no w to truncate"):
        load_generator(path, "cpu", psi=0.7)
    info = describe_file(path)
    assert (info.architecture, info.resolution, info.z_dim, info.w_dim) == ("pggan", 16, 6, None)
    latents = Z.clone().requires_grad_()
    generator.synthesize(latents, "z").sum().backward()
    assert float(latents.grad.abs().max()) > 0


def test_it_converts(tmp_path):
    torch.save(by_hand.pggan_state(), tmp_path / "g.pth")
    convert_file(tmp_path / "g.pth", tmp_path / "g.safetensors")
    first, second = (load_generator(tmp_path / f"g.{end}") for end in ("pth", "safetensors"))
    assert torch.equal(first.synthesize(Z, "z"), second.synthesize(Z, "z"))


def test_labels_are_told_by_inputs_beyond_the_first_maps(tmp_path):
    torch.save(by_hand.pggan_state(z_dim=8, label_size=3), tmp_path / "g.pth")
    generator = load_generator(tmp_path / "g.pth", "cpu")
    assert (generator.z_dim, generator.label_dim) == (8, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"layer3.weight": None}, "foreign|lacks"),
        ({"layer3.bias": None}, "lacks layer3.bias"),
        ({"lod": torch.tensor(1.5)}, "lod is 1.5: it was still growing"),
        ({"layer9.extra": torch.ones(2)}, "foreign layer9.extra"),
        ({"layer2.weight": torch.ones(2)}, "no kernel"),
    ],
)
def test_others_are_refused(tmp_path, change, told):
    state = by_hand.pggan_state() | change
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "g.pth")
    with pytest.raises(CheckpointError, match=told):
        load_generator(tmp_path / "g.pth", "cpu")
