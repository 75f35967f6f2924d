"""The mapping of StyleGAN2 and 3: its definition, leaving and resuming, labels, truncation."""

from __future__ import annotations

import math

import pytest
import torch

from property_cnn.common.errors import InputError
from stylegan_ft.architectures.mapping import FullyConnected, MappingNetwork, normalize
from stylegan_ft.architectures.stylegan2.settings import StyleGAN2Config
from tests.stylegan_ft.stylegan2_by_hand import (
    ACTIVATIONS,
    activated,
    mapping_by_hand,
    randomize,
)


def mapping(c_dim: int = 0) -> MappingNetwork:
    config = StyleGAN2Config(8, (4, 4), z_dim=6, c_dim=c_dim, w_dim=8, mapping_layers=3)
    network = MappingNetwork(config, embed_features=5, layer_features=7)
    holder = torch.nn.ModuleDict({"mapping": network})
    return randomize(holder)["mapping"]


def latents(c_dim: int = 0, n: int = 4) -> tuple[torch.Tensor, torch.Tensor | None]:
    rng = torch.Generator().manual_seed(3)
    z = torch.randn(n, 6, generator=rng)
    return z, torch.randn(n, c_dim, generator=rng) if c_dim else None


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_dense_layer_by_hand(activation):
    layer = randomize(FullyConnected(5, 3, activation, lr_multiplier=0.1))
    x, _ = latents()
    raw = x[:, :5].double() @ layer.weight.double().T * (0.1 / math.sqrt(5))
    raw = raw + 0.1 * layer.bias.double()
    expected = activated(raw, activation)
    torch.testing.assert_close(layer(x[:, :5]).double(), expected, rtol=1e-5, atol=1e-6)


def test_unknown_activations_are_refused():
    with pytest.raises(InputError, match="'mish': this library has linear, relu, lrelu"):
        FullyConnected(5, 3, "mish")


def test_normalized_rows_have_a_mean_square_of_one():
    out = normalize(latents()[0] * 7)
    torch.testing.assert_close(out.square().mean(dim=1), torch.ones(4))


@pytest.mark.parametrize("c_dim", [0, 2])
def test_all_vectors_are_the_definitions(c_dim):
    network, (z, c) = mapping(c_dim), latents(c_dim)
    found = network(z, c)
    assert list(found) == list(network.vectors)
    assert {name: vector.shape[1] for name, vector in found.items()} == network.vectors
    assert network.vectors["z"] == 6 + c_dim
    state = {f"mapping.{name}": tensor for name, tensor in network.state_dict().items()}
    for k, expected in enumerate(mapping_by_hand(state, z, c)):
        torch.testing.assert_close(found[f"mapping.{k}"].double(), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(found["w"], found["mapping.2"])
    assert torch.equal(found["z"][:, :6], z)


@pytest.mark.parametrize("c_dim", [0, 2])
def test_every_vector_resumes_to_the_same_w(c_dim):
    network = mapping(c_dim)
    found = network(*latents(c_dim))
    for name, vector in found.items():
        assert torch.equal(network.resume(vector, name), found["w"]), name


def test_the_scale_of_z_makes_no_difference_but_its_direction_does():
    network, (z, _) = mapping(), latents()
    w = network(z)["w"]
    torch.testing.assert_close(network(3 * z)["w"], w, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(network(-z)["w"], w, atol=0.1)


def test_truncation_is_linear_in_psi_and_stops_at_a_layer():
    network = mapping()
    ws = network(latents()[0])["w"][:, None].expand(-1, 5, -1)
    assert network.truncate(ws, 1.0) is ws
    torch.testing.assert_close(network.truncate(ws, 0.0), network.w_avg.expand_as(ws))
    half = network.truncate(ws, 0.5)
    torch.testing.assert_close(half, (ws + network.w_avg) / 2)
    some = network.truncate(ws, 0.5, layers=2)
    torch.testing.assert_close(some[:, :2], half[:, :2])
    assert torch.equal(some[:, 2:], ws[:, 2:])
    assert torch.equal(network.truncate(ws, 0.5, layers=0), ws)
