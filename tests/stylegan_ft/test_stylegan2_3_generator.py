"""StyleGAN2 and 3 as the library's generators: every layer re-enters, edits reach their layers."""

from __future__ import annotations

import pytest
import torch

from property_cnn.common.errors import InputError
from property_cnn.common.networks import weights_digest
from stylegan_ft.architectures import layered
from stylegan_ft.architectures.layered import as_rgb
from stylegan_ft.architectures.stylegan3.network import StyleGAN3
from stylegan_ft.architectures.stylegan3.settings import StyleGAN3Config
from stylegan_ft.generator import StyleGANGenerator
from tests.stylegan_ft.stylegan2_by_hand import latents, random_stylegan2, randomize
from vectorfind.models.protocols import Generator as Protocol

LAYERS = ("z", "mapping.0", "mapping.2", "w", "w+", "w+1-3", "w+5", "w+0", "s")


def stylegan3(c_dim: int = 0) -> StyleGAN3:
    config = StyleGAN3Config(
        img_resolution=16, z_dim=6, c_dim=c_dim, w_dim=8, mapping_layers=3, channel_base=64,
        channel_max=6, num_layers=4, margin_size=2,
    )  # fmt: skip
    network = randomize(StyleGAN3(config))
    for layer in network.synthesis.values():
        if hasattr(layer, "magnitude_ema"):
            layer.magnitude_ema.abs_().add_(0.5)
    return network


NETWORKS = {
    "skip": lambda c_dim: random_stylegan2("skip", c_dim=c_dim),
    "resnet": lambda c_dim: random_stylegan2("resnet", c_dim=c_dim, conv_clamp=256.0),
    "orig": lambda c_dim: random_stylegan2("orig", c_dim=c_dim),
    "stylegan3": stylegan3,
}


@pytest.fixture
def generator() -> StyleGANGenerator:
    return StyleGANGenerator(random_stylegan2())


@pytest.mark.parametrize("psi", [1.0, 0.6])
@pytest.mark.parametrize("c_dim", [0, 2])
@pytest.mark.parametrize("kind", NETWORKS)
def test_unedited_vectors_of_every_layer_give_the_image_itself(kind, c_dim, psi):
    network = NETWORKS[kind](c_dim)
    z, label = latents(network.config, 5)
    expected = network(z, label, psi)
    scale = float(expected.abs().max())
    generator = StyleGANGenerator(network, psi=psi)
    for layer in LAYERS:
        one = generator.with_layer(layer)
        mapped = one.map(z, label)
        assert {name: mid.shape[1] for name, mid in mapped.items()} == one.layers
        images = one.synthesize(mapped[layer], layer)
        assert images.shape == (5, 3, 16, 16)
        torch.testing.assert_close(images, expected, rtol=0, atol=1e-5 * max(scale, 1.0))
        assert torch.equal(images, generator.synthesize(generator.map(z, label)["w"])), layer


def test_attributes_tell_the_sizes(generator):
    assert isinstance(generator, Protocol)
    assert (generator.z_dim, generator.label_dim, generator.resolution) == (6, 0, 16)
    assert generator.layers == {"z": 6, "w": 8}
    expected = ("z", "mapping.0", "mapping.1", "mapping.2", "w", "w+", "w+A-B", "s")
    assert generator.available_layers == expected
    assert generator.editable == {}
    assert generator.device == torch.device("cpu")
    assert generator.thread_safe


def test_offers_share_the_weights_and_leave_the_generator_as_it_was(generator):
    more = generator.with_layer("s").with_layer("w+1-2").with_layer("w")
    assert list(more.layers) == ["z", "w", "w+1-2", "s"]
    assert generator.layers == {"z": 6, "w": 8}
    assert more.network is generator.network
    assert more.digest == generator.digest
    assert more.editable == {"w+1-2": (8, 16)}


def test_unknown_layers_are_refused_with_what_there_is(generator):
    with pytest.raises(InputError, match=r"has z, mapping.0, .*s, A and B from 0 to 5"):
        generator.with_layer("style")
    with pytest.raises(InputError, match="layers 0 to 5"):
        generator.with_layer("w+4-6")
    w = generator.map(latents(generator.network.config, 2)[0])["w"]
    with pytest.raises(InputError, match=r"has z, w; with_layer\(layer\) adds one of z,"):
        generator.synthesize(w, "w+")


def test_a_range_moves_its_own_styles_alone(generator):
    one = generator.with_layer("w+1-2").with_layer("w+").with_layer("s")
    z, _ = latents(generator.network.config, 3)
    mapped = one.map(z)
    step = torch.linspace(-1, 1, 8)
    ranged = mapped["w+1-2"].clone()
    ranged[:, slice(*one.editable["w+1-2"])] += step
    every = mapped["w+"].clone().unflatten(1, (6, 8))
    every[:, 1:3] += step
    images = one.synthesize(ranged, "w+1-2")
    assert torch.equal(images, one.synthesize(every.flatten(1), "w+"))
    assert not torch.allclose(images, one.synthesize(mapped["w"], "w"), atol=1e-3)
    styles = torch.cat(generator.network.styles(every), dim=1)
    assert torch.equal(images, one.synthesize(styles, "s"))


def test_an_edit_of_style_space_reaches_its_channel():
    network = random_stylegan2()
    one = StyleGANGenerator(network).with_layer("s")
    mapped = one.map(latents(network.config, 2)[0])
    last = mapped["s"].clone()
    last[:, -4:] *= 3.0  # the last image layer's scales: the image without them stays
    added = one.synthesize(last, "s") - one.synthesize(mapped["s"], "s")
    off = mapped["s"].clone()
    off[:, -4:] = 0.0
    whole = one.synthesize(mapped["s"], "s") - one.synthesize(off, "s")
    torch.testing.assert_close(added, 2 * whole, rtol=1e-3, atol=1e-3)


def test_labels_come_after_z_and_directions_leave_them_alone():
    network = random_stylegan2(c_dim=2)
    generator = StyleGANGenerator(network)
    z, label = latents(network.config, 3)
    assert generator.layers == {"z": 8, "w": 8}
    assert generator.editable == {"z": (0, 6)}
    mapped = generator.map(z, label)
    assert torch.equal(mapped["z"], torch.cat([z, label], dim=1))
    other = generator.map(z, -label)
    assert not torch.allclose(other["w"], mapped["w"])
    with pytest.raises(InputError, match=r"one of shape \(N, 2\)"):
        generator.map(z)


@pytest.mark.parametrize("layers", [None, 0, 2, 99])
def test_truncation_pulls_the_first_layers_w_towards_the_mean(layers):
    network = random_stylegan2()
    z, _ = latents(network.config, 3)
    generator = (
        StyleGANGenerator(network, psi=0.3, trunc_layers=layers).with_layer("w+").with_layer("s")
    )
    mapped = generator.map(z)
    ws = mapped["w+"].unflatten(1, (6, 8)).clone()
    count = 6 if layers is None else layers
    ws[:, :count] = network.mapping.w_avg + 0.3 * (ws[:, :count] - network.mapping.w_avg)
    styles = network.styles(ws)
    torch.testing.assert_close(mapped["s"], torch.cat(styles, dim=1), rtol=1e-4, atol=1e-4)
    images = generator.synthesize(mapped["w"], "w")
    torch.testing.assert_close(images, network.images(styles), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", NETWORKS)
def test_parts_of_a_batch_make_no_difference(kind):
    network = NETWORKS[kind](0)
    generator = StyleGANGenerator(network)
    w = generator.map(latents(network.config, 5)[0])["w"]
    whole = generator.synthesize(w)
    scale = max(1.0, float(whole.abs().max()))
    generator._rows = 2
    torch.testing.assert_close(generator.synthesize(w), whole, rtol=0, atol=1e-5 * scale)
    alone = torch.cat([generator.synthesize(row) for row in w.split(1)])
    torch.testing.assert_close(alone, whole, rtol=0, atol=1e-5 * scale)
    assert generator.synthesize(w[:0]).shape == (0, 3, 16, 16)


def test_digest_names_the_weights():
    network = random_stylegan2(seed=3)
    assert StyleGANGenerator(network).digest == weights_digest(network.state_dict())
    assert StyleGANGenerator(random_stylegan2(seed=4)).digest != StyleGANGenerator(network).digest
    assert StyleGANGenerator(network, digest="given").digest == "given"


def test_images_that_are_not_rgb_are_refused():
    with pytest.raises(InputError, match="images have 2 channels"):
        StyleGANGenerator(random_stylegan2(img_channels=2))


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_images_are_repeated_and_transparent_ones_laid_over_white(channels):
    network = random_stylegan2(img_channels=channels)
    generator = StyleGANGenerator(network)
    w = generator.map(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)))["w"]
    own = network.images(network.styles(w[:, None].expand(-1, network.num_ws, -1)))
    images = generator.synthesize(w)
    assert images.shape == (3, 3, 16, 16)
    assert own.shape == (3, channels, 16, 16)
    if channels == 1:
        assert all(torch.equal(images[:, k], own[:, 0]) for k in range(3))
    else:
        clear, opaque = own[:, 3:] <= -1, own[:, 3:] >= 1
        assert 10 < clear.sum()
        assert 5 < opaque.sum()
        assert (images[clear.expand_as(images)] == 1).all()
        same = opaque.expand_as(images)
        torch.testing.assert_close(images[same], own[:, :3][same])
        half = as_rgb(torch.tensor([0.5, -1.0, 1.0, 0.0]).view(1, 4, 1, 1))
        assert half.flatten().tolist() == [0.75, 0.0, 1.0]


def test_wrong_shapes_are_refused(generator):
    with pytest.raises(InputError, match=r"z of shape \(2, 5\); it must be \(N, 6\)"):
        generator.map(torch.zeros(2, 5))
    with pytest.raises(InputError, match="takes no label"):
        generator.map(torch.zeros(2, 6), torch.zeros(2, 1))
    with pytest.raises(InputError, match=r"vectors of w of shape \(8,\)"):
        generator.synthesize(torch.zeros(8), "w")


@pytest.mark.parametrize("kind", NETWORKS)
def test_images_done_one_by_one_are_those_done_together(kind, monkeypatch):
    network = NETWORKS[kind](0)
    w = torch.randn(3, network.config.w_dim, generator=torch.Generator().manual_seed(3))
    together = StyleGANGenerator(network).synthesize(w, "w")
    monkeypatch.setattr(layered, "CHUNK", 1)  # of maps so large that a pass has one row
    generator = StyleGANGenerator(network)
    apart = generator.synthesize(w, "w")
    bound = 1e-5 * max(float(together.abs().max()), 1.0)
    torch.testing.assert_close(apart, together, rtol=0, atol=bound)
    pulled = w.clone().requires_grad_()
    with_gradients = generator.synthesize(pulled, "w")
    torch.testing.assert_close(with_gradients.detach(), together, rtol=0, atol=bound)
    assert torch.autograd.grad(with_gradients.sum(), pulled)[0].abs().min() > 0
