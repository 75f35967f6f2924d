"""PGGAN's network: settings, and what its layers are; whole images are tested with its files."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from property_cnn.common.errors import CheckpointError, InputError
from stylegan_ft.architectures.build import build, config_from_dict, config_to_dict
from stylegan_ft.architectures.pggan.network import PGGAN, Layer
from stylegan_ft.architectures.pggan.settings import PGGANConfig

TINY = PGGANConfig(resolution=8, channels=(4, 3), z_dim=5)


def test_the_scale_of_a_latent_makes_no_difference():
    network = PGGAN(TINY).requires_grad_(False)
    for weight in network.parameters():
        weight.normal_(generator=torch.Generator().manual_seed(weight.numel()))
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    images = network(z)
    assert images.shape == (2, 3, 8, 8)
    torch.testing.assert_close(network(3 * z), images)
    alone = torch.cat([network(row[None]) for row in z])
    torch.testing.assert_close(alone, images, rtol=1e-4, atol=1e-4)


def test_final_activations():
    for name, last in (("tanh", torch.tanh), ("hardtanh", lambda x: x.clamp(-1, 1))):
        network = PGGAN(dataclasses.replace(TINY, final_activation=name)).requires_grad_(False)
        network.output.bias.copy_(torch.tensor([0.5, -3.0, 3.0]))
        images = network(torch.ones(1, 5))
        torch.testing.assert_close(images[0, :, 0, 0], last(torch.tensor([0.5, -3.0, 3.0])))


def test_a_layer_of_one_pixel_is_a_dense_one():
    layer = Layer(4, 3, 1, gain=1.0).requires_grad_(False)
    layer.weight.copy_(torch.arange(12.0).view(3, 4, 1, 1))
    x = torch.tensor([[1.0, -1.0, 1.0, 1.0]])  # of mean square one
    expected = x @ layer.weight[:, :, 0, 0].T / 2
    torch.testing.assert_close(layer(x[:, :, None, None])[..., 0, 0], expected)


@pytest.mark.parametrize(
    "change",
    [{"resolution": 16}, {"channels": (4, 0)}, {"z_dim": 0}, {"final_activation": "relu"}],
)
def test_other_settings_are_refused(change):
    with pytest.raises(InputError):
        dataclasses.replace(TINY, **change)


def test_settings_pass_through_json_and_weights_are_checked():
    assert config_from_dict(config_to_dict(TINY)) == TINY
    state = PGGAN(TINY).state_dict()
    build(TINY, state)
    with pytest.raises(CheckpointError, match=r"lacks output\.bias"):
        build(TINY, {name: tensor for name, tensor in state.items() if name != "output.bias"})
