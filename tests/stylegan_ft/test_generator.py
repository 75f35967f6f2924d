"""The generator as the library uses it: map, re-enter, shapes, digests, loading."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from property_cnn.common.files import file_digest
from property_cnn.common.networks import weights_digest
from stylegan_ft import generator as module
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.architectures.stylegan1.settings import GeneratorConfig
from stylegan_ft.formats.checkpoint import save_generator
from stylegan_ft.generator import Generator, load_generator

TINY = GeneratorConfig(
    resolution=8, z_dim=6, w_dim=5, label_dim=2, label_embedding=3, channels=(8, 8), hidden_dim=7,
    wide_dim=9,
)  # fmt: skip
PLAIN = GeneratorConfig(
    resolution=8, z_dim=6, w_dim=5, label_dim=0, split=False, channels=(8, 8), hidden_dim=7
)


@pytest.fixture
def generator() -> Generator:
    return Generator(GeneratorNetwork(TINY, seed=4))


@pytest.fixture
def latents() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(5, 6, generator=rng), torch.randn(5, 2, generator=rng)


def test_attributes_tell_the_sizes(generator):
    assert (generator.z_dim, generator.label_dim, generator.resolution) == (6, 2, 8)
    assert generator.layers == {"mapping_split1": 16, "mapping_split2": 10, "w": 5}
    assert generator.device == torch.device("cpu")
    assert generator.editable == {}
    plain = Generator(GeneratorNetwork(PLAIN))
    assert plain.layers == {"z": 6, "w": 5}
    trunk = tuple(f"mapping.{k}" for k in range(8))
    assert plain.available_layers == ("z", *trunk, "w", "w+", "w+A-B")
    expected = ("z", *trunk[:6], "mapping_split1", "mapping_split2", "w", "w+", "w+A-B")
    assert generator.available_layers == expected


def test_a_generator_is_a_few_lines(generator):
    text = repr(generator)
    assert text.startswith("Generator\n  network")
    assert generator.digest in text
    assert f"z {generator.z_dim}" in text
    assert len(text) < 600
    assert "<table" in generator._repr_html_()


@pytest.mark.parametrize("layer", list(TINY.layers))
def test_unedited_vectors_of_any_layer_give_the_image_itself(generator, latents, layer):
    with torch.no_grad():
        expected = generator.network(*latents)
    latents = generator.map(*latents)
    assert {name: mid.shape[1] for name, mid in latents.items()} == generator.layers
    images = generator.synthesize(latents[layer], layer)
    assert images.shape == (5, 3, 8, 8)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("label_dim", [0, 2])
@pytest.mark.parametrize("psi", [1.0, 0.5])
def test_unedited_vectors_of_offered_layers_give_the_image_itself(split, label_dim, psi, latents):
    config = dataclasses.replace(TINY, split=split, label_dim=label_dim)
    generator = Generator(GeneratorNetwork(config, seed=4), psi=psi, trunc_layers=3)
    generator.network.truncation.w_avg.fill_(0.2)
    z, label = latents[0], latents[1] if label_dim else None
    with torch.no_grad():
        expected = generator.network(z, label, psi, 3)
    last = "mapping.5" if split else "mapping.7"
    for layer in ("z", "mapping.0", last, *config.layers, "w+", "w+0-1", "w+3", "w+1-3"):
        one = generator.with_layer(layer)
        mid = one.map(z, label)[layer]
        assert mid.shape == (5, one.layers[layer])
        images = one.synthesize(mid, layer)
        torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)
    assert one.editable == {"w+1-3": (5, 10)} | ({"z": (0, 6)} if label_dim and not split else {})
    with pytest.raises(InputError, match=r"this generator has z, mapping\.0"):
        generator.with_layer("mapping.8")


def test_a_range_moves_its_own_styles_alone(generator, latents):
    one = generator.with_layer("w+2").with_layer("w+")
    latents = one.map(*latents)
    step = torch.linspace(-2, 2, 5)
    ranged, every = latents["w+2"].clone(), latents["w+"].clone()
    ranged[:, 5:] += step
    every[:, 10:15] += step
    images = one.synthesize(ranged, "w+2")
    assert torch.equal(images, one.synthesize(every, "w+"))
    assert not torch.allclose(images, one.synthesize(latents["w"], "w"), atol=1e-3)


def test_an_edit_at_a_layer_runs_through_the_rest(generator, latents):
    mid = generator.map(*latents)["mapping_split2"].clone()
    step = torch.arange(5.0)
    mid[:, :5] += step  # the old path's half is added to the new one's
    w = generator.map(*latents)["w"] + step
    edited = generator.synthesize(mid, "mapping_split2")
    torch.testing.assert_close(edited, generator.synthesize(w, "w"), rtol=1e-4, atol=1e-4)


def test_results_are_repeatable_and_parts_of_a_batch_make_no_difference(generator, latents):
    w = generator.map(*latents)["w"]
    whole = generator.synthesize(w)
    assert torch.equal(whole, generator.synthesize(w))
    generator._rows = 2
    torch.testing.assert_close(generator.synthesize(w), whole, rtol=1e-4, atol=1e-4)
    assert generator.synthesize(w[:0]).shape == (0, 3, 8, 8)


def test_truncation_is_off_unless_asked_for(generator, latents):
    w = generator.map(*latents)["w"]
    network = generator.network
    for layers in (4, None):
        still = Generator(network, psi=0.0, trunc_layers=layers).synthesize(w)
        torch.testing.assert_close(still, still[:1].expand_as(still))
    assert not torch.allclose(generator.synthesize(w)[0], generator.synthesize(w)[1])


def test_a_generator_without_labels_takes_none(latents):
    plain = Generator(GeneratorNetwork(PLAIN))
    assert plain.map(latents[0])["w"].shape == (5, 5)
    with pytest.raises(InputError, match="takes no label"):
        plain.map(*latents)


def test_wrong_shapes_and_layers_are_refused_with_what_is_allowed(generator, latents):
    z, label = latents
    with pytest.raises(InputError, match=r"z of shape \(5, 4\); it must be \(N, 6\)"):
        generator.map(z[:, :4], label)
    with pytest.raises(InputError, match="no label"):
        generator.map(z)
    with pytest.raises(InputError, match="5 rows of z and 3 of label"):
        generator.map(z, label[:3])
    with pytest.raises(InputError, match="mapping_split1, mapping_split2, w"):
        generator.synthesize(z, "style")
    with pytest.raises(InputError, match=r"must be \(N, 10\)"):
        generator.synthesize(z, "mapping_split2")


def test_digest_names_the_weights():
    first, again = (Generator(GeneratorNetwork(TINY, seed=4)) for _ in range(2))
    assert first.digest == again.digest == weights_digest(first.network.state_dict())
    assert len(first.digest) == 16
    assert first.digest != Generator(GeneratorNetwork(TINY, seed=5)).digest


def test_load_generator_takes_a_path_or_the_shipped_file(tmp_path, monkeypatch, latents):
    path = tmp_path / "g.safetensors"
    network = GeneratorNetwork(TINY, seed=4)
    save_generator(path, network, dtype=torch.float32)
    loaded = load_generator(path, device="cpu")
    assert loaded.digest == file_digest(path)
    expected = Generator(network).map(*latents)["w"]
    torch.testing.assert_close(loaded.map(*latents)["w"], expected)
    monkeypatch.setitem(module.SHIPPED, "default", path)
    for shipped in (None, "default"):
        assert load_generator(shipped, device="cpu").digest == loaded.digest


def test_load_generator_refuses_missing_files_and_devices(tmp_path):
    with pytest.raises(CheckpointError, match="no file"):
        load_generator(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="device"):
        Generator(GeneratorNetwork(TINY), device="warp")
