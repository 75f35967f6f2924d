"""What generators tell of their weights: those of the affine layers, which make styles of w."""

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.mobile.network import MobileStyleGAN
from stylegan_ft.architectures.mobile.settings import MobileConfig
from stylegan_ft.architectures.stylegan1.network import GeneratorNetwork
from stylegan_ft.generator import Generator, StyleGANGenerator
from tests.stylegan_ft.stylegan2_by_hand import latents, random_stylegan2, randomize
from tests.stylegan_ft.test_generator import PLAIN, TINY
from tests.stylegan_ft.test_stylegan2_3_generator import NETWORKS


def mobile(c_dim: int) -> MobileStyleGAN:
    return randomize(MobileStyleGAN(MobileConfig((16, 8, 8, 12), (16, 64), 64, 6, 8, 3)))


KINDS = {**NETWORKS, "mobile": mobile}


@pytest.mark.parametrize("kind", KINDS)
def test_style_weights_make_the_style_space_of_w(kind):
    generator = StyleGANGenerator(KINDS[kind](0)).with_layer("s")
    mapped = generator.map(latents(generator.network.config, 4)[0])
    w, s = mapped["w"].double().diff(dim=0), mapped["s"].double().diff(dim=0)
    weights = generator.style_weights().double()
    assert weights.shape == (s.shape[1], w.shape[1])
    torch.testing.assert_close(w @ weights.T, s, rtol=1e-4, atol=1e-5 * float(s.abs().max()))
    assert torch.equal(generator.style_weights("w+"), generator.style_weights("w"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_of_a_range_are_those_whose_styles_it_moves(kind):
    network = KINDS[kind](0)
    generator = StyleGANGenerator(network)
    ws = torch.zeros(2, network.num_ws, generator.layers["w"])
    ws[1, 1:3] = torch.randn(generator.layers["w"], generator=torch.Generator().manual_seed(1))
    before, after = (torch.cat(network.styles(each[None]), dim=1)[0] for each in ws)
    moved = (after != before).nonzero().flatten()
    expected = generator.style_weights("w")[moved]
    assert torch.equal(generator.style_weights("w+1-2"), expected)


@pytest.mark.parametrize("config", [TINY, PLAIN])
def test_a_stylegan1_tells_the_weights_of_scales_and_shifts(config):
    generator = Generator(GeneratorNetwork(config, seed=4))
    layers = [getattr(generator.network.synthesis, f"layer{k}") for k in range(4)]
    one, two = torch.randn(2, 1, config.w_dim, generator=torch.Generator().manual_seed(0))
    styles = [
        torch.cat([torch.cat(layer.style(w), dim=1) for layer in layers], dim=1) for w in (one, two)
    ]
    moved = (one - two) @ generator.style_weights("w").T
    torch.testing.assert_close(moved, styles[0] - styles[1], rtol=1e-4, atol=1e-5)
    ranges = [generator.style_weights(f"w+{k}") for k in range(4)]
    assert torch.equal(torch.cat(ranges), generator.style_weights("w"))


@pytest.mark.parametrize("layer", ["z", "mapping.0", "s", "nose"])
def test_layers_that_feed_no_affine_layer_are_told(layer):
    with pytest.raises(InputError, match=f"'{layer}': no affine layer .* give w, w\\+ or w\\+A-B"):
        StyleGANGenerator(random_stylegan2()).style_weights(layer)
